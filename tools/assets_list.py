"""What the product is made of that is no package, and its licences: weights, pictures, data."""

from __future__ import annotations

from dataclasses import dataclass

from edge.assets import ASSETS
from train.fetch import FILE, PACKAGE


@dataclass(frozen=True, slots=True)
class Part:
    """``file`` lies below ``models`` in the wheel, "" where the wheel doesn't carry the part."""

    name: str
    licence: str
    """An SPDX identifier, or the words for what has none."""
    origin: str
    use: str
    file: str = ""

    @property
    def learnt(self) -> bool:
        """Whether the file is a network."""
        return self.file.endswith(".tflite")


def _asset(key: str, name: str, licence: str, use: str) -> Part:
    asset = ASSETS[key]
    return Part(name, licence, asset.package, use, f"assets/{asset.file_name}")


PARTS = (
    Part(
        "Finalmodel",
        "MIT",
        "learnt here from FER2013's images and labels, from the FER+ votes, and from networks of "
        "ours that began with dlib's (CC0)",
        "names the expressions",
        "Finalmodel.tflite",
    ),
    _asset("BlazeFace short range", "BlazeFace, short range", "Apache-2.0", "finds the faces"),
    _asset("astronaut", "Portrait of Eileen Collins", "public domain (NASA)", "the demo"),
    _asset("grace hopper", "Portrait of Grace Hopper", "public domain (US Navy)", "the demo"),
    Part(FILE, "CC0-1.0", PACKAGE, "what some teachers begin with"),
    Part(
        "FER+ votes (train/ferplus.npz)",
        "MIT",
        "Microsoft, github.com/microsoft/FERPlus",
        "learnt from and measured with, from a clone",
    ),
    Part(
        "FER2013",
        "none stated: photographs of people, collected from the web",
        "whoever trains downloads it (make data)",
        "learnt from and measured with; in no clone, no package",
    ),
    Part(
        "YuNet",
        "MIT",
        "whoever uses it downloads it (docs/detection.md)",
        "another detector; in no clone, no package",
    ),
)
