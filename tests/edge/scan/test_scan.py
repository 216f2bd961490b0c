"""A scan: what is in the table, going on, and what is refused."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

import edge.scan
from edge import Recognizer
from edge.cli import main
from edge.errors import ScanError, SettingsError, SourceFileError, TargetError
from edge.scan.results import FAILURES, SECONDS, parts, read_manifest
from edge.scan.scan import Scan
from edge.scan.settings import ScanSettings
from tests.edge.clips import write_change
from tests.edge.scan.archive import LABELS, Here, rows, scan, write_photograph
from tests.edge.sources.media import ramp, write_video


@pytest.fixture(scope="module")
def results(archive: Path) -> Path:
    output = archive.parent / "results"
    assert scan(archive, output) == 0, "one file can't be read"
    return output


def manifests(results: Path) -> dict[str, Any]:
    found = [read_manifest(path) for path in parts(results, SECONDS)]
    return {each["source"]: each for each in found if each}


def test_the_table_has_what_the_api_gives(archive: Path, results: Path) -> None:
    found = [row for row in rows(results) if row["source"] == "archive/change.mp4"]
    expected = [
        (round(result.time, 6), face.track_id, face.label, round(face.score, 4))
        for _, result in Recognizer().stream(archive / "change.mp4")
        for face in result.faces
    ]
    assert len(expected) > 8
    assert [(r["time"], r["track"], r["label"], r["score"]) for r in found] == expected


def test_every_file_has_a_part_with_its_manifest(archive: Path, results: Path) -> None:
    found = manifests(results)
    assert sorted(found) == ["archive/below/nobody.mp4", "archive/change.mp4", "archive/face.png"]
    clip, nobody, picture = (
        found["archive/change.mp4"],
        found["archive/below/nobody.mp4"],
        found["archive/face.png"],
    )
    assert (clip["kind"], clip["frames"], clip["people"]) == ("video", 12, 1)
    assert clip["length"] == pytest.approx(0.4, abs=0.01)
    assert (nobody["frames"], nobody["faces"], nobody["moments"]) == (5, 0, [])
    assert (picture["kind"], picture["people"], picture["length"]) == ("picture", 1, 0)
    assert picture["moments"][0]["label"] == "happy"
    assert "jpeg" not in picture["moments"][0]
    status = (archive / "change.mp4").stat()
    assert clip["fingerprint"] == [status.st_size, status.st_mtime_ns]
    assert [
        row["frames"] for row in rows(results, SECONDS) if row["source"] == "archive/change.mp4"
    ] == [12]


def test_failures_are_listed_and_other_files_are_not(results: Path) -> None:
    lines = (results / FAILURES).read_text().splitlines()
    assert lines[0] == "file,reason"
    assert lines[1].startswith("archive/broken.mp4,")
    assert len(lines) == 2
    assert "archive/broken.mp4" in (results / "report.html").read_text()


def test_the_same_command_goes_on_where_it_was(
    archive: Path, results: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        scan(archive, tmp_path / "r", Here(most=2))
    assert len(list(parts(tmp_path / "r", SECONDS))) == 2
    here = Here()
    assert scan(archive, tmp_path / "r", here) == 0
    assert len(here.given[0]) == 3, "what is left, and what has no part"
    assert rows(tmp_path / "r") == rows(results)
    assert scan(archive, tmp_path / "r", here) == 0
    assert sorted(here.given[1]) == ["archive/broken.mp4", "archive/notes.txt"]


def test_a_changed_file_is_scanned_again_and_nothing_is_there_twice(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    write_change(folder / "x.mp4", frames=2)
    assert scan(folder, tmp_path / "r") == 0
    assert len(rows(tmp_path / "r")) == 4
    (folder / "x.mp4").unlink()
    write_change(folder / "x.mp4", frames=3)
    here = Here()
    assert scan(folder, tmp_path / "r", here) == 0
    assert here.given == [["a/x.mp4"]]
    assert len(rows(tmp_path / "r")) == 6
    assert not list((tmp_path / "r").glob("*/.*.part"))


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"min_face": 0.1}, "--min-face 0.04, not 0.1"),
        ({"per": "second"}, "--per frame, not second"),
        ({"every": 0.5, "rotate": 90}, "--every 0.0, not 0.5; --rotate 0, not 90"),
    ],
)  # fmt: skip
def test_other_settings_are_refused(archive: Path, results: Path, more: Any, what: str) -> None:
    with pytest.raises(TargetError, match=f"found others there: {what}; use the same"):
        scan(archive, results, **more)


def test_a_file_has_its_rows_once_whatever_it_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    write_change(folder / "x.mp4", frames=2)
    (folder / "link.mp4").symlink_to("x.mp4")
    for source in (folder, tmp_path / "a", folder / "x.mp4", folder):
        assert scan(source, tmp_path / "r") == 0
        assert len(rows(tmp_path / "r")) == 4, source
        assert len(list(parts(tmp_path / "r", SECONDS))) == 1
    assert scan(tmp_path, tmp_path / "r2") == 0, "results are no inputs"
    assert len(rows(tmp_path / "r2")) == 4


def test_what_cannot_be_seen_has_failed(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    write_photograph(folder / "x.png")
    (folder / "gone.mp4").symlink_to("nowhere.mp4")
    (folder / "._x.mp4").write_bytes(b"notes of another system")
    assert scan(folder, tmp_path / "r") == 0
    lines = (tmp_path / "r" / FAILURES).read_text().splitlines()
    assert lines[1:] == ["a/gone.mp4,No such file or directory"]


def test_files_of_text_and_lists_of_files_are_no_videos(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    write_video(folder / "x.ts", ramp(5))
    (folder / "x.nfo").write_text("a film of letters\n" * 50)
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nx.ts\n")
    assert scan(folder, tmp_path / "r") == 0
    assert {row["source"] for row in rows(tmp_path / "r")} == {"a/x.ts"}
    lengths = [manifests(tmp_path / "r")["a/x.ts"]["length"]]
    assert scan(folder, tmp_path / "r2", every=0.1) == 0
    lengths.append(manifests(tmp_path / "r2")["a/x.ts"]["length"])
    assert lengths == [0.2, 0.2], "a clock that begins at 1.4 s is no length"


def test_samples_are_as_long_as_the_video(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    write_change(folder / "x.mp4", frames=45)
    command = ["scan", str(folder), "-o", str(tmp_path / "r"), "--every", "2s", "--workers", "1"]
    assert main(command) == 0
    assert manifests(tmp_path / "r")["a/x.mp4"]["length"] == pytest.approx(3, abs=0.1)
    assert manifests(tmp_path / "r")["a/x.mp4"]["frames"] == 2


def test_an_empty_folder_has_nothing_to_scan(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceFileError, match="expected files, found none"):
        scan(tmp_path / "empty", tmp_path / "r")
    assert not (tmp_path / "r").exists()
    for nothing in (str(tmp_path / "nothing"), ""):
        with pytest.raises(SourceFileError, match="expected a folder or a file, found none of"):
            scan(nothing, tmp_path / "r")


def test_a_file_that_grows_is_done_another_time(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    write_change(folder / "x.mp4", frames=2)

    class Growing(Here):
        def scan(self, files: Any, told: Any) -> Any:
            with (folder / "x.mp4").open("ab") as file:
                file.write(b"\0" * 64)
            return super().scan(files, told)

    assert scan(folder, tmp_path / "r", Growing()) == 1
    assert "changed while it was read" in (tmp_path / "r" / FAILURES).read_text()
    assert not list(parts(tmp_path / "r", SECONDS))
    assert scan(folder, tmp_path / "r") == 0
    assert not (tmp_path / "r" / FAILURES).exists()


def test_a_damaged_file_keeps_what_it_has_and_is_not_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    write_change(folder / "x.mkv", frames=30)
    whole = (folder / "x.mkv").read_bytes()
    (folder / "x.mkv").write_bytes(whole[: len(whole) // 2])
    assert scan(folder, tmp_path / "r") == 0
    assert 0 < manifests(tmp_path / "r")["a/x.mkv"]["frames"] < 60
    assert "damaged or cut" in (tmp_path / "r" / FAILURES).read_text()
    here = Here()
    assert scan(folder, tmp_path / "r", here) == 0
    assert here.given == []
    assert "damaged or cut" in (tmp_path / "r" / FAILURES).read_text()


def test_a_scan_of_which_nothing_can_be_read_has_another_code(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "x.mp4").write_bytes(b"no video")
    assert scan(folder, tmp_path / "r") == 2
    assert "a/x.mp4" in (tmp_path / "r" / FAILURES).read_text()


def test_names_may_be_anything(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    names = ["new\nline.png", os.fsdecode(b"\xff\xfe.png"), "x.png", "x .png", "=1+1.png"]
    for name in names:
        write_photograph(tmp_path / "p.png")
        (tmp_path / "p.png").rename(folder / name)
    (folder / "again").symlink_to(folder)
    assert scan(folder, tmp_path / "r") == 0
    found = {row["source"] for row in rows(tmp_path / "r")}
    assert found == {"a/new\nline.png", r"a/\xff\xfe.png", "a/x.png", "a/x .png", "a/=1+1.png"}


def test_seconds_alone_and_thumbnails(archive: Path, tmp_path: Path) -> None:
    assert scan(archive, tmp_path / "r", per="second", thumbnails=True) == 0
    assert not list((tmp_path / "r" / "frames").iterdir())
    moment = manifests(tmp_path / "r")["archive/face.png"]["moments"][0]
    assert moment["jpeg"].startswith("/9j/")
    assert "data:image/jpeg;base64,/9j/" in (tmp_path / "r" / "report.html").read_text()


def test_the_package_that_is_missing_is_named(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "edge.scan.cluster", None)
    monkeypatch.delattr(edge.scan, "cluster", raising=False)
    settings = ScanSettings((str(archive),), output=tmp_path / "r")
    with pytest.raises(ScanError, match=r"expected the package 'distributed'.*\[scan\]"):
        Scan(settings, LABELS, print).run()


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(SettingsError, match="every"):
        ScanSettings(("a",), every=-1)
    with pytest.raises(SettingsError, match=r"export: expected a \.csv or \.parquet file"):
        ScanSettings(("a",), export=Path("a.txt"))


def test_the_table_is_of_parquet_and_says_its_model(results: Path) -> None:
    scan_json = json.loads((results / "scan.json").read_text())
    assert scan_json["labels"] == list(LABELS)
    table = pyarrow.parquet.read_table(parts(results, "frames")[0])
    assert {"source", "time", "track", "label", "p_happy", "smoothed_label"} <= set(
        table.column_names
    )
