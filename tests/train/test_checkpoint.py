"""A damaged state is named in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.checkpoint import read_state
from train.errors import CheckpointError

ORIGIN = '{"machine": "PC", "commit": "0123456789ab", "date": "2025-01-02"}'


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("{}", r"\('precision'\)"),
        ("no JSON", r"\(Expecting value"),
        ('{"precision": "float32"}', r"\('origin'\)"),
        (f'{{"precision": "float32", "origin": {ORIGIN}, "history": 1}}', r"\('int' object"),
    ],
)
def test_a_damaged_state_is_named_without_python(state: str, found: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", state=np.array(state))
    with pytest.raises(CheckpointError, match=rf"a\.npz: .* found damage {found}") as caught:
        read_state(tmp_path / "a.npz")
    assert "Error(" not in str(caught.value)
    assert "\n" not in str(caught.value)
