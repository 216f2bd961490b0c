"""What is in a folder and in those below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import SourceFileError
from edge.sources.paths import walk


def test_every_file_is_found_once_in_order_and_what_is_passed_over_noted(tmp_path: Path) -> None:
    for name in ("b/c/1.mp4", "b/2.mp4", "a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "circle").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to("nowhere")
    notes: list[tuple[str, str]] = []
    found = walk(tmp_path, lambda kind, text: notes.append((kind, text)))
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "a.txt",
        "b/2.mp4",
        "b/c/1.mp4",
        "gone",
    ]
    assert notes == [("links to folders that were read already", str(tmp_path / "b" / "circle"))]


def test_a_folder_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceFileError, match="expected a folder, found No such file"):
        walk(tmp_path / "none", print)
