"""Builds ``train/ferplus.npz`` from a table of FER+ votes: python -m tools.ferplus votes.csv.

The CSV has a column ``image`` (``split/class/file`` in the data set that ``make data`` installed)
and a column of counts for everything that the taggers could choose. Copies of an image become one
row with the sum of their votes.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.files import replace_with
from train.data import Split, load_split
from train.votes import TABLE, hashes

COLUMNS = (
    *("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"),
    *("contempt", "unknown", "not_a_face"),
)


def build(source: Path, splits: Sequence[Split], path: Path) -> int:
    """Write the table to ``path`` and return how many images it has."""
    with source.open(newline="", encoding="utf-8") as file:
        rows = {row["image"]: [int(row[name]) for name in COLUMNS] for row in csv.DictReader(file)}
    keys, counts = [], []
    for split in splits:
        own = [i for i, name in enumerate(split.names) if name in rows]
        keys.append(hashes(split.images[own]))
        counts.append(np.array([rows[split.names[i]] for i in own]).reshape(-1, len(COLUMNS)))
    unique, inverse = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    sums = np.zeros((len(unique), len(COLUMNS)), np.int64)
    np.add.at(sums, inverse.reshape(-1), np.concatenate(counts))
    capped = np.minimum(sums, 255).astype(np.uint8)
    with replace_with(path) as file:
        np.savez_compressed(file, hashes=unique, counts=capped, columns=np.array(COLUMNS))
    return len(unique)


if __name__ == "__main__":
    parts = [load_split(Path("images"), name) for name in ("train", "validation")]
    print(f"wrote {TABLE}: votes for {build(Path(sys.argv[1]), parts, TABLE)} different images")
