"""The first camera, and where there is none the demo."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Self

from edge.adapters import Concern, Limits, SourceAdapter
from edge.device import Device
from edge.errors import NoCameraError
from edge.protocols import BaseSource, Source
from edge.sources import demo
from edge.sources.camera import CameraOptions, camera_source, check_camera
from edge.types import Frame, Outage

log = logging.getLogger(__name__)


class AutoSource(BaseSource):
    """``camera``, or what ``demo`` makes where there is no such camera.

    A camera that is there and does not open is an error, not a reason to show something else.
    """

    name = "auto"
    live = True

    def __init__(self, camera: Source, demo: Callable[[], Source]) -> None:
        """Name the two; the second one is not made unless it is needed."""
        self._source, self._demo = camera, demo

    @property
    def description(self) -> str:
        """That of the source in use."""
        return self._source.description

    def __enter__(self) -> Self:
        """Begin to open the camera."""
        self._source.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        """Release what is open."""
        self._source.__exit__(*problem)

    def __iter__(self) -> Iterator[Frame | Outage]:
        """Give what the camera gives, or the demo; raises ``SourceError``."""
        try:
            yield from self._source
        except NoCameraError as error:
            self._source.__exit__()
            self._source = self._demo().__enter__()
            log.warning("%s; showing the %s instead", error, self._source.description)
            yield from self._source


def _check(_: str, __: object, ___: Limits, machine: Device) -> str | Concern:
    try:
        return check_camera(None, machine)
    except NoCameraError as error:
        demo.load_portraits()
        text, _, remedy = str(error).rpartition("; ")
        return Concern(f"{text}: the demo is shown instead", remedy)


ADAPTER = SourceAdapter(
    "auto",
    matches=lambda address: address == "auto",
    open=lambda _, options, limits: AutoSource(
        camera_source(None, options), partial(demo.open_demo, limits.endless)
    ),
    check=_check,
    options=CameraOptions,
    table="camera",
)
