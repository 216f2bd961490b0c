"""Drawn photographs and their description, as a folder or as a ZIP archive."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np

from edge.contract import Framing
from edge.types import Image
from train.data import Split

HEADER, BOXED = "file,label", "file,label,left,top,right,bottom"
FRAMING = Framing(scale=1.25, offset_x=0.02, offset_y=-0.1)


def table(header: str, rows: Iterable[str]) -> bytes:
    return "\n".join((header, *rows, "")).encode()


def png(image: Image) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def bars(split: Split, names: tuple[str, ...]) -> dict[str, bytes]:
    """The images of a split in larger pictures, with the boxes that ``FRAMING`` makes of them."""
    files, rows = {}, []
    side = 48 / FRAMING.scale
    x, y = 64 - FRAMING.offset_x * side, 64 - FRAMING.offset_y * side
    box = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    for index, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
        picture = np.full((128, 128, 3), 20, np.uint8)
        picture[40:88, 40:88] = image
        files[f"{index}.png"] = png(picture)
        rows.append(",".join([f"{index}.png", names[label], *(f"{each:.3f}" for each in box)]))
    return files | {"set.csv": table(BOXED, rows)}


def as_archive(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def as_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path
