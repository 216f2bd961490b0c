"""A process that may take only so much more memory."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from train.memory import at_most

MB = 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much a process has")
def test_more_is_refused_and_had_again_afterwards() -> None:
    with at_most(256 * MB):
        np.zeros(64 * MB, np.uint8)
        with pytest.raises(MemoryError):
            np.zeros(1024 * MB, np.uint8)
    assert np.zeros(1024 * MB, np.uint8).nbytes == 1024 * MB


def test_it_ends_with_what_is_raised_in_it() -> None:
    with pytest.raises(KeyError), at_most(256 * MB):
        raise KeyError
    assert np.zeros(1024 * MB, np.uint8).nbytes == 1024 * MB
