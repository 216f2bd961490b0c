"""The pictures and videos of a folder, and that what is left out is said."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from edge.errors import SourceFileError
from edge.sources.folder import FolderSource
from edge.types import Image
from tests.edge.sources.media import corner, plain, write_video


def pillow(image: Image | None = None) -> Any:
    return Pillow.fromarray((corner() if image is None else image)[..., ::-1])


def test_a_folder_gives_its_pictures_and_those_below_in_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in (("b/a.png", 30), ("a.webp", 10), ("b.PNG", 20), ("b/c/d/a.gif", 40)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pillow(plain(value)).save(path)
    with FolderSource(tmp_path) as source:
        assert source.description == f"{tmp_path.name}/ (4 files)"
        frames = list(source)
    assert [frame.source for frame in frames] == ["a.webp", "b/a.png", "b/c/d/a.gif", "b.PNG"]
    assert [round(float(frame.image.mean()), -1) for frame in frames] == [10, 30, 40, 20]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    done = [frame.done for frame in frames]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(1)
    assert all(frame.still and frame.time == 0 for frame in frames)
    assert caplog.records == []


def test_what_a_folder_leaves_out_is_said_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    pillow().save(folder / "m.png")
    (folder / "x.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("not looked at")
    (folder / "gone.jpg").symlink_to("nowhere")
    (folder / "below" / "again").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    with FolderSource(folder) as source:
        [frame] = source
    assert frame.source == "m.png"
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    text = record.getMessage()
    assert text.startswith("folder/: 5 of 6 files left out: ")
    assert "unreadable 1 (x.jpg: expected a video or a picture, found none" in text
    assert "dead links 1 (gone.jpg)" in text
    assert "other files 2 (notes.txt)" in text
    assert "links to folders that were read already 1 (" in text


@pytest.mark.parametrize("names", [[], ["a.txt"], ["a.png", "b/c.png"]])
def test_a_folder_without_a_picture_or_video_is_refused_when_it_is_opened(
    tmp_path: Path, names: list[str]
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no picture")
    expected = (
        rf"expected pictures or videos, found none among {len(names)} files.*; name the folder"
    )
    with pytest.raises(SourceFileError, match=expected):
        FolderSource(tmp_path).__enter__()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets any byte into a name")
def test_a_name_that_is_no_text_becomes_some(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.png"))
    pillow().save(path)
    with FolderSource(tmp_path) as source:
        assert [frame.source for frame in source] == ["a\ufffd.png"]


def test_videos_are_played_in_their_turn(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    write_video(tmp_path / "below" / "a.mp4", [plain()] * 3)
    write_video(tmp_path / "c.mkv", [plain()] * 2)
    for name in ("a.png", "d.png"):
        pillow().save(tmp_path / name)
    with FolderSource(tmp_path) as source:
        frames = list(source)
    assert [(frame.source, frame.index, frame.still) for frame in frames] == [
        ("a.png", 0, True),
        *(("below/a.mp4", n, False) for n in range(3)),
        *(("c.mkv", n, False) for n in range(2)),
        ("d.png", 1, True),
    ]
    done = [frame.done for frame in frames]
    assert done == sorted(done)
    assert done[-1] == pytest.approx(1)


def test_a_damaged_video_gives_what_it_has_and_the_others_follow(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_video(tmp_path / "a.mkv", [plain(n) for n in range(0, 250, 2)])
    whole = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "a.mkv").write_bytes(whole[: len(whole) // 2])
    write_video(tmp_path / "b.mp4", [plain()] * 2)
    with FolderSource(tmp_path) as source:
        names = [frame.source for frame in source]
    assert 0 < names.count("a.mkv") < 125
    assert names.count("b.mp4") == 2
    assert caplog.messages[0].startswith("a.mkv: damaged or cut: about")
    assert caplog.messages[1:] == [
        f"{tmp_path.name}/: 1 of 2 files damaged and used in part (a.mkv)"
    ]


def test_a_prefix_leads_every_name(tmp_path: Path) -> None:
    pillow().save(tmp_path / "a.png")
    source = FolderSource(tmp_path)
    source.prefix = "photos/"
    with source:
        assert [frame.source for frame in source] == ["photos/a.png"]


def test_a_text_is_no_film(tmp_path: Path) -> None:
    """FFmpeg would draw its letters."""
    pillow().save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("\x1b[31mred\n" * 400)
    with FolderSource(tmp_path) as source:
        assert [frame.source for frame in source] == ["a.png"]
