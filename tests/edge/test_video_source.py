"""A video file gives every frame at its time, and says where it is none or cut."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import SourceError, SourceLostError
from edge.frames import Frame
from edge.sources.video import VideoSource
from tests.edge.fakes import image, write_video


def test_a_video_gives_every_frame_at_its_own_pace(tmp_path: Path) -> None:
    with VideoSource(write_video(tmp_path / "a.avi", 12)) as source:
        given = list(source)
        assert source.fps == 25
        assert source.description == "a.avi (64×48, 25 FPS)"
    assert [frame.index for frame in given] == list(range(12))
    np.testing.assert_allclose(np.diff([f.captured_at for f in given]), 0.04, atol=1e-6)
    levels = [frame.image.mean() for frame in given]
    np.testing.assert_allclose(levels, 10 * np.arange(12), atol=3)
    assert not any(frame.dropped for frame in given)


def test_a_cut_video_keeps_what_it_gave_and_says_so(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.avi", 100).read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole[: len(whole) // 2])
    given: list[Frame] = []
    with (
        VideoSource(cut) as source,
        pytest.raises(SourceLostError, match=r"about 4\.0 s of video, found [12]\.\d s; the file"),
    ):
        given.extend(source)
    assert 20 < len(given) < 80


@pytest.mark.parametrize("content", [b"", b"no video\n" * 100, b"\0" * 5000])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"a\.mp4: expected a video"):
        VideoSource(path).__enter__()


class Stamped:
    """A stand-in for ``cv2.VideoCapture``: a picture at each of the times ``at``, in seconds."""

    def __init__(self, at: Sequence[float], fps: float, count: float) -> None:
        self._at, self._given = at, 0
        self._known = {cv2.CAP_PROP_FPS: fps, cv2.CAP_PROP_FRAME_COUNT: count}

    def read(self) -> tuple[bool, Any]:
        self._given += 1
        return self._given <= len(self._at), image()

    def get(self, key: int) -> float:
        shown = min(self._given, len(self._at)) - 1
        return self._known.get(key, 1e3 * self._at[shown])

    def release(self) -> None:
        """Nothing to release."""


def times(path: Path, at: Sequence[float], fps: float, count: float) -> list[float]:
    path.write_bytes(b"a video")
    with VideoSource(path, lambda _: Stamped(at, fps, count)) as source:
        assert 1 <= source.fps <= 240
        given = [frame.captured_at for frame in source]
    return [at - given[0] for at in given]


@pytest.mark.parametrize("fps", [30.0, 1000.0, 0.0])
def test_times_are_those_of_the_video_where_its_rate_varies(tmp_path: Path, fps: float) -> None:
    at = [0.5, 0.6, 2.6, 2.7, 99.0]
    found = times(tmp_path / "a.webm", at, fps, count=100 * (fps or 30))
    np.testing.assert_allclose(found, [0, 0.1, 2.1, 2.2, 98.5], atol=1e-6)


@pytest.mark.parametrize("at", [[0, 0, 0, 0, 0], [7, 7.1, 0, 7.3, 7.4], [7, 1, 2, 3, 4]])
def test_where_the_clock_stands_or_falls_the_rate_counts(tmp_path: Path, at: list[float]) -> None:
    found = times(tmp_path / "a.mkv", at, fps=10, count=5)
    np.testing.assert_allclose(found, [0, 0.1, 0.2, 0.3, 0.4], atol=1e-6)


def test_a_last_picture_that_stands_long_is_no_cut_where_all_frames_are_there(
    tmp_path: Path,
) -> None:
    assert len(times(tmp_path / "a.mp4", [0, 0.1, 0.2], fps=0.1, count=3)) == 3


def test_a_video_whose_rate_varies_may_be_cut_too(tmp_path: Path) -> None:
    with pytest.raises(SourceLostError, match=r"about 60\.0 s of video, found 3\.\d s"):
        times(tmp_path / "a.mkv", [0, 1, 1.5, 3], fps=30, count=1800)


def test_a_missing_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        VideoSource(tmp_path / "a.mp4").__enter__()
