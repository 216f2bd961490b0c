"""What the report says of each video and of all photographs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge.scan.charts import Layer, Tick, layers, steps, ticks
from edge.scan.results import SECONDS, Manifest, parts, read_manifest
from edge.scan.summary import MOST_BINS, Array, Rows, no_part, read_rows

_LISTED_VIDEOS, _LISTED_PICTURES = 2000, 200
_BINS = 500 * MOST_BINS
"""On a whole page."""
_THUMBNAILS = 6_000_000
"""Characters on a whole page."""


class Share(NamedTuple):
    """Of a label, 0…1; ``number`` is that of its colour."""

    number: int
    label: str
    certain: float
    unsure: float

    @property
    def whole(self) -> float:
        """Whether certain or not."""
        return self.certain + self.unsure


class Moment(NamedTuple):
    """Where a label was strongest; ``jpeg`` is base64 or empty, ``source`` a file's name."""

    number: int
    label: str
    score: float
    time: float
    track: int | None
    jpeg: str
    source: str


class Picture(NamedTuple):
    """A photograph; the shares are numbers of faces."""

    source: str
    people: int
    shares: Sequence[Share]
    moments: Sequence[Moment]


@dataclass(frozen=True)
class Chart:
    """What is drawn of a video; a unit to the right is a bin of ``width`` seconds."""

    bins: int
    width: int
    layers: Sequence[Layer]
    mean: str
    most: str
    peak: int
    ticks: Sequence[Tick]


@dataclass(frozen=True)
class Video:
    """What the page says of a video."""

    manifest: Manifest
    seconds: float
    shares: Sequence[Share]
    moments: Sequence[Moment]
    chart: Chart | None


@dataclass
class Totals:
    """Of all videos; ``weights`` are seconds of faces, ``float64[2, labels]``."""

    weights: Array
    videos: int = 0
    seconds: float = 0.0
    people: int = 0
    faces: int = 0
    took: float = 0.0

    def add(self, manifest: Manifest, seconds: float, weights: Array) -> None:
        """Take one in."""
        self.videos += 1
        self.seconds += seconds
        self.people += manifest["people"]
        self.faces += manifest["faces"]
        self.took += manifest["took"]
        self.weights += weights


@dataclass
class Pictures:
    """All photographs; ``weights`` are faces, ``listed`` is empty where there are too many."""

    weights: Array
    count: int = 0
    took: float = 0.0
    by_faces: list[int] = field(default_factory=lambda: [0] * 4)
    """How many show no face, one, two, and more."""
    listed: list[Picture] = field(default_factory=list)
    strongest: dict[int, Moment] = field(default_factory=dict)

    def add(self, manifest: Manifest, picture: Picture, weights: Array) -> None:
        """Take one in."""
        self.count += 1
        self.took += manifest["took"]
        self.weights += weights
        self.by_faces[min(picture.people, 3)] += 1
        for moment in picture.moments:
            best = self.strongest.get(moment.number)
            if best is None or (-moment.score, moment.source) < (-best.score, best.source):
                self.strongest[moment.number] = moment
        if self.count <= _LISTED_PICTURES:
            self.listed.append(picture)
        else:
            self.listed = []


def sorted_parts(results: Path, labels: Sequence[str]) -> tuple[list[Path], Pictures]:
    """Return the parts of videos in the order of their names, and all photographs.

    Raises ``SourceFileError``.
    """
    videos, pictures = [], Pictures(np.zeros((2, len(labels))))
    for path in parts(results, SECONDS):
        manifest = _manifest(path)
        if manifest["kind"] != "picture":
            videos.append((manifest["source"], path))
            continue
        weights = read_rows(path, labels).weights
        moments = _moments(manifest, labels, _THUMBNAILS // _LISTED_PICTURES)
        faces = [share for share in shares(weights, labels, whole=1) if share.whole]
        picture = Picture(manifest["source"], manifest["people"], faces, moments)
        pictures.add(manifest, picture, weights)
    pictures.listed.sort(key=lambda picture: picture.source)
    return [path for _, path in sorted(videos)], pictures


def listed_videos(
    paths: Sequence[Path], labels: Sequence[str], totals: Totals, every: float = 0.0
) -> Iterable[Video]:
    """Yield what the page says of each video, and add all of them to ``totals``.

    One frame in ``every`` seconds was looked at, each where that is 0.
    """
    listed = min(len(paths), _LISTED_VIDEOS)
    most_bins = min(MOST_BINS, _BINS // max(listed, 1))
    for number, path in enumerate(paths):
        manifest, rows = _manifest(path), read_rows(path, labels)
        seconds = manifest["length"] or rows.end
        frames = max(manifest["frames"], 1)
        # A damaged file has fewer frames than its length promises.
        step = min(seconds, rows.end - 1 + max(every, 1) if rows.end else seconds) / frames
        totals.add(manifest, seconds, rows.weights * step)
        if number >= listed:
            continue
        yield Video(
            manifest,
            seconds,
            shares(rows.weights, labels),
            _moments(manifest, labels, _THUMBNAILS // listed),
            _chart(rows, seconds, every, most_bins) if rows.weights.any() else None,
        )


def _chart(rows: Rows, seconds: float, every: float, most_bins: int) -> Chart:
    line = rows.timeline(seconds, every, most_bins)
    bins, peak = len(line.mean), int(line.most.max())
    return Chart(
        bins,
        line.width,
        layers(line.weights),
        steps(line.mean / peak),
        steps(line.most / peak),
        peak,
        ticks(bins * line.width),
    )


def shares(weights: Array, labels: Sequence[str], whole: float | None = None) -> list[Share]:
    """Return the share of each label in ``whole``, by default in all of them together."""
    total = whole or weights.sum() or 1
    return [
        Share(number, label, float(certain / total), float(unsure / total))
        for number, (label, certain, unsure) in enumerate(zip(labels, *weights, strict=True))
    ]


def _moments(manifest: Manifest, labels: Sequence[str], room: int) -> list[Moment]:
    """Return the moments, strongest first, with thumbnails as long as there is ``room``."""
    moments = []
    for each in sorted(manifest["moments"], key=lambda each: (-each["score"], each["label"])):
        jpeg = each.get("jpeg") or ""
        jpeg = jpeg if len(jpeg) <= room else ""
        room -= len(jpeg)
        number, source = labels.index(each["label"]), manifest["source"]
        rest = (each["score"], each["time"], each["track"], jpeg, source)
        moments.append(Moment(number, each["label"], *rest))
    return moments


def _manifest(path: Path) -> Manifest:
    manifest = read_manifest(path)
    if manifest is None:
        raise no_part(path, "no manifest in it")
    return manifest
