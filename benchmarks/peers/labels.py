"""The words of other packages for the seven expressions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import WorkerError
from train.data import LABELS

_SYNONYMS = {
    "anger": "angry",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}


def indices(words: Iterable[str]) -> NDArray[np.int64]:
    """Return the place of each word in ``LABELS``, ``int64[n]``; raises ``WorkerError``."""
    return np.array([_index(word) for word in words], np.int64)


def _index(word: str) -> int:
    name = word.lower()
    try:
        return LABELS.index(_SYNONYMS.get(name, name))
    except ValueError as error:
        raise WorkerError(
            f"expected a word for one of {', '.join(LABELS)}, found {word!r}; "
            "add it to benchmarks/peers/labels.py"
        ) from error
