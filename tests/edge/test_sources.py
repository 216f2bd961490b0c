"""Files, folders, wrappers, and which source a name means."""

from __future__ import annotations

import itertools
import os
import struct
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import SettingsError, SourceError
from edge.frames import Frame
from edge.settings import Settings
from edge.sources import open_source
from edge.sources.camera import camera_source
from edge.sources.images import ImageSource
from edge.sources.live import LiveSource
from edge.sources.video import VideoSource
from edge.sources.wrappers import Fallback, Limited, Paced
from tests.edge.fakes import FakeSource, frames, image, outage, write_video


def never() -> bool:
    return False


# Images


@pytest.mark.parametrize("content", [b"", b"no image\n" * 100])
def test_an_image_that_is_none_is_called_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.JPG"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.JPG: expected an image, found"):
        ImageSource(path, pytest.fail).__enter__()


def test_a_photo_stands_upright_whether_it_is_named_itself_or_in_a_folder(tmp_path: Path) -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    _, encoded = cv2.imencode(".jpg", image(64, 48))
    jpeg, segment = encoded.tobytes(), (len(exif) + 2).to_bytes(2, "big") + exif
    path = tmp_path / "lying.jpg"
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + segment + jpeg[2:])
    for source in (ImageSource(path, pytest.fail), ImageSource(tmp_path, pytest.fail)):
        with source:
            (frame,) = source
        assert frame.image.shape == (64, 48, 3)
        assert frame.name == "lying.jpg"


def test_a_folder_gives_its_images_in_order_and_names_the_unreadable(tmp_path: Path) -> None:
    for name, value in (("b.png", 20), ("a.JPG", 10), ("d.png", 40)):
        cv2.imwrite(str(tmp_path / name), image(value=value))
    (tmp_path / "c.png").write_bytes(b"no image")
    (tmp_path / "e.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("not looked at")
    said: list[str] = []
    with ImageSource(tmp_path, said.append) as source:
        given = list(source)
    assert [round(float(frame.image.mean()), -1) for frame in given] == [10, 20, 40]
    assert [frame.index for frame in given] == [0, 1, 2]
    assert len(said) == 3
    assert "c.png" in said[0]
    assert "e.jpg" in said[1]
    assert "2 of 5 images skipped" in said[2]


def test_an_image_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), image())
    (tmp_path / "b.png").touch()
    said: list[str] = []
    with ImageSource(tmp_path, said.append) as source:
        (tmp_path / "b.png").unlink()
        assert len(list(source)) == 1
    assert said[0].endswith("b.png: expected an image, found No such file or directory; skipped")


def test_a_damaged_photo_is_used_and_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    content = cv2.imencode(".jpg", noise)[1]
    content[8000:8500] = 0
    content.tofile(tmp_path / "a.jpg")
    said: list[str] = []
    with ImageSource(tmp_path, said.append) as source:
        assert len(list(source)) == 1
    assert len(said) == 1
    assert "a.jpg: expected a whole image, found Corrupt JPEG data" in said[0]
    assert capfd.readouterr().err == ""


def test_what_a_decoder_only_remarks_is_no_damage(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = cv2.imencode(".png", image())[1].tobytes()
    text = b"tEXt" + b"Comment\0a"
    chunk = struct.pack(">I", len(text) - 4) + text + b"\0\0\0\0"  # no checksum of it
    (tmp_path / "a.png").write_bytes(content[:33] + chunk + content[33:])
    with ImageSource(tmp_path, pytest.fail) as source:
        assert len(list(source)) == 1
    assert capfd.readouterr().err == ""


def test_images_are_so_far_apart_that_tracks_do_not_mix(tmp_path: Path) -> None:
    for index in range(3):
        cv2.imwrite(str(tmp_path / f"{index}.png"), image())
    with ImageSource(tmp_path, pytest.fail) as source:
        gaps = np.diff([frame.captured_at for frame in source])
    assert gaps.min() > Settings().tracking.forget


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "expected images .* found none"),
        (["a.txt"], "expected images .* found none"),
        (["a.png"], "expected an image, found none that can be read"),
        (["a.png", "b.png"], "a.png: expected an image, found none .* and no other in "),
    ],
)
def test_a_folder_without_a_readable_image_is_refused_when_it_is_opened(
    tmp_path: Path, names: list[str], message: str
) -> None:
    for name in names:
        (tmp_path / name).write_text("no image")
    with pytest.raises(SourceError, match=message), ImageSource(tmp_path, pytest.fail):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets any byte into a name")
def test_a_name_that_is_no_text_becomes_some(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.png"))
    path.write_bytes(cv2.imencode(".png", image())[1].tobytes())
    with ImageSource(tmp_path, pytest.fail) as source:
        assert [frame.name for frame in source] == ["a\ufffd.png"]


# Wrappers, and which source a name means


def test_limited_asks_for_no_frame_too_many() -> None:
    asked = []

    def counting() -> object:
        for frame in frames(10):
            asked.append(frame.index)
            yield frame

    with Limited(FakeSource(counting()), 3) as source:  # type: ignore[arg-type]
        assert [frame.index for frame in source] == [0, 1, 2]
    assert asked == [0, 1, 2]


def test_limited_counts_frames_only() -> None:
    first, second, third = frames(3)
    given = [first, outage(), outage(), second, outage(), third]
    with Limited(FakeSource(given), 2) as source:
        assert list(source) == given[:4]


def test_paced_gives_no_frame_before_its_time(tmp_path: Path) -> None:
    with Paced(VideoSource(write_video(tmp_path / "a.avi", 5)), never) as source:
        lags = [time.monotonic() - frame.captured_at for frame in source]  # type: ignore[union-attr]
        assert source.fps == 25
    assert min(lags) >= 0


def test_the_wish_to_stop_ends_the_wait_for_a_frame_that_is_not_due() -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    start = time.monotonic()
    late = Frame(image(), 0, start + 20)
    with Paced(FakeSource([late]), stop.is_set) as source:
        assert next(iter(source)) is late
    assert 0.1 <= time.monotonic() - start < 0.8


def test_fallback_takes_the_other_and_says_why() -> None:
    said: list[str] = []
    other = FakeSource(frames(2))
    with Fallback(camera_source(97, never), lambda: other, said.append) as source:
        assert source.description == "fake"
        assert len(list(source)) == 2
    assert len(said) == 1
    assert "no such device" in said[0]
    assert said[0].endswith("showing the fake instead")
    assert other.closed


def test_fallback_makes_no_other_where_the_first_opens() -> None:
    with Fallback(FakeSource(frames(1)), pytest.fail, pytest.fail) as source:
        assert len(list(source)) == 1


def test_names_mean_sources(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), image())
    video = write_video(tmp_path / "a.avi", 3)

    def named(name: str, watched: bool = False) -> object:
        return open_source(Settings(source=name), watched, never, pytest.fail)

    assert isinstance(named(str(tmp_path)), ImageSource)
    assert isinstance(named(str(video)), VideoSource)
    assert isinstance(named(str(video), watched=True), Paced)
    for name in ("3", "/dev/video3", "/dev/v4l/by-id/usb-a-video-index0", "picamera", "picamera:1"):
        assert isinstance(named(name), LiveSource)
    assert isinstance(named("rtsp://camera.local/1"), LiveSource)
    assert isinstance(named("HTTP://camera.local/1"), LiveSource)
    assert isinstance(named("auto"), Fallback)
    with pytest.raises(SettingsError, match="expected a camera's index, a stream's address"):
        named(str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="'auto', found File name too long; check the path"):
        named("long" * 99)


def test_the_demo_stands_in_for_a_camera_at_the_start_only() -> None:
    def after(before: str) -> LiveSource:
        source = open_source(Settings(source="auto"), False, never, pytest.fail, before)
        assert isinstance(source, LiveSource)
        return source

    if Path("/dev/video0").exists():
        pytest.skip("there is a camera")
    with pytest.raises(SourceError, match="no such device"):
        after("1").__enter__()
    with after("auto") as same:
        outage = next(iter(same))
    assert "no such device" in outage.reason  # type: ignore[union-attr]


def test_a_wrapper_knows_what_its_source_learns_with_the_first_frame() -> None:
    source = FakeSource(frames(2))
    with Limited(source, 1) as limited:
        source.fps, source.description = 12.0, "fake (64×48)"
        assert (limited.fps, limited.description) == (12.0, "fake (64×48)")


@pytest.mark.parametrize(
    ("frames", "watched", "expected"), [(0, False, 300), (5, False, 5), (7, True, 7)]
)
def test_how_long_the_demo_lasts(frames: int, watched: bool, expected: int) -> None:
    settings = Settings(source="demo", frames=frames)
    with open_source(settings, watched, never, pytest.fail) as source:
        assert sum(1 for _ in itertools.islice(source, 400)) == expected
