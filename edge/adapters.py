"""What the parts that can be exchanged say of themselves to the registries.

``edge.vision.DETECTORS``, ``edge.sources.ADAPTERS``, ``edge.sinks.ADAPTERS`` and
``edge.sinks.PUBLISHERS`` hold these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from edge.protocols import Detector, Sink, Source
from edge.settings import AnalysisSettings

if TYPE_CHECKING:
    from edge.device import Device
    from edge.settings import Settings

MOST_PIXELS = round(1e6 * AnalysisSettings.max_megapixels)
"""Of a picture that is decoded, where nobody says otherwise."""


class Concern(NamedTuple):
    """What a check of ``doctor`` warns of: ``text`` and the ``remedy``."""

    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DetectorAdapter:
    """One detector: an entry of ``edge.vision.DETECTORS``.

    ``open`` takes the lowest score of a face (0…1), the network's threads and the file that the
    user brings for it, if it ``needs_file``; it raises ``DetectorError``, ``AssetError``. ``check``
    is what ``doctor`` calls with that file: it raises ``EdgeError`` where the detector can't run
    here.
    """

    name: str
    open: Callable[[float, int, Path], Detector]
    check: Callable[[Path], str]
    needs_file: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a source: how many pixels a picture may have, and how long the demo is.

    ``endless`` says that somebody else ends the run, so that the demo does not.
    """

    endless: bool = False
    max_pixels: int = MOST_PIXELS


@dataclass(frozen=True, slots=True)
class SourceAdapter:
    """One kind of source: an entry of ``edge.sources.ADAPTERS``.

    ``matches`` says whether an address is of this kind. ``open`` takes the address, an instance of
    ``options`` (None where it has none) and the ``Limits``; it raises ``SourceError`` or
    ``SettingsError``. ``check`` is what ``doctor`` calls with the address, the options, the limits
    and the device: it opens no camera and no connection, returns what it found or a ``Concern``,
    and raises ``EdgeError`` for what keeps a run from working. ``table`` names the options in a
    settings file and in ``open_source``; adapters that share their options share it.
    """

    name: str
    matches: Callable[[str], bool]
    open: Callable[[str, Any, Limits], Source]
    check: Callable[[str, Any, Limits, Device], str | Concern]
    options: type | None = None
    table: str = ""


@dataclass(frozen=True, slots=True)
class SinkAdapter:
    """One kind of output file: an entry of ``edge.sinks.ADAPTERS``, by suffix.

    ``open`` takes the path, the model's labels and the settings; it raises ``SinkError``. ``check``
    is what ``doctor`` calls: it writes nothing. ``pictures`` says that the sink takes annotated
    frames. ``many`` says how many inputs may go into one: "any", "files" for those that follow one
    another, but none side by side, or "none" for a single picture.
    """

    name: str
    open: Callable[[Path, Sequence[str], Settings], Sink]
    check: Callable[[Path], None]
    pictures: bool = False
    many: Literal["any", "files", "none"] = "any"


@dataclass(frozen=True, slots=True)
class PublisherAdapter:
    """A sink that is no file, such as a web page: an entry of ``edge.sinks.PUBLISHERS``.

    ``options`` is its dataclass of settings, whose field ``address`` is empty where it is not asked
    for; ``name`` is also their table in a settings file. ``open`` takes these options, the model's
    labels and the settings; it raises ``SinkError``, ``SettingsError``. ``check`` is what
    ``doctor`` calls: it opens no connection, returns what it found or a ``Concern``, and raises
    ``EdgeError``.
    """

    name: str
    options: type
    open: Callable[[Any, Sequence[str], Settings], Sink]
    check: Callable[[Any], str | Concern]
