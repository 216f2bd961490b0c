"""A small archive, and the browser of the live page's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.scan.archive import write_archive
from tests.edge.scan.results import write_scan
from tests.edge.web.conftest import browser, visit

__all__ = ["browser", "visit"]


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "archive"
    write_archive(folder)
    return folder


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """The folder of a scan that has begun."""
    write_scan(tmp_path)
    return tmp_path
