"""Pictures, each a frame of its own: those of a folder, or a single one, through Pillow."""

from __future__ import annotations

import io
import logging
import mimetypes
import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from edge.errors import SourceError, SourceFileError, first_line
from edge.sources.paths import check_file, display_name
from edge.types import BaseSource, Frame, Image, SourceAdapter

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
    """The pictures of a folder and of those in it, sorted by path, or the picture at ``path``.

    What a folder leaves out is counted, and said in one line of the log at the end.
    """

    fps = 1.0

    def __init__(self, path: Path) -> None:
        """Name the folder or the picture; nothing is read yet."""
        self._path, self._folder = path, path.is_dir()
        self.name = self._description = display_name(Path(path.name or path)) + "/" * self._folder
        self._left_out: dict[str, list[str]] = {}
        """Kind of file → a note on each that was left out."""

    @property
    def description(self) -> str:
        """The name, and of a folder how many files are in it once it is open."""
        return self._description

    def __enter__(self) -> Self:
        """Read the first picture; raises ``SourceFileError`` where there is none."""
        self._paths = self._walk() if self._folder else [self._path]
        self._total = len(self._paths) + sum(map(len, self._left_out.values()))
        self._frames = self._read()
        first = next(self._frames, None)
        if first is None:
            raise SourceFileError(
                f"{self._path}: expected pictures, found none among {self._total} files"
                f"{(self._left_out and f' ({self._summary()})') or ''}; "
                "name the folder that holds them"
            )
        self._first = first
        if self._folder:
            self._description = f"{self.name} ({len(self._paths)} files)"
        return self

    def __iter__(self) -> Iterator[Frame]:
        """Give each picture; ``index`` counts through the folder, and times are 0."""
        yield self._first
        yield from self._frames
        if count := sum(map(len, self._left_out.values())):
            log.warning(
                "%s: %d of %d files left out: %s", self.name, count, self._total, self._summary()
            )

    def _read(self) -> Iterator[Frame]:
        index = 0
        for path in self._paths:
            name = display_name(path.relative_to(self._path)) if self._folder else self.name
            try:
                image = read_image(path)
            except SourceFileError as error:
                if not self._folder:
                    raise
                self._leave_out(path, name, error)
                continue
            yield Frame(image, index, 0.0, name, still=True)
            index += 1

    def _walk(self) -> list[Path]:
        """Return every file in the folder and in those below it, links followed once."""

        def unreadable(error: OSError) -> None:
            if Path(error.filename) == self._path:
                raise SourceFileError(
                    f"{self._path}: expected a folder of pictures, found {error.strerror}; "
                    "check its path and its permissions"
                ) from error
            self._note("unreadable folders", f"{error.filename}: {error.strerror}")

        found: list[Path] = []
        seen: set[tuple[int, int]] = set()
        for root, folders, names in os.walk(self._path, onerror=unreadable, followlinks=True):
            status = Path(root).stat()
            if (key := (status.st_dev, status.st_ino)) in seen:
                folders.clear()
                self._note("links to folders that were read already", root)
                continue
            seen.add(key)
            folders.sort()
            found += [Path(root, name) for name in names]
        return sorted(found)

    def _leave_out(self, path: Path, name: str, error: SourceFileError) -> None:
        kind = mimetypes.guess_type(name)[0] or ""
        if path.is_symlink() and not path.exists():
            self._note("dead links", name)
        elif kind.startswith("image/") or is_picture(path) or not os.access(path, os.R_OK):
            self._note("unreadable", f"{name}: {str(error).removeprefix(f'{path}: ')}")
        elif kind.startswith("video/"):
            self._note("videos", "name them themselves")
        else:
            self._note("other files", name)

    def _note(self, kind: str, note: str) -> None:
        self._left_out.setdefault(kind, []).append(note)

    def _summary(self) -> str:
        """Say what was left out: "videos 2 (name them themselves), dead links 1 (a.jpg)"."""
        return ", ".join(
            f"{kind} {len(notes)} ({notes[0]})" for kind, notes in self._left_out.items()
        )


def _check(address: str, _: object, __: object) -> str:
    with ImageSource(Path(address)) as source:
        return source.description


ADAPTER = SourceAdapter(
    "images",
    matches=lambda address: os.path.isdir(address) or is_picture(Path(address)),  # noqa: PTH112
    open=lambda address, _, __: ImageSource(Path(address)),
    check=_check,
)
