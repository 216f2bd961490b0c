"""Where frames come from: a registry of adapters, and what turns an address into a source.

A new kind of source is a file beside this one with an ``ADAPTER``, and a line in ``ADAPTERS``.
"""

from __future__ import annotations

import glob
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.adapters import Limits, SourceAdapter
from edge.errors import SettingsError
from edge.protocols import Source
from edge.sources import auto, camera, demo, folder, images, picamera, stream, video
from edge.sources.folder import FolderSource
from edge.sources.paths import display_name
from edge.types import Frame, Image, Outage

ADAPTERS: tuple[SourceAdapter, ...] = (
    auto.ADAPTER,
    demo.ADAPTER,
    camera.ADAPTER,
    picamera.ADAPTER,
    stream.ADAPTER,
    folder.ADAPTER,
    images.ADAPTER,  # a file is known by its content: what is no picture is a video
    video.ADAPTER,
)
"""In the order in which they are asked whether an address is theirs."""

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def find_adapter(address: str) -> SourceAdapter:
    """Return the adapter that ``address`` belongs to; raises ``SettingsError`` where none does."""
    for adapter in ADAPTERS:
        if adapter.matches(address):
            return adapter
    raise SettingsError(
        f"{address}: expected a camera's index, the address of a stream, a video, a picture, a "
        f"folder of them, 'picamera', 'demo' or 'auto', found {_problem(address)}; "
        "check the path"
    )


def _problem(address: str) -> str:
    """Why there is no file of that name."""
    try:
        os.stat(address)  # noqa: PTH116 - it may be no path
    except (FileNotFoundError, NotADirectoryError, ValueError):
        pass
    except OSError as error:
        return error.strerror or str(error)
    return "none of these"


def open_source(
    address: str | int, options: Mapping[str, Any] | None = None, limits: Limits | None = None
) -> Source:
    """Return the source at ``address``, to be opened by entering it.

    ``options`` maps an adapter's table to an instance of its options. Raises ``SettingsError``,
    ``SourceError``.
    """
    adapter = find_adapter(str(address))
    chosen = (options or {}).get(adapter.table) or (adapter.options and adapter.options())
    return adapter.open(str(address), chosen, limits or Limits())


def open_sources(
    addresses: Iterable[str | int | Path],
    options: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
) -> list[Source]:
    """Return the sources at ``addresses`` and at what patterns among them stand for.

    Their names differ. Where there are several, one that does not open is waited for if it is
    live. See ``open_source``.
    """
    found = expanded(map(str, addresses))
    if len(found) > 1 and auto.ADAPTER.name in found:
        raise SettingsError(
            "source: expected names of sources, found 'auto' among others; name the camera, as in "
            "'expressions run 0 clip.mp4'"
        )
    opened = [open_source(address, options, limits) for address in found]
    name_apart(opened, found)
    for source in opened:
        source.patient = len(opened) > 1
    return opened


def expanded(addresses: Iterable[str]) -> list[str]:
    """Return ``addresses`` with the files that each pattern such as "photos/*.jpg" stands for.

    "**" is for any folders. Each is there once. Raises ``SettingsError`` where there is none.
    """
    found: list[str] = []
    for address in addresses:
        plain = not glob.has_magic(address) or os.path.exists(address)  # noqa: PTH110
        if plain or stream.ADAPTER.matches(address):
            found.append(address)
            continue
        # A folder called "0" is no camera.
        pattern = address if os.path.dirname(address) else f"./{address}"  # noqa: PTH120
        names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - it keeps "./"
        if "**" in address:  # what is in a folder matches by itself
            names = [name for name in names if not os.path.isdir(name)]  # noqa: PTH112
        if not names:
            raise SettingsError(
                f"{address}: expected files of such names, found none; check the pattern"
            )
        found += names
    return list(dict.fromkeys(found))


def name_apart(opened: Sequence[Source], addresses: Sequence[str]) -> None:
    """Give ``opened``, the sources at ``addresses``, names that differ; records carry them.

    Files of the same name are called by their addresses, streams are numbered, whose names lack the
    query, and a folder among others leads its files.
    """
    shared = [name for name, n in Counter(source.name for source in opened).items() if n > 1]
    numbers = Counter[str]()
    for source, address in zip(opened, addresses, strict=True):
        if source.name in shared and source.live:
            numbers[source.name] += 1
            source.name = f"{source.name} {numbers[source.name]}"
        elif source.name in shared:
            source.name = display_name(Path(address)) + "/" * isinstance(source, FolderSource)
        if isinstance(source, FolderSource) and len(opened) > 1:
            source.prefix = source.name


def shares(opened: Sequence[Source]) -> list[float]:
    """Return the share of the work that each of ``opened`` is."""
    total = sum(source.size for source in opened)
    return [source.size / total for source in opened]


def turned(
    items: Iterable[Frame | Outage], rotate: int = 0, mirror: bool = False
) -> Iterator[Frame | Outage]:
    """Yield ``items`` with every image turned clockwise by ``rotate`` (0, 90, 180, 270) degrees.

    ``mirror`` swaps left and right after that. Raises ``SettingsError`` for another angle.
    """
    if rotate and rotate not in _TURNS:
        raise SettingsError(f"rotate: expected 0, 90, 180 or 270, found {rotate}; give one of them")
    for item in items:
        if isinstance(item, Outage) or not (rotate or mirror):
            yield item
        else:
            yield replace(item, image=_turn(item.image, rotate, mirror))


def _turn(image: Image, rotate: int, mirror: bool) -> Image:
    if rotate:
        image = np.asarray(cv2.rotate(image, _TURNS[rotate]), np.uint8)
    return np.asarray(cv2.flip(image, 1), np.uint8) if mirror else image


def limited(items: Iterable[Frame | Outage], frames: int) -> Iterator[Frame | Outage]:
    """Yield ``items`` up to frame number ``frames`` (0 for all), and do not ask for one more."""
    counter = itertools.count(1)
    for item in items:
        yield item
        if isinstance(item, Frame) and next(counter) == frames:
            return
