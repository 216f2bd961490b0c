"""Annotated video: every frame at its time, with its audio, in files that play at any moment."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from edge.errors import SinkError
from edge.settings import Recording
from edge.sinks.movie import fit
from edge.sinks.output import numbered
from edge.sinks.shared import Guarded
from edge.sinks.video import VideoSink
from edge.types import Frame
from tests.edge.sinks.clips import MOMENTS, Clip, beeps, codec, flashes, sound_ends, write_clip
from tests.edge.sinks.makers import (
    NearlyFull,
    RecordingSink,
    feed,
    frames,
    image,
    outage,
    refusal_without,
    result,
    shown,
)

SUFFIXES = pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])


def times(path: Path) -> list[float]:
    return [at for at, _ in shown(path)]


def duration(path: Path) -> float:
    with av.open(str(path)) as video:
        return (video.duration or 0) / 1e6


def noise(count: int, size: tuple[int, int] = (320, 240)) -> list[Frame]:
    pictures = np.random.default_rng(0).integers(0, 60, (count, size[1], size[0], 3), np.uint8)
    return [Frame(picture, n, n / 25, live=True) for n, picture in enumerate(pictures)]


# Pictures and times


@SUFFIXES
def test_a_video_is_of_a_kind_that_browsers_play(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with VideoSink(path) as sink:
        feed(sink, frames(60))
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        assert stream.codec_context.name == ("vp9" if suffix == ".webm" else "h264")
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == (64, 48)
        assert float(stream.average_rate or 0) == pytest.approx(25, abs=0.1)
        keys = [p.pts * p.time_base for p in video.demux(stream) if p.is_keyframe and p.pts]
    assert max(np.diff([0.0, *map(float, keys), 2.4])) <= 1.01, "a key frame a second"
    np.testing.assert_allclose(times(path), np.arange(60) / 25, atol=0.0011)
    np.testing.assert_allclose([level for _, level in shown(path)], 2 * np.arange(60), atol=4)
    assert duration(path) == pytest.approx(2.4, abs=0.01)
    assert list(tmp_path.iterdir()) == [path]


def test_colours_stay_what_they_are(tmp_path: Path) -> None:
    path, colours = tmp_path / "a.mp4", ((200, 30, 30), (30, 200, 30), (30, 30, 200))
    with VideoSink(path) as sink:
        for n, colour in enumerate(colours):
            sink.write(Frame(np.full((48, 64, 3), colour, np.uint8), n, n / 2), result(n))
    with av.open(str(path)) as video:
        found = [f.to_ndarray(format="bgr24").mean((0, 1)) for f in video.decode(video=0)]
        context = video.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (6, 1), "BT.601 in TV range"
    np.testing.assert_allclose(found, colours, atol=6)


@SUFFIXES
def test_each_picture_is_shown_at_its_time(tmp_path: Path, suffix: str) -> None:
    path, given = tmp_path / f"a{suffix}", [0.0, 0.1, 0.4, 0.41, 0.5, 60.0, 60.1]
    with VideoSink(path) as sink:
        feed(sink, [Frame(image(), n, 7 + at) for n, at in enumerate(given)])
    np.testing.assert_allclose(times(path), given, atol=0.0011)


def test_times_that_do_not_grow_are_made_to(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoSink(path) as sink:
        feed(sink, [Frame(image(), n, at) for n, at in enumerate((0.0, 0.2, 0.1, 0.2, 0.3))])
    assert len(times(path)) == 5
    assert (np.diff(times(path)) > 0).all()


@SUFFIXES
def test_still_frames_last_a_second_each_and_a_video_follows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with VideoSink(path) as sink:
        feed(sink, [Frame(image(), 0, 0.0, f"{n}.png", still=True) for n in range(2)])
        feed(sink, [Frame(image(), n, n / 25, "a.mp4") for n in range(3)])
        feed(sink, [Frame(image(), 0, 0.0, "2.png", still=True)])
    np.testing.assert_allclose(times(path), [0, 1, 2, 2.04, 2.08, 2.12], atol=0.0011)
    assert duration(path) == pytest.approx(3.12, abs=0.01)


def test_of_an_outage_the_time_passes(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoSink(path) as sink:
        feed(sink, [Frame(image(), 0, 0.0, live=True), Frame(image(), 1, 0.1, live=True)])
        sink.lost(outage(20_000.0))
        feed(sink, [Frame(image(), 2, 20_000.0, live=True)])
    np.testing.assert_allclose(times(path), [0, 0.1, 20_000], atol=0.001)


def test_after_six_hours_a_new_file_begins(tmp_path: Path) -> None:
    path, given = tmp_path / "a.mp4", [0.0, 0.1, 21_599.0, 21_601.0, 21_601.1, 1e6, 1e6 + 0.1]
    with VideoSink(path) as sink:
        feed(sink, [Frame(image(), n, at, live=True) for n, at in enumerate(given)])
    np.testing.assert_allclose(times(numbered(path, 1)), given[:3], atol=0.001)
    np.testing.assert_allclose(times(numbered(path, 2)), [0, 0.1], atol=0.001)
    np.testing.assert_allclose(times(path), [0, 0.1], atol=0.001)


@SUFFIXES
@pytest.mark.parametrize("size", [(1, 1), (63, 48), (64, 47), (641, 361)])
def test_odd_sizes_become_even(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    path = tmp_path / f"a{suffix}"
    with VideoSink(path) as sink:
        feed(sink, [Frame(image(*size, value=100), n, n / 25) for n in range(3)])
    with av.open(str(path)) as video:
        [*pictures] = video.decode(video=0)
    assert len(pictures) == 3
    even = tuple(max(side // 2 * 2, 2) for side in size)
    assert (pictures[0].width, pictures[0].height) == even
    assert pictures[0].to_ndarray(format="gray").min() > 90, "no black edge"


def test_pictures_too_large_for_players_are_scaled_down(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoSink(path) as sink:
        sink.write(Frame(image(17_000, 100, 200), 0, 0.0, still=True), result())
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height) == (4096, 24)


def test_frames_of_another_size_are_fitted(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoSink(path) as sink:
        feed(sink, [Frame(image(64, 48), 0, 0.0), Frame(image(48, 64, 200), 1, 1.0)])
    assert [level > 80 for _, level in shown(path)] == [False, True]


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (128, 96), (1000, 10), (1, 1)])
def test_fitting_keeps_the_shape_of_the_picture(size: tuple[int, int]) -> None:
    fitted = fit(image(*size, value=200), (64, 48))
    assert fitted.shape == (48, 64, 3)
    bright = fitted[..., 0] > 100
    width, height = bright.any(axis=0).sum(), bright.any(axis=1).sum()
    assert width == 64 or height == 48
    assert abs(width - height * size[0] / size[1]) <= 1 + size[0] / size[1]


# Audio


@pytest.mark.parametrize(
    ("name", "made", "suffix", "expected"),
    [
        ("a.mp4", {"codec": "aac"}, ".mp4", "aac"),
        ("a.mp4", {"codec": "libmp3lame"}, ".mkv", "mp3"),
        ("a.mkv", {"codec": "libopus"}, ".mp4", "opus"),
        ("a.mkv", {"codec": "ac3"}, ".mkv", "ac3"),
        ("a.mkv", {"codec": "ac3"}, ".mp4", "aac"),
        ("a.ts", {"codec": "aac"}, ".mp4", "aac"),  # starts late, and has no header
        ("a.mov", {"codec": "pcm_s16le"}, ".mp4", "aac"),
        ("a.avi", {"codec": "pcm_s16le", "rate": 22_050, "layout": "mono"}, ".mkv", "aac"),
        ("a.mpg", {"codec": "mp2", "video": "mpeg2video"}, ".mp4", "aac"),  # comes late
        ("a.mkv", {"codec": "libopus"}, ".webm", "opus"),
        ("a.mp4", {"codec": "aac"}, ".webm", "opus"),
        ("a.avi", {"codec": "pcm_s16le", "rate": 22_050, "layout": "mono"}, ".webm", "opus"),
    ],
)
def test_a_beep_stays_with_its_flash(
    tmp_path: Path, name: str, made: dict[str, Any], suffix: str, expected: str
) -> None:
    write_clip(tmp_path / name, **made)
    clip, path = Clip(tmp_path / name), tmp_path / f"recorded{suffix}"
    with VideoSink(path) as sink:
        feed(sink, clip.frames())
    assert codec(path) == expected
    np.testing.assert_allclose(flashes(path), MOMENTS, atol=0.021)
    np.testing.assert_allclose(beeps(path), flashes(path), atol=0.05)
    assert sound_ends(path) == pytest.approx(3.0, abs=0.1)


@SUFFIXES
def test_audio_ends_with_the_last_frame_that_is_taken(tmp_path: Path, suffix: str) -> None:
    write_clip(tmp_path / "a.mp4", "aac")
    clip, path = Clip(tmp_path / "a.mp4"), tmp_path / f"recorded{suffix}"
    with VideoSink(path) as sink:
        feed(sink, clip.frames()[:40])
    assert sound_ends(path) == pytest.approx(1.6, abs=0.05)
    assert len(beeps(path)) == 2


def test_two_files_from_the_same_packets_both_have_the_audio(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mov", "pcm_s16le")
    clip = Clip(tmp_path / "a.mov")
    paths = [tmp_path / "one.mp4", tmp_path / "two.mkv"]
    with VideoSink(paths[0]) as one, VideoSink(paths[1]) as two:
        for frame in clip.frames():
            for sink in (one, two):
                sink.write(frame, result())
    for path in paths:
        np.testing.assert_allclose(beeps(path), MOMENTS, atol=0.05)


def test_in_a_further_file_audio_keeps_its_time(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", "aac")
    clip, path = Clip(tmp_path / "a.mp4"), tmp_path / "recorded.mp4"
    with VideoSink(path, Recording(rotate_mb=0.008)) as sink:
        feed(sink, clip.frames())
    assert len(list(tmp_path.glob("recorded*"))) == 2
    for part in (numbered(path, 1), path):
        found, expected = beeps(part), flashes(part)
        assert expected
        np.testing.assert_allclose(found, expected, atol=0.05)
        assert sound_ends(part) == pytest.approx(duration(part), abs=0.06)


# What a kill or a full disk leaves


KILLED = """
import sys, time
from pathlib import Path
from edge.sinks.video import VideoSink
from tests.edge.sinks.makers import result
from tests.edge.sinks.test_video import noise
pictures = noise(25)
with VideoSink(Path(sys.argv[1])) as sink:
    for n in range(10_000):
        frame = pictures[n % 25]
        time.sleep(max(0.0, n / 25 - time.monotonic() + start) if n else 0.0)
        start = start if n else time.monotonic()
        sink.write(type(frame)(frame.image, n, n / 25, live=True), result(n))
        print(n + 1, flush=True)
"""


@pytest.mark.slow
@SUFFIXES
def test_what_a_kill_leaves_plays_up_to_its_last_two_seconds(
    tmp_path: Path, repository: Path, suffix: str
) -> None:
    moments = random.Random(0)
    for attempt in range(4):
        path = tmp_path / f"{attempt}{suffix}"
        run = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)],
            cwd=repository,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert run.stdout is not None
        run.stdout.readline()
        time.sleep(moments.uniform(2.0, 4.0))
        run.kill()
        written = int(run.communicate()[0].split()[-1])
        assert written >= 40
        assert written - 50 <= len(times(path)) <= written


class NearlyFullOfVideo(NearlyFull):
    room = 1_200_000


@SUFFIXES
def test_a_full_disk_is_reported_once_and_what_is_recorded_plays(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, other = tmp_path / f"a{suffix}", RecordingSink()
    with Guarded(VideoSink(path, create=lambda path, _: NearlyFullOfVideo(path, "x"))) as sink:
        for frame in noise(150):
            sink.write(frame, result(frame.index))
            other.write(frame, result(frame.index))
    assert caplog.messages == [
        f"{path}: expected a file that can be written, found: No space left on device; make room, "
        "or choose another output"
    ]
    assert sink.exit_code == 1
    assert len(other.frames) == 150
    assert list(tmp_path.iterdir()) == [path]
    assert 300_000 < path.stat().st_size <= 1_200_000
    found = times(path)
    assert len(found) >= 25
    assert len(found) % 25 == 0, "it ends after a whole second"


def test_a_disk_that_is_full_from_the_first_frame_on_leaves_no_file(tmp_path: Path) -> None:
    def create(path: Path, keep: int) -> io.FileIO:
        file = NearlyFullOfVideo(path, "x")
        file.room = 10
        return file

    with Guarded(VideoSink(tmp_path / "a.mp4", create=create)) as sink:
        feed(sink, noise(30))
    assert sink.exit_code == 1
    assert not list(tmp_path.iterdir())


@SUFFIXES
def test_a_disk_that_is_full_at_the_end_leaves_what_was_recorded(
    tmp_path: Path, suffix: str
) -> None:
    path, given = tmp_path / f"a{suffix}", noise(60)
    file: Any = None

    def create(path: Path, keep: int) -> io.FileIO:
        nonlocal file
        file = NearlyFullOfVideo(path, "x")
        file.room = 10_000_000
        return file

    sink = VideoSink(path, create=create).__enter__()
    feed(sink, given)
    file.room = 0
    with pytest.raises(SinkError, match="No space left on device"):
        sink.__exit__()
    assert len(times(path)) in (25, 50)


# Rotation


@SUFFIXES
@pytest.mark.parametrize("keep", [0, 1])
def test_a_full_video_is_closed_and_the_next_one_begins(
    tmp_path: Path, suffix: str, keep: int
) -> None:
    path = tmp_path / f"a{suffix}"
    with VideoSink(path, Recording(rotate_mb=0.3, keep=keep)) as sink:
        feed(sink, noise(150))
    earlier = sorted(tmp_path.glob(f"a.part*{suffix}"))
    assert len(earlier) == keep if keep else len(earlier) > 1
    counts = [len(times(part)) for part in [*earlier, path]]
    assert sum(counts) == 150 or keep
    for part in earlier:
        assert times(part)[0] == 0
        assert 300_000 <= part.stat().st_size < 1_200_000, "at the next whole second"


# Encoding is an option


def test_without_pyav_the_extra_is_named(tmp_path: Path, repository: Path) -> None:
    said = refusal_without("av", tmp_path / "a.mp4", repository)
    assert "run 'make run-edge', or pip install '.[video]'" in said
