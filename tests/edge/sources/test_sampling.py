"""Samples of a video: the frames that a full decode would give, and few others are decoded."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.sources.decoding import Decoder
from edge.sources.sampling import Sampler
from edge.sources.video import VideoSource
from edge.types import Frame
from tests.edge.sources.media import INTERLACED, combed, moving, ramp, write_video

FASTSTART = {"movflags": "faststart"}
OPEN_GOP = {"g": "25", "x264-params": "open-gop=1:bframes=4:scenecut=0"}


def read(path: Path, every: float = 0.0) -> list[Frame]:
    with VideoSource(path, every) as source:
        return list(source)


def filtered(frames: Sequence[Frame], every: float) -> list[Frame]:
    """The first of all ``frames`` at or after each multiple of ``every`` seconds."""
    chosen: dict[int, Frame] = {}
    for step in range(int(frames[-1].time / every) + 2):
        late = (frame for frame in frames if frame.time >= step * every - 1e-6)
        if frame := next(late, None):
            chosen[frame.index] = frame
    return list(chosen.values())


def check(path: Path, every: float, numbers: bool = True) -> list[Frame]:
    """Compare the samples with those of a full decode, and return them."""
    samples, expected = read(path, every), filtered(read(path), every)
    assert [frame.time for frame in samples] == pytest.approx([frame.time for frame in expected])
    for sample, frame in zip(samples, expected, strict=True):
        np.testing.assert_array_equal(sample.image, frame.image)
        assert sample.source == frame.source
        assert sample.done == pytest.approx(frame.done, nan_ok=True)
        assert sample.index == frame.index or not numbers
    return samples


# The same as of a full decode


@settings(max_examples=20)
@given(
    distance=st.integers(1, 60),
    fps=st.sampled_from([10, 24, 25, 30, 60]),
    between=st.integers(0, 4),
    open_gop=st.booleans(),
    every=st.floats(0.02, 3),
    suffix=st.sampled_from(["mp4", "mkv", "ts"]),
)
def test_samples_are_those_of_a_full_decode(
    distance: int, fps: int, between: int, open_gop: bool, every: float, suffix: str
) -> None:
    parameters = f"open-gop={open_gop:d}:bframes={between}:scenecut=0:b-adapt=0"
    options = {"g": str(distance), "x264-params": parameters, "preset": "fast"}
    with TemporaryDirectory() as folder:
        path = write_video(Path(folder, f"a.{suffix}"), moving(100), fps=fps, options=options)
        check(path, every)


@pytest.mark.parametrize("every", [0.1, 0.5, 1.3])
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx265", {"x265-params": "keyint=25:log-level=none"}),
        ("a.webm", "libvpx-vp9", {"g": "25"}),
        ("a.webm", "libvpx", {"g": "25", "auto-alt-ref": "1", "lag-in-frames": "16"}),
        ("a.avi", "mpeg4", {"g": "25"}),
        ("a.mp4", "mpeg4", {"g": "25", "bf": "2"}),
        ("a.mpg", "mpeg2video", {"g": "12", "bf": "2"}),
        ("a.wmv", "wmv2", {"g": "25"}),
        ("a.mkv", "ffv1", {}),
    ],
)
def test_samples_of_every_codec(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], every: float
) -> None:
    check(write_video(tmp_path / name, moving(90), codec, options=options), every)


def test_frames_before_a_key_frame_that_refer_to_an_earlier_one_are_no_samples(
    tmp_path: Path,
) -> None:
    path = write_video(tmp_path / "a.ts", moving(150), options=OPEN_GOP)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    keys = [index for index, packet in enumerate(packets) if packet.is_keyframe]
    assert len(keys) == 6, "the test's own input"
    times = [packet.pts or 0 for packet in packets]
    assert times[keys[2] + 1] < times[keys[2]], "the test's own input"
    for every in (0.92, 0.96, 1.0, 2.0):
        check(path, every)


def test_a_gap_gives_no_frame_twice_and_the_grid_stays(tmp_path: Path) -> None:
    times = [0.0, 0.3, 0.6, 0.9, 3.7, 3.9, 4.1, 4.4, 4.6]
    spans = [(time + 5, 0.1) for time in times]
    path = write_video(tmp_path / "a.mkv", ramp(9), "mjpeg", pixels="yuvj420p", times=spans)
    samples = check(path, 0.5, numbers=False)
    assert [frame.time for frame in samples] == pytest.approx([0, 0.6, 3.7, 4.1, 4.6])
    assert [frame.index for frame in samples] == sorted({frame.index for frame in samples})


@pytest.mark.parametrize("every", [0.3, 1.0, 2.0])
def test_a_rate_that_varies(tmp_path: Path, every: float) -> None:
    steps = np.random.default_rng(0).choice([0.02, 0.04, 0.1, 0.4], 150)
    times = [(float(time), 0.02) for time in np.cumsum(steps)]
    path = tmp_path / "a.mkv"
    write_video(path, moving(150), options={"g": "10", "bf": "0"}, times=times)
    check(path, every, numbers=False)


@pytest.mark.parametrize("every", [0.04, 0.3, 1.0])
def test_interlaced_frames_are_made_of_their_neighbours(
    tmp_path: Path, every: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "edge.sources.video")
    path = write_video(tmp_path / "a.mpg", moving(60), "mpeg2video", options=INTERLACED)
    check(path, every)
    assert caplog.messages == ["a.mpg: decoding all of it: interlaced frames are made of three"]


def test_a_video_that_becomes_interlaced_and_changes_its_size(tmp_path: Path) -> None:
    parts = [
        write_video(tmp_path / "1.ts", moving(60, 96, 48), "mpeg2video"),
        write_video(tmp_path / "2.ts", combed(24), "mpeg2video", options=INTERLACED),
        write_video(tmp_path / "3.ts", moving(60), "mpeg2video"),
    ]
    whole = tmp_path / "a.ts"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    check(whole, 0.5, numbers=False)


def test_a_video_without_times(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.h264", moving(60), options={"g": "10"})
    with av.open(str(path)) as container:
        assert {packet.pts for packet in container.demux()} == {None}, "the test's own input"
    assert [frame.index for frame in check(path, 0.4)] == [0, 10, 20, 30, 40, 50]


def test_samples_further_apart_than_the_video_is_long(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", moving(30), audio=True)
    [frame] = check(path, 60)
    assert not frame.audio


# What is decoded


class Counting(Decoder):
    """Counts the packets and the frames; gives each frame as soon as it is there."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream, "SLICE")
        self.packets = self.given = 0

    def frames(self, packet: Any, spare: bool = False) -> Iterator[Any]:
        self.packets += packet is not None
        for frame in super().frames(packet, spare):
            self.given += 1
            yield frame


def count(path: Path, every: float, **options: Any) -> tuple[list[int], Counting]:
    """The numbers of the samples and what was decoded for them, without a second attempt."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = Counting(stream)
        sampler = Sampler(decoder, every, 25, **options)
        packets = (packet for packet in container.demux(stream) if packet.size)
        return [round(time * 25) for _, time in sampler.samples(packets)], decoder


@pytest.mark.parametrize("every", [0.2, 0.5, 0.99, 1.0, 1.7, 4.0])
@pytest.mark.parametrize("distance", [1, 10, 24, 25, 26, 300])
def test_no_more_is_decoded_than_from_the_last_key_frame(
    tmp_path: Path, distance: int, every: float
) -> None:
    options = {"g": str(distance), "bf": "0", "sc_threshold": "0"}
    path = write_video(tmp_path / "a.mp4", moving(200), options=options)
    numbers, decoder = count(path, every)
    needed: set[int] = set()
    for number in numbers:
        needed |= set(range(number - number % distance, number + 1))
    assert decoder.packets == len(needed)
    assert numbers == [round(25 * frame.time) for frame in filtered(read(path), every)]


def test_frames_that_no_other_needs_are_not_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", moving(150), "mpeg4", options={"g": "75", "bf": "2"})
    numbers, decoder = count(path, 1.0)
    assert numbers == [0, 25, 50, 75, 100, 125]
    assert decoder.given < 0.5 * decoder.packets


def test_few_packets_wait_where_key_frames_are_rare(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", moving(150), options={"g": "300"})
    numbers, decoder = count(path, 1.0, most_bytes=1)
    assert numbers == [0, 25, 50, 75, 100, 125]
    assert decoder.packets == 150


# What is damaged or cut


@pytest.mark.parametrize("key", [50, 125])
@pytest.mark.parametrize("every", [0.5, 1.0, 2.5])
@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.wmv", "wmv2")]
)
def test_no_sample_is_decoded_without_its_key_frame(
    tmp_path: Path, name: str, codec: str, every: float, key: int
) -> None:
    options = {"g": "25", "bf": "0"}
    path = write_video(tmp_path / name, moving(150), codec, options=options, damaged=(key,))
    check(path, every, numbers=False)


def test_a_key_frame_in_name_only_is_not_relied_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "edge.sources.video")
    options = {"x264-params": "intra-refresh=1:keyint=25:scenecut=0"}
    path = write_video(tmp_path / "a.ts", moving(150), options=options)
    check(path, 2.0)
    assert caplog.messages == ["a.ts: decoding all of it: a frame is missing"]


def test_a_packet_that_is_wrongly_called_a_key_frame_is_noticed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "edge.sources.video")
    right = write_video(tmp_path / "right.wmv", moving(90), "wmv2", options={"g": "300"})
    with av.open(str(right)) as source, av.open(str(tmp_path / "a.wmv"), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream, packet.is_keyframe = stream, True
                out.mux(packet)
    check(tmp_path / "a.wmv", 1.0)
    assert caplog.messages == ["a.wmv: decoding all of it: a key frame that is none"]


def test_damaged_packets_that_a_sample_needs_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_video(
        tmp_path / "a.avi", ramp(100), "mjpeg", pixels="yuvj420p", damaged=(10, 11, 50)
    )
    samples = check(path, 1.0, numbers=False)
    assert [frame.index for frame in samples][:2] == [0, 25]
    assert any(
        "a.avi: damaged or cut: 3 packets could not be decoded" in message
        for message in caplog.messages
    )


@pytest.mark.parametrize("every", [0.1, 1.0, 60.0])
@pytest.mark.parametrize("name", ["a.avi", "a.mkv", "a.mp4"])
def test_a_cut_video_is_found_cut(tmp_path: Path, name: str, every: float) -> None:
    path = write_video(tmp_path / name, moving(100), "mpeg4", container=FASTSTART)
    whole = path.read_bytes()
    assert read(path, every)
    path.write_bytes(whole[: len(whole) * 3 // 5])
    with VideoSource(path, every) as source:
        assert list(source)
    assert re.search(r"about 4\.0 s of video expected, [12]\.\d s found; what", source.damage)


@pytest.mark.parametrize("every", [0.02, 1.0])
def test_a_last_picture_that_stands_long_is_no_cut(tmp_path: Path, every: float) -> None:
    times = [(0.0, 0.04), (0.04, 0.04), (0.08, 30.0)]
    path = write_video(tmp_path / "a.mkv", ramp(3), "mjpeg", pixels="yuvj420p", times=times)
    check(path, every, numbers=False)


def test_sound_that_goes_on_is_no_cut(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", moving(30), audio=10.0)
    with av.open(str(path)) as container:
        assert (container.duration or 0) > 9e6, "the test's own input"
    check(path, 0.5)
