"""What the rows of one file add up to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.errors import SourceFileError, first_line

MOST_BINS = 240
_WIDTHS = (1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 3600)
"""Seconds of a bin that are easy to read; above them whole hours."""
_COLUMNS = ("time", "frames", "label", "certain_share")

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Timeline:
    """A file in bins of ``width`` seconds.

    ``weights`` is ``float64[2, labels, bins]``: frames of faces that are certain, and that are not.
    ``mean`` and ``most`` are ``float64[bins]``: faces in a second.
    """

    width: int
    weights: Array
    mean: Array
    most: Array


@dataclass(frozen=True)
class Rows:
    """The rows of one file; ``label`` is -1 where a second shows no face."""

    time: Array
    frames: Array
    label: npt.NDArray[np.int64]
    certain_share: Array
    labels: int
    """How many there are."""

    @cached_property
    def weights(self) -> Array:
        """Frames of each label, ``float64[2, labels]``: of certain faces, and of the others."""
        return self._weights(np.zeros_like(self.label), 1)[:, :, 0]

    @property
    def end(self) -> float:
        """The end of the last second, 0 where there is none."""
        return float(self.time.max()) + 1 if len(self.time) else 0.0

    def timeline(self, length: float, every: float = 0.0, most_bins: int = MOST_BINS) -> Timeline:
        """Return at most ``most_bins`` bins for ``length`` seconds, or more where the rows do.

        None is shorter than the time between two samples, ``every`` seconds.
        """
        length = max(length, self.end, 1)
        width = bin_width(max(length, every * most_bins), most_bins)
        bins = math.ceil(length / width)
        mean, most = self._faces(width, bins)
        return Timeline(width, self._weights(self._bin(self.time, width), bins), mean, most)

    def _weights(self, place: npt.NDArray[np.int64], bins: int) -> Array:
        seen = self.frames > 0
        cell = self.label[seen] * bins + place[seen]
        frames, share = self.frames[seen], self.certain_share[seen]
        size = self.labels * bins
        both = [np.bincount(cell, frames * part, size).astype(float) for part in (share, 1 - share)]
        return np.stack(both).reshape(2, self.labels, bins)

    def _faces(self, width: int, bins: int) -> tuple[Array, Array]:
        seconds, second = np.unique(self.time, return_inverse=True)
        faces = np.bincount(second, self.frames > 0, len(seconds))
        place = self._bin(seconds, width)
        most = np.zeros(bins)
        np.maximum.at(most, place, faces)
        return np.bincount(place, faces, bins) / np.maximum(np.bincount(place, None, bins), 1), most

    @staticmethod
    def _bin(time: Array, width: int) -> npt.NDArray[np.int64]:
        return np.maximum(time // width, 0).astype(np.int64)


def bin_width(length: float, most_bins: int = MOST_BINS) -> int:
    """Return how many seconds a bin has, so that ``length`` seconds have at most ``most_bins``."""
    least = length / most_bins
    return next((width for width in _WIDTHS if width >= least), 3600 * math.ceil(least / 3600))


def read_rows(path: Path, labels: Sequence[str]) -> Rows:
    """Return the rows of a part. Raises ``SourceFileError``."""
    import pyarrow  # noqa: PLC0415
    import pyarrow.compute  # noqa: PLC0415
    import pyarrow.parquet  # noqa: PLC0415

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            table = file.read(list(_COLUMNS))
        numbers = pyarrow.compute.index_in(table["label"], pyarrow.array(labels, pyarrow.string()))
        label = numbers.fill_null(-1).to_numpy().astype(np.int64)
        time, frames, share = (
            table[name].fill_null(0).to_numpy().astype(np.float64)
            for name in ("time", "frames", "certain_share")
        )
    except (OSError, ValueError, KeyError) as error:
        raise no_part(path, first_line(error)) from error
    if (label[frames > 0] < 0).any():
        raise no_part(path, f"labels other than {', '.join(labels)}")
    return Rows(time, frames, label, share, len(labels))


def no_part(path: Path, found: str) -> SourceFileError:
    """Return the error about a file among the parts that is none."""
    return SourceFileError(
        f"{path}: expected a part of a scan, found {found}; delete it and scan again"
    )
