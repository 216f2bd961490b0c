"""Video files: every frame at its time, upright, with square pixels; damage is said."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.errors import SourceError, SourceFileError
from edge.sources.video import VideoSource
from edge.types import Frame
from tests.edge.sources.media import (
    INTERLACED,
    comb,
    combed,
    corner,
    grey_jpeg,
    plain,
    ramp,
    write_jpegs,
    write_video,
)


def read(path: Path) -> list[Frame]:
    with VideoSource(path) as source:
        return list(source)


def levels(frames: Sequence[Frame]) -> list[float]:
    return [float(frame.image.mean()) for frame in frames]


def test_a_video_gives_every_frame_in_order_at_its_own_time(tmp_path: Path) -> None:
    images = ramp(12)
    with VideoSource(write_video(tmp_path / "a.mp4", images)) as source:
        assert source.description == "a.mp4 (64×48, 25 FPS)"
        assert source.fps == 25
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.time for frame in frames], 0.04 * np.arange(12), atol=1e-6)
    np.testing.assert_allclose(levels(frames), [image.mean() for image in images], atol=6)
    assert {frame.source for frame in frames} == {"a.mp4"}
    assert not any(frame.live or frame.still or frame.dropped for frame in frames)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libsvtav1"),
        ("a.webm", "libvpx-vp9"),
        ("a.mp4", "libx265"),
        ("a.avi", "mpeg4"),
        ("a.ts", "mpeg2video"),
        ("a.ogv", "libvpx"),
        ("no-suffix", "libx264"),
    ],
)
def test_every_codec_of_the_library_is_read_whatever_the_name(
    tmp_path: Path, name: str, codec: str
) -> None:
    images = ramp(10, 96, 64)
    path = write_video(tmp_path / f"x{Path(name).suffix or '.mkv'}", images, codec)
    frames = read(path.rename(tmp_path / name))
    assert len(frames) == 10
    np.testing.assert_allclose(levels(frames), [image.mean() for image in images], atol=6)


def test_the_colours_are_those_of_swscale(tmp_path: Path) -> None:
    image = plain()
    image[:] = np.indices((48, 64)).sum(axis=0)[..., np.newaxis] * (1, 2, 0.5)
    path = write_video(tmp_path / "a.mp4", [image] * 3, options={"qp": "4"})
    frame = next(iter(read(path)))
    _, expected = cv2.VideoCapture(str(path)).read()
    np.testing.assert_allclose(frame.image, expected, atol=1)


def test_times_follow_a_rate_that_varies_and_never_go_back(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "a.mkv",
        ramp(5),
        "mjpeg",
        pixels="yuvj420p",
        times=[(5.0, 0.1), (5.1, 2.0), (7.1, 0.1), (7.1, 0.1), (7.2, 0.1)],
    )
    times = [frame.time for frame in read(path)]
    np.testing.assert_allclose(times, [0, 0.1, 2.1, 2.14, 2.2], atol=2e-3)


# Geometry


@pytest.mark.parametrize(("turn", "bright"), [(90, (0, 1)), (180, (1, 1)), (270, (1, 0))])
def test_a_rotation_in_the_file_is_applied(
    tmp_path: Path, turn: int, bright: tuple[int, int]
) -> None:
    path = write_video(tmp_path / "a.mp4", [corner()] * 3, turn=turn)
    for frame in read(path):
        height, width = frame.image.shape[:2]
        assert (width, height) == ((64, 48) if turn == 180 else (48, 64))
        quarters = frame.image.reshape(2, height // 2, 2, width // 2, 3).mean(axis=(1, 3, 4))
        assert np.unravel_index(quarters.argmax(), (2, 2)) == bright


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_pixels_become_square(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, [corner()] * 5, aspect=Fraction(2))
    for frame in read(path):
        assert frame.image.shape == (48, 128, 3)
        assert frame.image[10, 50].mean() > 200
        assert frame.image[10, 80].mean() < 50


def test_a_size_and_an_aspect_may_change_within_a_file(tmp_path: Path) -> None:
    parts = [
        write_video(tmp_path / "1.ts", ramp(10)),
        write_video(tmp_path / "2.ts", ramp(10, 96, 64), aspect=Fraction(2)),
        write_video(tmp_path / "3.ts", ramp(10)),
    ]
    whole = tmp_path / "a.ts"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = read(whole)
    sizes = [frame.image.shape[1::-1] for frame in frames]
    assert sizes == [(64, 48)] * 10 + [(192, 64)] * 10 + [(64, 48)] * 10
    assert all(b.time > a.time for a, b in pairwise(frames))


def test_interlaced_frames_are_made_whole_one_for_each(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mpg", combed(15), "mpeg2video", options=INTERLACED)
    with av.open(str(path)) as container:
        raw = list(container.decode(video=0))
    assert all(frame.interlaced_frame for frame in raw), "the test's own input"
    frames = read(path)
    assert len(frames) == 15
    np.testing.assert_allclose(np.diff([frame.time for frame in frames]), 0.04, atol=1e-3)
    for frame, before in zip(frames[1:-1], raw[1:-1], strict=True):
        assert abs(frame.image.mean() - before.to_ndarray(format="bgr24").mean()) < 8
        assert comb(frame.image) < 0.5 * comb(before.to_ndarray(format="bgr24"))


def test_interlaced_frames_behind_a_progressive_beginning(tmp_path: Path) -> None:
    first = write_video(tmp_path / "1.ts", ramp(12, 96, 64), "mpeg2video")
    second = write_video(tmp_path / "2.ts", combed(12), "mpeg2video", options=INTERLACED)
    third = write_video(tmp_path / "3.ts", combed(12, 64, 48), "mpeg2video", options=INTERLACED)
    whole = tmp_path / "a.ts"
    whole.write_bytes(b"".join(part.read_bytes() for part in (first, second, third)))
    frames = read(whole)
    with av.open(str(whole)) as container:
        raw = [comb(f.to_ndarray(format="bgr24")) for f in container.decode(video=0)]
    assert len(frames) == len(raw) >= 35, "FFmpeg drops one where the size changes"
    assert [frame.image.shape[1] for frame in frames][::6] == [96, 96, 96, 96, 64, 64]
    np.testing.assert_allclose(levels(frames[:12]), levels(read(first)), atol=0.5)
    for frame, before in zip(frames[12:], raw[12:], strict=True):
        assert comb(frame.image) < 0.5 * before
    assert min(float(frame.image.max()) for frame in frames[12:]) > 150, "none is black"


# What is damaged, cut, or no video


def test_damaged_packets_are_counted_and_the_rest_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_video(
        tmp_path / "a.avi", ramp(40), "mjpeg", pixels="yuvj420p", damaged=(10, 11, 30)
    )
    frames = read(path)
    assert len(frames) == 37
    assert frames[-1].time == pytest.approx(39 / 25, abs=0.01)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "a.avi: damaged or cut: 3 packets could not be decoded" in record.getMessage()


def test_a_whole_video_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read(write_video(tmp_path / "a.mp4", ramp(10), audio=True))
    assert caplog.records == []


@pytest.mark.parametrize("name", ["a.avi", "a.mkv"])
def test_a_cut_video_gives_what_it_has_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    path = write_video(tmp_path / name, ramp(100), "mjpeg", pixels="yuvj420p")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with VideoSource(path) as source:
        assert 20 < len(list(source)) < 80
    assert re.search(r"about 4\.0 s of video expected, [12]\.\d s found; what", source.damage)
    assert caplog.messages == [f"{name}: {source.damage}"]


def test_a_last_picture_that_stands_long_is_no_cut(tmp_path: Path) -> None:
    times = [(0.0, 0.04), (0.04, 0.04), (0.08, 30.0)]
    path = write_video(tmp_path / "a.mkv", ramp(3), "mjpeg", pixels="yuvj420p", times=times)
    with av.open(str(path)) as container:
        assert container.duration > 29e6, "the test's own input"
    assert len(read(path)) == 3


def test_pictures_that_are_too_large_are_not_decoded(tmp_path: Path) -> None:
    small, large = grey_jpeg(320, 240), grey_jpeg(1600, 1600)
    hidden = write_jpegs(tmp_path / "a.avi", [small] * 8 + [large] * 2)
    with VideoSource(hidden, max_pixels=1_000_000) as source:
        assert {frame.image.shape for frame in source} == {(240, 320, 3)}
        assert source.undecodable == 2
    for name, size in (("b.avi", (320, 240)), ("c.avi", (1600, 1600))):
        path = write_jpegs(tmp_path / name, [large] * 5, *size)
        expected = r"at most 1 megapixels(, found 1600×1600; scale it down| can be decoded)"
        with pytest.raises(SourceFileError, match=expected):
            VideoSource(path, max_pixels=1_000_000).__enter__()
        with VideoSource(path, max_pixels=2_560_000) as source:
            assert len(list(source)) == 5


@pytest.mark.parametrize("content", [b"", b"no video\n" * 100, b"\0" * 5000])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceFileError, match=r"a\.mp4: expected a video or a picture, found"):
        VideoSource(path).__enter__()


def test_a_file_with_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 8000), np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = 8000
        out.mux(stream.encode(frame))
    with pytest.raises(SourceFileError, match="no video stream"):
        VideoSource(path).__enter__()


def test_an_unknown_codec_is_named_with_the_command_that_converts(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", ramp(5))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"avc1", b"xyz1").replace(b"avcC", b"xyzC"))
    with pytest.raises(
        SourceFileError, match=r"found .*xyz1.*; convert it with 'ffmpeg -i .*a\.mp4"
    ):
        VideoSource(path).__enter__()
    assert av.logging.get_level() is None, "FFmpeg is quiet again"


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceFileError, match="found a pipe, a device or a socket"):
        VideoSource(tmp_path / "pipe").__enter__()


def test_a_missing_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        VideoSource(tmp_path / "a.mp4").__enter__()


@pytest.mark.parametrize("cover", [plain(250), None])
def test_a_cover_picture_is_not_the_video(tmp_path: Path, cover: object) -> None:
    path = write_video(tmp_path / "a.mkv", ramp(10), cover=cover)  # type: ignore[arg-type]
    with av.open(str(path)) as container:
        assert len(container.streams.video) == (1 if cover is None else 2), "the test's own input"
    frames = read(path)
    assert len(frames) == 10
    assert max(levels(frames)) < 200


def test_a_name_may_look_like_a_protocol_and_hold_any_byte(tmp_path: Path) -> None:
    import os

    name = os.fsdecode(b"http:a\xff%03d.mp4")
    path = write_video(tmp_path / "a.mp4", ramp(3)).rename(tmp_path / name)
    assert {frame.source for frame in read(path)} == {"http:a\ufffd%03d.mp4"}


# Sound


def test_sound_comes_with_the_frames_in_order_by_the_same_clock(tmp_path: Path) -> None:
    with VideoSource(write_video(tmp_path / "a.mp4", ramp(50), audio=True)) as source:
        frames = list(source)
        packets = [packet for frame in frames for packet in frame.audio]
        assert {packet.stream.type for packet in packets} == {"audio"}
    times = [float(packet.pts * packet.time_base) for packet in packets]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] == pytest.approx(2.0, abs=0.1)
    for frame in frames[:-1]:
        assert all(packet.pts * packet.time_base <= frame.time + 1e-6 for packet in frame.audio)
    assert len(packets) == pytest.approx(16000 * 2 / 1024, abs=2)


def test_a_video_without_sound_has_none(tmp_path: Path) -> None:
    assert not any(frame.audio for frame in read(write_video(tmp_path / "a.mp4", ramp(5))))
