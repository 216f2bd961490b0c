"""A picture as a frame, through Pillow."""

from __future__ import annotations

import io
import itertools
import logging
import os
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Self

import cv2
import numpy as np

from edge.adapters import MOST_PIXELS, Limits, SourceAdapter
from edge.assets import extra
from edge.errors import SourceError, SourceFileError, first_line
from edge.protocols import BaseSource
from edge.sources.paths import check_file, display_name, file_size
from edge.sources.pixels import size_problem, too_large
from edge.types import Frame, Image

_READ_WHOLE = ("AVIF", "WEBP")
_MOST_BYTES = 1 << 28
"""Of files whose decoders take all of them into memory."""
FORMATS = (
    *_READ_WHOLE,
    *("BMP", "DIB", "GIF", "JPEG", "PCX"),
    *("PNG", "PPM", "PSD", "SGI", "TIFF"),
)
"""What is read of Pillow's formats: none that runs a program (EPS), is known by its suffix alone
(TGA), takes gigabytes for a few kB (JPEG 2000) or a minute for a picture (QOI). HEIC comes with
pi-heif, the decoders of pillow-heif."""
_BEHIND = (128, 128, 128, 255)
"""What is seen through transparent parts: a face that they hide is none."""
_TILE = 1024
"""Pixels a side that are converted at a time: copies of a whole picture would be as large as it."""
_ORIENTATION = 0x0112
_TIFF_TILE = 322, 323
"""Tags of the sides of what is decoded at a time."""
_UPRIGHT: Mapping[Any, Callable[[Image], Any]] = {
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.flip(cv2.transpose(image), -1),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
"""What undoes each orientation of EXIF."""
_JPEG = ("JPEG", "MPO")
_END_OF_JPEG = b"\xff\xd9"
_MOST_OF_JPEG, _MOST_ABOUT_IT = 4, 1 << 24
"""Bytes a pixel, and bytes about the picture; what is longer has other things after it."""
_FOREIGN = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError,
            AttributeError, RuntimeError, MemoryError, struct.error)  # fmt: skip
"""What Pillow's plugins raise where a file is damaged, or claims to be longer than memory; it
documents the first one alone."""

log = logging.getLogger(__name__)


def is_picture(path: Path) -> bool:
    """Whether the file at ``path`` begins as a picture; its name says nothing."""
    try:
        check_file(path)
        pillow = _load_pillow()
        with warnings.catch_warnings(action="ignore"), path.open("rb") as file:
            try:
                _open(file).close()
            except pillow.UnidentifiedImageError:
                return False
            except (pillow.DecompressionBombError, *_FOREIGN):  # one that can't be read
                pass
    except (SourceError, OSError, ValueError):  # such as a NUL in its name
        return False
    return True


def read_image(path: Path, max_pixels: int = MOST_PIXELS) -> Image:
    """Return the picture at ``path`` as ``uint8[H, W, 3]`` BGR; raises ``SourceError``.

    It stands upright (EXIF), its transparent parts are grey, 16 bits become 8, and of an animation
    it is the first picture. What there is of a damaged one is used, with a warning in the log. One
    of more than ``max_pixels`` is refused before it is decoded.
    """
    image, damage = read_picture(path, max_pixels)
    if damage:
        log.warning("%s: %s", path, damage)
    return image


def read_picture(path: Path, max_pixels: int) -> tuple[Image, str]:
    """Return what ``read_image`` does, and what is lost of it, "" for nothing."""
    check_file(path)
    pillow = _load_pillow()
    try:
        # Pillow warns of metadata that is slightly wrong, and of sizes, which are judged here.
        with warnings.catch_warnings(action="ignore"), path.open("rb") as file:
            image, orientation, damage = _read(path, file, max_pixels)
    except pillow.DecompressionBombError as error:
        found = too_large(f"more than {2e-6 * pillow.MAX_IMAGE_PIXELS:.0f}", max_pixels)
        raise SourceFileError(f"{path}: {found}") from error
    except _FOREIGN as error:
        raise _no_picture(path, first_line(error)) from error
    if damage:
        rows = _rows_there(image)
        if not rows:
            raise _no_picture(path, damage)
        damage = f"damaged ({damage}); what there is of it is used, {rows} of {len(image)} rows"
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else np.asarray(turn(image), np.uint8), damage


def _no_picture(path: Path, found: str) -> SourceFileError:
    return SourceFileError(f"{path}: expected a picture, found: {found}; copy it again")


def _load_pillow() -> Any:
    try:
        from PIL import Image as pillow  # noqa: N813, PLC0415 - cameras do without
    except ImportError as error:
        raise SourceError(
            f"pictures: expected the package Pillow, found: {first_line(error)}; {extra('video')}"
        ) from error
    return pillow


def _open(file: BinaryIO) -> Any:
    """Read the header; raises one of ``_FOREIGN`` where it is not that of a picture.

    It is no path, of which Pillow would map parts into memory: a file that becomes shorter would
    end the process then.
    """
    pillow = _load_pillow()
    large = file.seek(0, os.SEEK_END) > _MOST_BYTES
    file.seek(0)
    formats = tuple(name for name in FORMATS if not (large and name in _READ_WHOLE))
    try:
        return pillow.open(file, formats=formats)
    except pillow.UnidentifiedImageError:
        # Called itself, since registering it with Pillow would be for the whole process.
        with suppress(ImportError):
            import pi_heif  # noqa: PLC0415

            file.seek(0)
            if not large and pi_heif.is_supported(file):
                file.seek(0)
                return pi_heif.HeifImageFile(file)
        raise


def _read(path: Path, file: BinaryIO, max_pixels: int) -> tuple[Image, Any, str]:
    """Return the pixels as they lie in ``file``, EXIF's orientation, and what keeps it from
    being whole."""
    with _open(file) as picture:
        width, height = picture.size
        for what, size in sizes(picture):
            if problem := size_problem(*size, max_pixels):
                raise SourceFileError(f"{path}{what}: {problem}")
        damage = _load(picture)
        if not damage or picture.format not in _JPEG:
            return _to_bgr(picture), _orientation(picture), damage
    file.seek(0)
    content = file.read(_MOST_OF_JPEG * width * height + _MOST_ABOUT_IT)
    with _open(io.BytesIO(content + _END_OF_JPEG)) as picture:
        picture.load()
        return _to_bgr(picture), _orientation(picture), damage


def sizes(picture: Any) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield width and height of what is decoded at a time: the whole, and of a TIFF a tile.

    Beside each is what to call it.
    """
    yield "", picture.size
    tile = [picture.tag_v2.get(tag) for tag in _TIFF_TILE] if picture.format == "TIFF" else []
    if tile and all(isinstance(side, int) for side in tile):
        yield ", of which a tile", (tile[0], tile[1])


def _load(picture: Any) -> str:
    """Decode what can be; return why it is not all, "" where it is."""
    try:
        picture.load()
    except _FOREIGN as error:
        picture.tile = []  # what is not decoded yet
        return first_line(error)
    return ""


def _orientation(picture: Any) -> Any:
    with suppress(*_FOREIGN):  # damaged metadata is no damaged picture
        orientation = picture.getexif().get(_ORIENTATION)
        return orientation if orientation in _UPRIGHT else None
    return None


def _to_bgr(picture: Any) -> Image:
    width, height = picture.size
    image = np.empty((height, width, 3), np.uint8)
    convert = _colours if picture.mode[0] not in "IF" else partial(_grey, *_span(picture))
    for box in _boxes(width, height):
        left, top, right, bottom = box
        image[top:bottom, left:right] = convert(picture.crop(box))
    return image


def _boxes(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    for top, left in itertools.product(range(0, height, _TILE), range(0, width, _TILE)):
        yield left, top, min(left + _TILE, width), min(top + _TILE, height)


def _span(picture: Any) -> tuple[float, float]:
    """Return which values of a deep grey picture become 0 and 255."""
    if picture.mode.startswith("I;16"):
        return 0.0, 65535.0
    low, high = np.inf, -np.inf
    for box in _boxes(*picture.size):
        values = np.asarray(picture.crop(box), np.float64)
        values = values[np.isfinite(values)]
        low, high = min(low, values.min(initial=np.inf)), max(high, values.max(initial=-np.inf))
    return (low, high) if low < high else (0.0, 1.0)


def _grey(low: float, high: float, tile: Any) -> Image:
    """Return a tile of a deep grey picture; convert() would cut its values off at 255."""
    values = (np.asarray(tile, np.float64) - low) / (high - low) * 255
    finite = np.nan_to_num(values, nan=0.0, posinf=255.0, neginf=0.0)
    grey = np.asarray(np.clip(finite, 0, 255), np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def _colours(tile: Any) -> Image:
    from PIL import Image  # noqa: PLC0415

    if tile.has_transparency_data:
        tile = tile.convert("RGBA")
        tile = Image.alpha_composite(Image.new("RGBA", tile.size, _BEHIND), tile)
    return np.asarray(cv2.cvtColor(np.asarray(tile.convert("RGB")), cv2.COLOR_RGB2BGR), np.uint8)


def _rows_there(image: Image) -> int:
    """Return how many rows of a damaged picture show something: what is lost has one colour."""
    shown = np.flatnonzero((image != image[:, :1]).any(axis=(1, 2)))
    return int(shown[-1] - shown[0] + 1) if len(shown) else 0


class ImageSource(BaseSource):
    """The picture at ``path``; one of more than ``max_pixels`` is refused."""

    fps = 1.0

    def __init__(self, path: Path, max_pixels: int = MOST_PIXELS) -> None:
        """Name the file; nothing is read yet."""
        self.name = display_name(Path(path.name or path))
        self._path, self.paths, self.size = path, (path,), file_size(path)
        self._max_pixels = max_pixels

    def __enter__(self) -> Self:
        """Read the picture; raises ``SourceFileError``."""
        self._image, self.damage = read_picture(self._path, self._max_pixels)
        if self.damage:
            log.warning("%s: %s", self.name, self.damage)
        return self

    def __exit__(self, *_: object) -> None:
        """Forget the picture."""
        del self._image

    def __iter__(self) -> Iterator[Frame]:
        """Give the picture."""
        yield Frame(self._image, 0, 0.0, self.name, still=True, done=1.0)


def _check(address: str, _: object, limits: Limits, __: object) -> str:
    with ImageSource(Path(address), limits.max_pixels) as source:
        return source.description


ADAPTER = SourceAdapter(
    "images",
    matches=lambda address: is_picture(Path(address)),
    open=lambda address, _, limits: ImageSource(Path(address), limits.max_pixels),
    check=_check,
)
