"""Images, each a frame of its own: those of a folder, or a single one."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from edge.console import held_back
from edge.errors import SourceFileError
from edge.frames import Frame, Image

_MOST_PIXELS = 16_384
"""A side of an image; a larger one is no photograph, and OpenCV's sampling has limits."""
_DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG")
_LIBRARIES = (*(line.encode() for line in _DAMAGE), b"Invalid SOS", b"libpng ")
"""How lines begin that the decoders write to standard error, without the file's name."""
SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"))
NAMES = ", ".join(sorted(SUFFIXES))
"""How the names of images end, for messages."""


def is_image(path: Path) -> bool:
    """Whether ``path`` is a file with the name of an image."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


class ImageSource:
    """The images of a folder, sorted by name, or one; ``warn`` is told of each that can't be read.

    They are a second apart by their own clock, which is longer than a track is remembered by
    default: one picture's faces say nothing about the next one's.
    """

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        """Name the folder or the image; nothing is read yet."""
        self.fps = 1.0
        self.description = self.state = path.name + "/" * path.is_dir()
        self._path, self._warn = path, warn
        self._paths: list[Path] = []
        self._tried: list[tuple[Image | None, str]] = []
        """What reading the first ones gave when the source was opened."""

    def __enter__(self) -> Self:
        """List the folder, and read until one can be; raises ``SourceFileError`` where none can."""
        if is_image(self._path):
            self._paths = [self._path]
        else:
            self._paths = self._listed()
            self.description = f"{self._path.name}/ ({len(self._paths)} images)"
        for path in self._paths:
            self._tried.append(_read(path))
            if self._tried[-1][0] is not None:
                return self
        others = f", and no other in {self._path}" if self._path.is_dir() else ""
        raise SourceFileError(
            f"{self._paths[0]}: expected an image, found {self._tried[0][1]}{others}; "
            "copy it again, or check its permissions"
        )

    def _listed(self) -> list[Path]:
        try:
            paths = sorted(path for path in self._path.iterdir() if is_image(path))
        except OSError as error:
            raise SourceFileError(
                f"{self._path}: expected a folder of images, found {error.strerror}; "
                "check its path and its permissions"
            ) from error
        if not paths:
            raise SourceFileError(
                f"{self._path}: expected images ({NAMES}), found none; "
                "name the folder that holds them"
            )
        return paths

    def __exit__(self, *_: object) -> None:
        """Nothing to release."""

    def __iter__(self) -> Iterator[Frame]:
        """Give each readable image."""
        start, index = time.monotonic(), 0
        read = itertools.chain(self._tried, map(_read, self._paths[len(self._tried) :]))
        self._tried = []
        for path, (image, fault) in zip(self._paths, read, strict=True):
            if image is None:
                self._warn(f"{path}: expected an image, found {fault}; skipped")
                continue
            if fault:
                self._warn(f"{path}: expected a whole image, found {fault}; used as it is")
            yield Frame(image, index, start + index / self.fps, name=_text(path.name))
            index += 1
        if unreadable := len(self._paths) - index:
            self._warn(f"{self._path}: {unreadable} of {len(self._paths)} images skipped")


def _text(name: str) -> str:
    """``name`` with a "�" for each byte that is no UTF-8: no reader of the records takes these."""
    return "".join("�" if "\ud800" <= letter <= "\udfff" else letter for letter in name)


def _read(path: Path) -> tuple[Image | None, str]:
    """The image as ``uint8[H, W, 3]`` BGR where there is one, and what is wrong with the file."""
    try:
        content = np.fromfile(path, np.uint8)
    except OSError as error:
        return None, error.strerror or str(error)
    with held_back(_LIBRARIES) as said:
        try:
            image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
        except cv2.error:  # a header that promises more pixels than OpenCV allows
            image = None
    if image is None or max(image.shape) > _MOST_PIXELS:
        return None, f"none that can be read ({said[0]})" if said else "none that can be read"
    return np.asarray(image, np.uint8), next((x for x in said if x.startswith(_DAMAGE)), "")
