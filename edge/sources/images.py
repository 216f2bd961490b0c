"""Images, each a frame of its own: those of a folder, or a single one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from edge.errors import SourceFileError
from edge.frames import Frame, Image

_MOST_PIXELS = 16_384
"""A side of an image; a larger one is no photograph, and OpenCV's sampling has limits."""
SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"))


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

    def __enter__(self) -> Self:
        """List the folder; raises ``SourceFileError`` where there are no images in it.

        An image that was named itself must be one.
        """
        if is_image(self._path):
            self._paths = [self._path]
            if isinstance(found := _read(self._path), str):
                raise SourceFileError(
                    f"{self._path}: expected an image, found {found}; "
                    "copy it again, or check its permissions"
                )
            return self
        self._paths = self._listed()
        self.description = f"{self._path.name}/ ({len(self._paths)} images)"
        return self

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
                f"{self._path}: expected images ({', '.join(sorted(SUFFIXES))}), found none; "
                "name the folder that holds them"
            )
        return paths

    def __exit__(self, *_: object) -> None:
        """Nothing to release."""

    def __iter__(self) -> Iterator[Frame]:
        """Give each readable image; raises ``SourceFileError`` at the end where none was."""
        start, index = time.monotonic(), 0
        for path in self._paths:
            image = _read(path)
            if isinstance(image, str):
                self._warn(f"{path}: expected an image, found {image}; skipped")
                continue
            yield Frame(image, index, start + index / self.fps, name=path.name)
            index += 1
        unreadable = len(self._paths) - index
        if index == 0:
            raise SourceFileError(
                f"{self._path}: expected images, found none of {unreadable} readable; "
                "copy them again, or check their permissions"
            )
        if unreadable:
            self._warn(f"{self._path}: {unreadable} of {len(self._paths)} images skipped")


def _read(path: Path) -> Image | str:
    """The image as ``uint8[H, W, 3]`` BGR; what was found in its place where there is none."""
    try:
        content = np.fromfile(path, np.uint8)
    except OSError as error:
        return error.strerror or str(error)
    try:
        image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    except cv2.error:  # a header that promises more pixels than OpenCV allows
        image = None
    if image is None or max(image.shape) > _MOST_PIXELS:
        return "none that can be read"
    return np.asarray(image, np.uint8)
