"""The folder of the results: whose it is, and which of its parts still count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.errors import SinkError, SourceFileError, TargetError
from edge.scan.results import SECONDS, parts
from edge.scan.scan import Scan
from edge.scan.settings import ScanSettings
from tests.edge.clips import write_change
from tests.edge.scan.archive import LABELS, Here, rows, scan


def test_the_folder_of_something_else_is_refused(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TargetError, match="expected an empty folder or the results of a scan"):
        scan(archive, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "r").write_text("mine")
    with pytest.raises(SinkError, match="expected"):
        scan(archive, tmp_path / "r")


def test_another_file_of_that_name_is_no_change_of_it(tmp_path: Path) -> None:
    for name, frames in (("one/a", 2), ("two/a", 3)):
        (tmp_path / name).mkdir(parents=True)
        write_change(tmp_path / name / "x.mp4", frames)
    assert scan(tmp_path / "one" / "a", tmp_path / "r") == 0
    with pytest.raises(TargetError, match=r"expected results of '.*two/a/x\.mp4', found those of"):
        scan(tmp_path / "two" / "a", tmp_path / "r")
    both = tuple(str(tmp_path / name / "a") for name in ("one", "two"))
    with pytest.raises(SourceFileError, match=r"found two 'a/x\.mp4': '.*one/a/x\.mp4' and"):
        Scan(ScanSettings(both, output=tmp_path / "r2"), LABELS, print, Here()).run()


def test_a_moved_archive_is_still_done(tmp_path: Path) -> None:
    (tmp_path / "one" / "a").mkdir(parents=True)
    write_change(tmp_path / "one" / "a" / "x.mp4", frames=2)
    assert scan(tmp_path / "one" / "a", tmp_path / "r") == 0
    (tmp_path / "one").rename(tmp_path / "two")
    here = Here()
    assert scan(tmp_path / "two" / "a", tmp_path / "r", here) == 0
    assert here.given == []


def test_a_part_goes_where_its_file_cannot_be_read_any_more(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    write_change(folder / "x.mp4", frames=2)
    assert scan(folder, tmp_path / "r") == 0
    (folder / "x.mp4").write_bytes(b"no video any more")
    assert scan(folder, tmp_path / "r") == 2
    assert rows(tmp_path / "r") == []
    assert not list(parts(tmp_path / "r", SECONDS))


def test_two_scans_do_not_write_into_one_folder(archive: Path, tmp_path: Path) -> None:
    class Second(Here):
        def scan(self, files: Any, told: Any) -> Any:
            with pytest.raises(SinkError, match="found that another run writes there"):
                scan(archive, tmp_path / "r")
            return super().scan(files, told)

    assert scan(archive, tmp_path / "r", Second()) == 0


def test_a_full_disk_ends_it(archive: Path, tmp_path: Path) -> None:
    class Full(Here):
        def scan(self, files: Any, told: Any) -> Any:
            (tmp_path / "r" / SECONDS).rmdir()
            (tmp_path / "r" / SECONDS).write_text("in the way")
            return super().scan(files, told)

    with pytest.raises(SinkError, match="expected a file that can be written"):
        scan(archive, tmp_path / "r", Full())
