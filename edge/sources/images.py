"""A picture as a frame, through Pillow."""

from __future__ import annotations

import io
import logging
import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from edge.adapters import SourceAdapter
from edge.errors import SourceError, SourceFileError, first_line
from edge.protocols import BaseSource
from edge.sources.paths import check_file, display_name, file_size
from edge.types import Frame, Image

FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PCX"),
    *("PNG", "PPM", "PSD", "QOI", "SGI", "TIFF", "WEBP"),
)
"""What is read of Pillow's formats: none that runs a program (EPS) or is known by its suffix alone
(TGA). HEIC comes with pi-heif, the decoders of pillow-heif."""
MOST_PIXELS = 100_000_000
"""A larger picture is refused before it is decoded."""
_BEHIND = (128, 128, 128, 255)
"""What is seen through transparent parts: a face that they hide is none."""
_END_OF_JPEG = b"\xff\xd9"
_FOREIGN = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError,
            AttributeError, RuntimeError, struct.error)  # fmt: skip
"""What Pillow's plugins raise where a file is damaged; it documents the first one alone."""

log = logging.getLogger(__name__)


def is_picture(path: Path) -> bool:
    """Whether the file at ``path`` begins as a picture; its name says nothing."""
    if not os.path.isfile(path):  # noqa: PTH113 - this one raises nothing
        return False
    try:
        pillow = _load_pillow()
        with warnings.catch_warnings(action="ignore"), _open(path):
            return True
    except (SourceError, *_FOREIGN):
        return False
    except pillow.DecompressionBombError:
        return True


def read_image(path: Path) -> Image:
    """Return the picture at ``path`` as ``uint8[H, W, 3]`` BGR; raises ``SourceError``.

    It stands upright (EXIF), its transparent parts are grey, 16 bits become 8, and of an animation
    it is the first picture. What there is of a cut JPEG is used, with a warning in the log.
    """
    check_file(path)
    pillow = _load_pillow()
    try:
        # Pillow warns of metadata that is slightly wrong, and of sizes, which are judged here.
        with warnings.catch_warnings(action="ignore"):
            return _read(path)
    except pillow.DecompressionBombError as error:
        raise _too_large(path, first_line(error)) from error
    except _FOREIGN as error:
        raise SourceFileError(
            f"{path}: expected a picture, found: {first_line(error)}; copy it again"
        ) from error


def _load_pillow() -> Any:
    try:
        from PIL import Image as pillow  # noqa: N813, PLC0415 - cameras do without
    except ImportError as error:
        raise SourceError(
            f"pictures: expected the package Pillow, found: {first_line(error)}; "
            "install edge-expressions[video]"
        ) from error
    return pillow


def _open(file: Path | io.BytesIO) -> Any:
    """Read the header; raises one of ``_FOREIGN`` where it is not that of a picture."""
    pillow = _load_pillow()
    try:
        return pillow.open(file, formats=FORMATS)
    except pillow.UnidentifiedImageError:
        # Called itself, since registering it with Pillow would be for the whole process.
        with suppress(ImportError):
            import pi_heif  # noqa: PLC0415

            if pi_heif.is_supported(file):
                return pi_heif.HeifImageFile(file)
        raise


def _read(path: Path) -> Image:
    with _open(path) as picture:
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise _too_large(path, f"{width}×{height}")
        try:
            picture.load()
        except OSError as error:
            if picture.format not in {"JPEG", "MPO"}:
                raise
            log.warning("%s: cut off (%s); what there is of it is used", path, first_line(error))
        else:
            return _to_bgr(picture)
    with _open(io.BytesIO(path.read_bytes() + _END_OF_JPEG)) as picture:
        return _to_bgr(picture)


def _to_bgr(picture: Any) -> Image:
    from PIL import Image, ImageOps  # noqa: PLC0415

    picture.load()
    with suppress(*_FOREIGN):  # damaged metadata is no damaged picture
        picture = ImageOps.exif_transpose(picture)
    if picture.mode[0] in "IF":  # convert() would cut its values off at 255
        pixels = np.asarray(picture, np.float32)
        low, high = (0, 65535) if picture.mode.startswith("I;16") else (pixels.min(), pixels.max())
        grey = np.asarray((pixels - low) * (255 / max(high - low, 1e-9)), np.uint8)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, _BEHIND), picture)
    rgb = np.asarray(picture.convert("RGB"))
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)


def _too_large(path: Path, found: str) -> SourceFileError:
    return SourceFileError(
        f"{path}: expected a picture of at most {MOST_PIXELS:,} pixels, found {found}; "
        "scale it down"
    )


class ImageSource(BaseSource):
    """The picture at ``path``."""

    fps = 1.0

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is read yet."""
        self.name = display_name(Path(path.name or path))
        self._path, self.paths, self.size = path, (path,), file_size(path)

    def __enter__(self) -> Self:
        """Read the picture; raises ``SourceFileError``."""
        self._image = read_image(self._path)
        return self

    def __iter__(self) -> Iterator[Frame]:
        """Give the picture."""
        yield Frame(self._image, 0, 0.0, self.name, still=True, done=1.0)


def _check(address: str, _: object, __: object) -> str:
    with ImageSource(Path(address)) as source:
        return source.description


ADAPTER = SourceAdapter(
    "images",
    matches=lambda address: is_picture(Path(address)),
    open=lambda address, _, __: ImageSource(Path(address)),
    check=_check,
)
