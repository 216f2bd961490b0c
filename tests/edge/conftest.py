"""No test leaves a run behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.edge.processes import kill_left


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    yield
    kill_left()
