"""Divides a data set that nobody divided: stratified, seeded, near-duplicates in the same part."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from train.votes import BITS, hashes

VALIDATED = 0.15
"""Share of each class that validates."""
_NEAR = 8
"""Bits by which the perceptual hashes of near-duplicates differ at most."""
_CHUNK = 512


def validation_part(
    images: NDArray[np.uint8], labels: NDArray[np.int64], names: tuple[str, ...]
) -> NDArray[np.bool_]:
    """Return which of ``images`` validate, ``bool[n]``: 15 % of each class, one image at least.

    ``images`` is ``uint8[n, h, w, 1]``, ``labels`` ``int64[n]``. The order in which images are
    taken follows from their ``names``, so that a data set is always divided in the same way.
    Images that show nearly the same are on the same side, also where their labels differ. A class
    of one image, or of one picture in many copies, keeps it for the training.
    """
    groups = near_duplicates(images)
    first = {group: index for index, group in reversed(list(enumerate(groups.tolist())))}
    keys = {group: hashlib.sha256(names[index].encode()).digest() for group, index in first.items()}
    sizes = np.bincount(groups)
    chosen = np.zeros(len(sizes), bool)
    for label in np.unique(labels):
        # A group belongs to the class of its first image.
        own = sorted((g for g, i in first.items() if labels[i] == label), key=keys.__getitem__)
        wanted, taken = max(round(VALIDATED * (labels == label).sum()), 1), 0
        for group in own[:-1]:
            if taken + sizes[group] <= wanted or taken == 0:
                chosen[group] = True
                taken += int(sizes[group])
    return np.asarray(chosen[groups], bool)


def near_duplicates(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return a number for each of ``images``, the same for those that show nearly the same.

    By perceptual hash (``train.votes.hashes``), without regard to brightness and contrast.
    """
    bits = np.unpackbits(hashes(images), axis=1).astype(np.float32) * 2 - 1
    pairs = []
    for start in range(0, len(bits), _CHUNK):
        agreement = bits[start : start + _CHUNK] @ bits.T
        rows, columns = np.nonzero(agreement >= BITS - 2 * _NEAR)
        pairs.append(np.stack([rows + start, columns]))
    rows, columns = np.concatenate(pairs, axis=1)
    graph = csr_array((np.ones(len(rows), bool), (rows, columns)), shape=(len(bits),) * 2)
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)
