"""Where frames come from: a registry of adapters, and what turns an address into a source.

A new kind of source is a file beside this one with an ``ADAPTER``, and a line in ``ADAPTERS``.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from edge.errors import SettingsError
from edge.sources import auto, camera, demo, images, picamera, stream, video
from edge.types import Frame, Image, Outage, Source, SourceAdapter

ADAPTERS: tuple[SourceAdapter, ...] = (
    auto.ADAPTER,
    demo.ADAPTER,
    camera.ADAPTER,
    picamera.ADAPTER,
    stream.ADAPTER,
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
        f"folder of pictures, 'picamera', 'demo' or 'auto', found {_problem(address)}; "
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
    address: str | int, options: Mapping[str, Any] | None = None, endless: bool = False
) -> Source:
    """Return the source at ``address``, to be opened by entering it.

    ``options`` maps an adapter's table to an instance of its options; ``endless`` says that
    somebody else ends the run, so that the demo does not. Raises ``SettingsError``,
    ``SourceError``.
    """
    adapter = find_adapter(str(address))
    chosen = (options or {}).get(adapter.table) or (adapter.options and adapter.options())
    return adapter.open(str(address), chosen, endless)


def turned(
    items: Iterable[Frame | Outage], rotate: int = 0, mirror: bool = False
) -> Iterator[Frame | Outage]:
    """Yield ``items`` with every image turned clockwise by ``rotate`` (0, 90, 180, 270) degrees.

    ``mirror`` swaps left and right after that.
    """
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
