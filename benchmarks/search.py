"""Who is seen: recall against the size of a face, and what the search costs in a live picture."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from msgspec import Struct

from benchmarks import scenes
from edge import Recognizer
from edge.contract import ModelContract
from edge.protocols import Classifier, Detector
from edge.sources.demo import DemoSource, load_portraits
from edge.types import Box, Frame, FrameResult, Image, Outage
from edge.vision.crops import crop_faces
from edge.vision.search import FaceSearch, SearchOptions, find_faces
from train.data import Split

SHARES = (0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.14, 0.2, 0.3, 0.45)
"""Heights of the faces in heights of the picture."""
SCENES = 16
FACE_METRES = 0.15
"""Of a detector's box, from the eyebrows to the chin."""
CAMERAS = (60, 90)
"""Angles of view across a 16:9 picture, degrees."""
_SIZE = (720, 1280)
_MOST = 6
_OVERLAP = 0.3
_FPS = 30
_WARM_UP = 45
"""Frames that are not timed."""
_SEEN = 0.5
"""How many of the faces of a size must be found for people to be called seen at that distance."""


class Recall(Struct, frozen=True):
    """Of faces of one size: how many are there, are found, and are named rightly.

    ``false`` are the finds that are no face, ``ms`` is the mean time of a scene.
    """

    detector: str
    search: bool
    share: float
    scenes: int
    faces: int
    found: int
    right: int
    false: int
    ms: float


class Live(Struct, frozen=True):
    """What the search costs in a live picture, and how soon it sees: ratios and seconds."""

    near: float
    ten_faces: float
    appears: float
    appears_longest: float
    lost_longest: float
    crowd: float


def measure(
    detectors: Sequence[Detector],
    classifier: Classifier,
    contract: ModelContract,
    split: Split,
    count: int = SCENES,
) -> list[Recall]:
    """Return a row for each size, with the whole frame alone and with the search, by detector."""
    return [
        _recall(detector, min_face, share, classifier, contract, split, count)
        for detector in detectors
        for min_face in (0.0, SearchOptions().min_face)
        for share in SHARES
    ]


def _recall(
    detector: Detector,
    min_face: float,
    share: float,
    classifier: Classifier,
    contract: ModelContract,
    split: Split,
    count: int,
) -> Recall:
    random = np.random.default_rng(round(1000 * share))
    search = FaceSearch(SearchOptions(min_face), detector)
    framing = contract.framing(detector.framing)
    faces = found = right = false = 0
    seconds = 0.0
    for _ in range(count):
        chosen = random.integers(len(split.labels), size=_MOST)
        side = share * _SIZE[0]
        picture, there = scenes.group([*split.images[chosen, ..., 0]], side, _SIZE, random)
        start = time.perf_counter()
        seen = find_faces(detector, picture, search.full(picture))
        seconds += time.perf_counter() - start
        crops = crop_faces(picture, seen, framing, contract.height, contract.width)
        named = classifier.classify(crops).argmax(axis=1)
        for index, box in there:
            best = max(range(len(seen)), key=lambda n: seen[n].box.iou(box), default=None)
            if best is not None and seen[best].box.iou(box) > _OVERLAP:
                found += 1
                right += int(named[best] == split.labels[chosen[index]])
        faces += len(there)
        false += sum(all(face.box.iou(box) < 0.1 for _, box in there) for face in seen)
    ms = round(1e3 * seconds / count, 2)
    return Recall(detector.name, min_face > 0, share, count, faces, found, right, false, ms)


def metres(share: float, degrees: int) -> float:
    """How far away a face of ``share`` of the height of a 16:9 picture is."""
    height = 2 * math.tan(math.radians(degrees) / 2) * 9 / 16  # of the picture, at one metre
    return FACE_METRES / (share * height)


def reach(rows: Sequence[Recall], detector: str, search: bool) -> float | None:
    """Return the smallest share from which on half of the faces or more are found."""
    smallest = None
    own = [row for row in rows if (row.detector, row.search) == (detector, search)]
    for row in sorted(own, key=lambda row: -row.share):
        if row.found < _SEEN * row.faces:
            break
        smallest = row.share
    return smallest


def measure_live(model: Path, trials: int = 12) -> Live:
    """Measure the search in live pictures with ``model``; takes some 40 s."""
    delays = [appears(model, trial) for trial in range(trials)]
    return Live(
        near=round(near(model), 3),
        ten_faces=round(ten_faces(model), 2),
        appears=round(statistics.median(delays), 3),
        appears_longest=round(max(delays), 3),
        lost_longest=round(lost(model), 3),
        crowd=round(crowd(model), 3),
    )


def near(model: Path) -> float:
    """p50 of a frame with one near face, as a multiple of that without the search."""
    demo = [
        replace(frame, live=True) for frame in DemoSource(load_portraits(), frames=150, faces=1)
    ]
    ratios = []
    for _ in range(5):
        p50 = [
            statistics.median(_frame_ms(Recognizer(model, min_face=min_face), demo))
            for min_face in (0.0, SearchOptions().min_face)
        ]
        ratios.append(p50[1] / p50[0])
    return statistics.median(ratios)


def _frame_ms(recognizer: Recognizer, frames: Sequence[Frame]) -> list[float]:
    results, times = recognizer.follow(frames), []
    for _ in frames:
        start = time.perf_counter()
        next(results)
        times.append((time.perf_counter() - start) * 1e3)
    results.close()
    return times[_WARM_UP:]


def ten_faces(model: Path) -> float:
    """Mean detection of a frame with ten faces of 8 % of its height, in calls of the detector."""
    random = np.random.default_rng(1)
    side = 0.08 * _SIZE[0]
    still = scenes.background(_SIZE, random)
    heads = [scenes.head(n, side) for n in range(10)]
    frames = []
    for index in range(150):
        picture = still.copy()
        for n, part in enumerate(heads):
            x = 130 + 240 * (n % 5) + 30 * math.sin(index / 20 + n)
            scenes.paste(picture, part, x, 220 + 280 * (n // 5) + 15 * math.cos(index / 15 + n))
        frames.append(Frame(picture, index, index / _FPS, "ten", live=True))
    call, searched = (
        statistics.fmean(
            result.stage_ms["detect"]
            for frame, result in _paced(Recognizer(model, min_face=min_face), frames)
            if frame.index >= _WARM_UP
        )
        for min_face in (0.0, SearchOptions().min_face)
    )
    return searched / call


def _paced(recognizer: Recognizer, frames: Sequence[Frame]) -> Iterator[tuple[Frame, FrameResult]]:
    """Results of live frames that come 30 times a second."""

    def clocked() -> Iterator[Frame | Outage]:
        start = time.perf_counter()
        for n, frame in enumerate(frames):
            time.sleep(max(start + n / _FPS - time.perf_counter(), 0))
            yield frame

    for item in recognizer.follow(clocked()):
        if not isinstance(item, Outage):
            yield item


def appears(model: Path, trial: int) -> float:
    """Seconds until a face of 6 % of the height is shown that appears in a still picture."""
    random = np.random.default_rng(trial)
    side, before = 0.06 * _SIZE[0], 45
    still = scenes.background(_SIZE, random)
    x, y = random.uniform(100, _SIZE[1] - 100), random.uniform(100, _SIZE[0] - 100)
    shown = still.copy()
    scenes.paste(shown, scenes.head(trial, side), x, y)
    pictures = [_noisy(still if n < before else shown, random) for n in range(before + 2 * _FPS)]
    frames = [Frame(p, n, n / _FPS, "appears", live=True) for n, p in enumerate(pictures)]
    place = Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    for frame, result in _paced(Recognizer(model), frames):
        if frame.index >= before and _is_seen(result, place):
            return (frame.index - before) / _FPS
    return math.inf


def _noisy(picture: Image, random: np.random.Generator) -> Image:
    """With a sensor's noise."""
    noise = random.normal(0, 2, picture.shape).astype(np.float32)
    return np.asarray(np.clip(picture + noise, 0, 255), np.uint8)


def _is_seen(result: FrameResult, place: Box) -> bool:
    return any(face.box.iou(place) > _OVERLAP for face in result.faces)


def lost(model: Path) -> float:
    """The longest time without a face that walks from near to far and back, past another one."""
    still = scenes.background(_SIZE, np.random.default_rng(2))
    frames, places = [], []
    for n in range(150):
        picture = still.copy()
        scenes.paste(picture, scenes.head(1, 0.1 * _SIZE[0]), 640, 240)
        side = _SIZE[0] * (0.06 + 0.24 * (0.5 + 0.5 * math.cos(2 * math.pi * n / 149)))
        x, y = 200 + 6 * n, 460.0
        scenes.paste(picture, scenes.head(0, side), x, y)
        places.append(Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2))
        frames.append(Frame(picture, n, n / _FPS, "walk", live=True))
    longest = missed = 0
    for frame, result in _paced(Recognizer(model), frames):
        missed = 0 if _is_seen(result, places[frame.index]) else missed + 1
        longest = max(longest, missed)
    return longest / _FPS


def crowd(model: Path) -> float:
    """Faces in a 1080p clip of a crowd, as a multiple of those by a full search of every fifth."""
    random = np.random.default_rng(3)
    still = scenes.background((1080, 1920), random)
    people = [(random.uniform(0.05, 0.14) * 1080, 140 + 235 * (n % 8), n // 8) for n in range(16)]
    frames = []
    for index in range(60):
        picture = still.copy()
        for n, (side, x, row) in enumerate(people):
            place = x + 40 * math.sin(index / 25 + n), 330 + 420 * row + 10 * math.cos(index / 9)
            scenes.paste(picture, scenes.head(n, side), *place)
        frames.append(Frame(picture, index, index / _FPS, "crowd"))
    recognizer = Recognizer(model)
    tracked = [len(item[1].faces) for item in recognizer.follow(frames)]  # type: ignore[index]
    searched = sum(len(recognizer(frame.image).faces) for frame in frames[::5])
    return sum(tracked[::5]) / max(searched, 1)
