"""The votes of FER+'s ten taggers, joined to images by what they show.

FER+ (Barsoum et al. 2016, arXiv 1608.01041; github.com/microsoft/FERPlus, MIT licence) has counts
of votes for the images of FER2013. The public archives name these images differently and some
encode them anew, so ``ferplus.npz`` keys the votes by a perceptual hash of the image: it finds
nothing of an image but which one of these it is.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from edge import zips
from edge.files import replace_with
from train.data import LABELS, Split
from train.errors import VotesError

TABLE = Path(__file__).with_name("ferplus.npz")
COLUMNS = (
    *("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"),
    *("contempt", "unknown", "not_a_face"),
)
"""What the taggers could choose: the classes in the order of ``LABELS``, and three others."""
_LOW = 12
_BITS = 128
_NEAR = 8
"""Bits by which the hash of an image that was encoded anew may differ."""
_CHUNK = 512


@dataclass(frozen=True, slots=True)
class Votes:
    """``hashes`` is ``uint8[m, 16]``, ``counts`` ``uint8[m, 10]`` in the order of ``COLUMNS``."""

    hashes: NDArray[np.uint8]
    counts: NDArray[np.uint8]


def hashes(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Perceptual hashes ``uint8[n, 16]`` of grey images ``uint8[n, h, w, 1]``.

    The signs of the lowest frequencies of the cosine transform but the mean, without regard to
    brightness and contrast (Zauner 2010, "Implementation and benchmarking of perceptual image hash
    functions"; here 128 bits).
    """
    low = dctn(images[..., 0].astype(np.float32), axes=(1, 2), norm="ortho")[:, :_LOW, :_LOW]
    return np.packbits(low.reshape(-1, _LOW * _LOW)[:, 1 : 1 + _BITS] > 0, axis=1)


def load_votes(path: Path = TABLE) -> Votes:
    """Read the table; raises ``VotesError``."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            votes = Votes(arrays["hashes"], arrays["counts"])
    except (*zips.DAMAGE, KeyError) as error:
        raise VotesError(
            f"{path}: expected the table of FER+ votes, found {error}; restore it with 'git "
            "checkout', or train with RECIPE=fer2013, which needs none"
        ) from error
    expected = ((len(votes.hashes), _BITS // 8), (len(votes.hashes), len(COLUMNS)))
    if (votes.hashes.shape, votes.counts.shape) != expected:
        raise VotesError(
            f"{path}: expected arrays of {expected}, found {votes.hashes.shape} and "
            f"{votes.counts.shape}; restore it with 'git checkout'"
        )
    return votes


def join(images: NDArray[np.uint8], votes: Votes) -> NDArray[np.float32]:
    """Counts ``float32[n, 10]`` for ``images`` (``uint8[n, h, w, 1]``), zero where there are none.

    An image takes the votes of the nearest hash that differs in a few bits at most; several at the
    same distance are added up.
    """
    known = np.unpackbits(votes.hashes, axis=1).astype(np.float32) * 2 - 1
    counts = votes.counts.astype(np.float32)
    joined = np.zeros((len(images), len(COLUMNS)), np.float32)
    for start in range(0, len(images), _CHUNK):
        own = np.unpackbits(hashes(images[start : start + _CHUNK]), axis=1)
        agreement = (own.astype(np.float32) * 2 - 1) @ known.T
        best = agreement.max(axis=1, keepdims=True)
        near = (agreement == best) & (best >= _BITS - 2 * _NEAR)
        joined[start : start + _CHUNK] = near.astype(np.float32) @ counts
    return joined


def shares(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of each class of ``LABELS`` in its votes, ``float32[n, 7]``; NaN where it has none."""
    classes = counts[:, : len(LABELS)]
    total = classes.sum(axis=1, keepdims=True)
    return np.where(total > 0, classes / np.maximum(total, 1), np.nan).astype(np.float32)


def majority(counts: NDArray[np.float32]) -> NDArray[np.int64]:
    """Index of the class with most votes, ``int64[n]``; -1 where none has, or several have."""
    classes = counts[:, : len(LABELS)]
    most = classes.max(axis=1)
    clear = (most > 0) & ((classes == most[:, None]).sum(axis=1) == 1)
    return np.where(clear, classes.argmax(axis=1), -1)


def build_table(source: Path, splits: list[Split], path: Path = TABLE) -> int:
    """Write the table from a CSV keyed by image path, and return how many images it has.

    ``source`` has a column ``image`` (``split/class/file``) and those of ``COLUMNS``. Copies of an
    image are one row with the sum of their votes. Raises ``VotesError``.
    """
    try:
        with source.open(newline="", encoding="utf-8") as file:
            rows = {r["image"]: [int(r[name]) for name in COLUMNS] for r in csv.DictReader(file)}
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise VotesError(
            f"{source}: expected a CSV with the columns image, {', '.join(COLUMNS)}, found "
            f"{error}; name another file"
        ) from error
    if not any(name in rows for split in splits for name in split.names):
        raise VotesError(
            f"{source}: expected votes for the images there are, found none of them; "
            "name the votes of the data set that 'make data' installed"
        )
    keys, counts = [], []
    for split in splits:
        own = [i for i, name in enumerate(split.names) if name in rows]
        keys.append(hashes(split.images[own]))
        counts.append(np.array([rows[split.names[i]] for i in own]).reshape(-1, len(COLUMNS)))
    unique, inverse = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    sums = np.zeros((len(unique), len(COLUMNS)), np.int64)
    np.add.at(sums, inverse.reshape(-1), np.concatenate(counts))
    with replace_with(path) as file:
        np.savez_compressed(file, hashes=unique, counts=np.minimum(sums, 255).astype(np.uint8))
    return len(unique)
