"""The votes of FER+'s ten taggers, joined to images by what they show.

FER+ (Barsoum et al. 2016, arXiv 1608.01041; github.com/microsoft/FERPlus, MIT licence) has counts
of votes for the images of FER2013. The public archives name these images differently and some
encode them anew, so ``ferplus.npz`` keys the votes by a perceptual hash of the image: it finds
nothing of an image but which one of these it is. ``tools/ferplus.py`` built it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from edge.contract import ZIP_DAMAGE
from train.errors import VotesError
from train.layout import EXPRESSIONS

TABLE = Path(__file__).with_name("ferplus.npz")
LEAST_JOINED = 0.5
"""Share of images with votes from which on they are taken for FER2013's."""
_COLUMN_OF = {
    **{"angry": "anger", "disgust": "disgust", "fear": "fear", "happy": "happiness"},
    **{"neutral": "neutral", "sad": "sadness", "surprise": "surprise"},
}
"""Label → its name in FER+."""
_LOW = 12
BITS = 128
_NEAR = 8
"""Bits by which the hash of an image that was encoded anew may differ."""
_CHUNK = 512


@dataclass(frozen=True, slots=True)
class Votes:
    """``hashes`` is ``uint8[m, 16]``, ``counts`` ``uint8[m, k]`` with a name for each column."""

    hashes: NDArray[np.uint8]
    counts: NDArray[np.uint8]
    columns: tuple[str, ...]

    def of(self, labels: Sequence[str]) -> NDArray[np.uint8]:
        """Return the counts of ``labels`` in their order, ``uint8[m, labels]``.

        Raises ``VotesError`` for a label that the taggers could not choose.
        """
        try:
            chosen = [self.columns.index(_COLUMN_OF[label]) for label in labels]
        except (KeyError, ValueError) as error:
            raise VotesError(
                f"FER+ votes: expected labels among {', '.join(_COLUMN_OF)}, found "
                f"{', '.join(labels)}; train with RECIPE=own, which needs no votes"
            ) from error
        return self.counts[:, chosen]


def hashes(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Perceptual hashes ``uint8[n, 16]`` of grey images ``uint8[n, h, w, 1]``.

    The signs of the lowest frequencies of the cosine transform but the mean, without regard to
    brightness and contrast (Zauner 2010, "Implementation and benchmarking of perceptual image hash
    functions"; here 128 bits).
    """
    low = dctn(images[..., 0].astype(np.float32), axes=(1, 2), norm="ortho")[:, :_LOW, :_LOW]
    return np.packbits(low.reshape(-1, _LOW * _LOW)[:, 1 : 1 + BITS] > 0, axis=1)


def load_votes(path: Path = TABLE) -> Votes:
    """Read the table; raises ``VotesError``."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            columns = tuple(map(str, arrays["columns"]))
            votes = Votes(arrays["hashes"], arrays["counts"], columns)
    except (*ZIP_DAMAGE, KeyError) as error:
        raise VotesError(
            f"{path}: expected the table of FER+ votes, found {error}; restore it with 'git "
            "checkout', or train with RECIPE=fer2013, which needs none"
        ) from error
    expected = ((len(votes.hashes), BITS // 8), (len(votes.hashes), len(votes.columns)))
    if (votes.hashes.shape, votes.counts.shape) != expected:
        raise VotesError(
            f"{path}: expected arrays of {expected}, found {votes.hashes.shape} and "
            f"{votes.counts.shape}; restore it with 'git checkout'"
        )
    return votes


def join(
    images: NDArray[np.uint8], votes: Votes, labels: Sequence[str] = EXPRESSIONS
) -> NDArray[np.float32]:
    """Votes for each of ``labels`` by image, ``float32[n, labels]``, zero where there are none.

    ``images`` is ``uint8[n, h, w, 1]``. An image takes the votes of the nearest hash that differs
    in a few bits at most; several at the same distance are added up.
    """
    known = np.unpackbits(votes.hashes, axis=1).astype(np.float32) * 2 - 1
    counts = votes.of(labels).astype(np.float32)
    joined = np.zeros((len(images), len(labels)), np.float32)
    for start in range(0, len(images), _CHUNK):
        own = np.unpackbits(hashes(images[start : start + _CHUNK]), axis=1)
        agreement = (own.astype(np.float32) * 2 - 1) @ known.T
        best = agreement.max(axis=1, keepdims=True)
        near = (agreement == best) & (best >= BITS - 2 * _NEAR)
        joined[start : start + _CHUNK] = near.astype(np.float32) @ counts
    return joined


def shares(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of each label in its image's votes, ``float32[n, labels]``; NaN where it has none."""
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), np.nan).astype(np.float32)


def majority(counts: NDArray[np.float32]) -> NDArray[np.int64]:
    """Index of the label with most votes, ``int64[n]``; -1 where none has, or several have."""
    most = counts.max(axis=1)
    clear = (most > 0) & ((counts == most[:, None]).sum(axis=1) == 1)
    return np.where(clear, counts.argmax(axis=1), -1)
