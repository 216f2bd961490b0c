"""Everything that a user can set: defaults < settings file (TOML) < command line.

The docstring under a field is its help text on the command line. A value out of range raises
``SettingsError``.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edge.errors import SettingsError
from edge.files import number_of
from edge.places import home

VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv")
JSON_LINES_SUFFIX, CSV_SUFFIX = ".jsonl", ".csv"
OUTPUT_SUFFIXES = (*VIDEO_SUFFIXES, JSON_LINES_SUFFIX, CSV_SUFFIX)


def _check_range(name: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Raise ``SettingsError`` unless ``low <= value <= high`` (a NaN is not)."""
    if not low <= value <= high:
        unit = f" {unit}" if unit else ""
        raise SettingsError(
            f"{name}: expected {low:.10g}…{high:.10g}{unit}, found {value}; give a value in that "
            "range"
        )


def _check_name(name: str) -> None:
    """Raise ``SettingsError`` for a path that OpenCV would crash on."""
    try:
        usable = b"\0" not in name.encode()
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise SettingsError(f"path: expected a name in UTF-8, found {name!a}; rename the file")


def expanded(name: str | Path) -> str:
    """Return ``name`` with the folder of a user for "~" or "~user"; raises ``SettingsError``."""
    full = os.path.expanduser(name)  # noqa: PTH111 - Path would change an address
    if full.startswith("~"):
        raise SettingsError(f"{name}: expected a path, found no such user; write the path in full")
    return full


def _real(path: Path) -> Path:
    """Where ``path`` leads to through links; what can't be followed stands for itself."""
    return Path(os.path.realpath(path))


def _target(path: Path) -> Path:
    """What a link at ``path`` leads to; any other ``path`` as it is."""
    return _real(path) if os.path.islink(path) else path  # noqa: PTH114 - it raises nothing


def _check_not_numbered(other: Path, path: Path) -> None:
    """Raise ``SettingsError`` where ``other`` is named like an earlier file of the output ``path``.

    It would be renamed or deleted along with those.
    """
    if number_of(_real(other), _real(path)) is not None:
        raise SettingsError(
            f"output: expected numbered files of {str(path)!r} to be its own, found "
            f"{str(other)!r} in use; rename one of the two"
        )


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """How faces are followed, and how readily a label changes."""

    smoothing: float = 0.1
    """Time constant over which probabilities are smoothed: 0…10 s, 0 for none."""
    margin: float = 0.1
    """How far another label's probability must lead before the label changes: 0…1."""
    hold: float = 0.12
    """How long it must lead: 0…10 s."""
    forget: float = 0.5
    """A face that was not seen for longer than this is a new one: 0…60 s."""

    def __post_init__(self) -> None:
        """Check the ranges; raises ``SettingsError``."""
        _check_range("tracking.smoothing", self.smoothing, 0, 10, "s")
        _check_range("tracking.margin", self.margin, 0, 1)
        _check_range("tracking.hold", self.hold, 0, 10, "s")
        _check_range("tracking.forget", self.forget, 0, 60, "s")


@dataclass(frozen=True, kw_only=True)
class Camera:
    """What a camera is asked for; it grants what it can."""

    width: int = 0
    """Pixels across: 0…16384, 0 for the camera's own choice."""
    height: int = 0
    """Pixels down: 0…16384, 0 for the camera's own choice."""
    fps: float = 0.0
    """Frames a second: 1…1000, 0 for the camera's own choice."""
    format: Literal["auto", "mjpg", "yuyv"] = "auto"
    """How a USB camera sends pictures: "mjpg" fits large ones through the cable, "yuyv" saves
    decoding them."""

    def __post_init__(self) -> None:
        """Check the ranges; raises ``SettingsError``."""
        _check_range("camera.width", self.width, 0, 16384, "pixels")
        _check_range("camera.height", self.height, 0, 16384, "pixels")
        if self.fps:  # a slower one would be taken for lost
            _check_range("camera.fps", self.fps, 1, 1000)
        if bool(self.width) != bool(self.height):  # drivers ignore one without the other
            raise SettingsError(
                "camera.width and camera.height: expected both or neither, found "
                f"{self.width} and {self.height}; give both"
            )


@dataclass(frozen=True, kw_only=True)
class Recording:
    """How outputs are kept on the disk. A run overwrites nothing: what stood there is numbered."""

    flush: float = 0.5
    """A line of .jsonl or .csv is safe from a power loss after this: 0…60 s, 0 to wait for the disk
    at each one."""
    rotate_mb: float = 0.0
    """Begin a new file when one is full: 0…1000000 MB, 0 for never (a video: at 4 GB). The full one
    becomes name.part00001.jsonl, the next one name.part00002.jsonl; the highest number is the
    newest."""
    keep: int = 0
    """Keep so many numbered files of each output and delete older ones: 0…1000000, 0 for all."""

    def __post_init__(self) -> None:
        """Check the ranges; raises ``SettingsError``."""
        _check_range("recording.flush", self.flush, 0, 60, "s")
        _check_range("recording.rotate-mb", self.rotate_mb, 0, 1e6, "MB")
        _check_range("recording.keep", self.keep, 0, 1e6)

    @property
    def rotate_bytes(self) -> float:
        """``rotate_mb`` in bytes, infinite for never."""
        return self.rotate_mb * 1e6 or math.inf


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one run needs to know."""

    source: str = "auto"
    """Where frames come from: a camera's index or device (/dev/video1, /dev/v4l/by-id/…),
    "picamera" or "picamera:1" for a Raspberry Pi's own cameras, a stream (rtsp://, http://), a
    video, an image, a folder of images, "demo", or "auto" for the first camera and, where there is
    none, the demo."""
    output: tuple[Path, ...] = ()
    """A file to write, may be repeated (in a settings file a list, ["a.mp4", "b.csv"]): .mp4, .avi
    or .mkv for annotated video, .jsonl for one line of JSON a frame, .csv for one line a face."""
    model: Path = Path("models/Finalmodel.tflite")
    """The classifier, a .tflite file with a contract inside."""
    detector: Literal["blazeface", "mediapipe"] = "blazeface"
    """What finds faces: MediaPipe's BlazeFace on our interpreter, or the MediaPipe package."""
    min_score: float = 0.5
    """A face must score at least this: 0.05…0.99."""
    detect_every: int = 1
    """Look for faces on every so many frames and move them on in between: 1…30."""
    budget: float = 0.0
    """Milliseconds that a frame may take on average: 0…1000. Faces are then looked for as often as
    that allows; 0 for no such limit."""
    threads: int = 1
    """Threads of each network: 1…64."""
    parallel: int = 0
    """Faces of a frame, and frames of a file without a window, that are worked on at the same time:
    1…16, 0 for as many as there are cores for, up to 4."""
    display: Literal["auto", "on", "off"] = "auto"
    """Whether to open a window; "auto" where there is a display."""
    frames: int = 0
    """Stop after so many frames: 0…1000000000, 0 for no limit (the demo without a window: 300). New
    settings don't begin the count anew."""
    tracking: Tracking = field(default_factory=Tracking)
    camera: Camera = field(default_factory=Camera)
    recording: Recording = field(default_factory=Recording)

    def __post_init__(self) -> None:
        """Check the ranges; raises ``SettingsError``."""
        _check_range("min-score", self.min_score, 0.05, 0.99)
        _check_range("detect-every", self.detect_every, 1, 30)
        _check_range("budget", self.budget, 0, 1000, "ms")
        _check_range("threads", self.threads, 1, 64)
        _check_range("parallel", self.parallel, 0, 16)
        _check_range("frames", self.frames, 0, 1e9)
        if not self.source:
            raise SettingsError("source: expected a name, found none; 'auto' is the first camera")
        for name in map(str, (self.source, self.model, *self.output)):
            _check_name(name)
        self._follow()
        self._check_outputs()

    def _follow(self) -> None:
        """Put what they lead to in the place of "~" and of outputs that are links.

        A new file would take the place of the link otherwise. Raises ``SettingsError``.
        """
        for name, value in (
            ("source", expanded(self.source)),
            ("model", Path(expanded(self.model))),
            ("output", tuple(_target(Path(expanded(path))) for path in self.output)),
        ):
            object.__setattr__(self, name, value)  # as the generated __init__ of a frozen one does

    def _check_outputs(self) -> None:
        """Refuse outputs that we can't write, or that would take another file's place."""
        for path in self.output:
            if path.suffix.lower() not in OUTPUT_SUFFIXES:
                known = ", ".join(OUTPUT_SUFFIXES)
                raise SettingsError(
                    f"output: expected a name that ends in {known}, found {str(path)!r}; "
                    "rename the output"
                )
        if len({_real(path) for path in self.output}) < len(self.output):
            raise SettingsError(
                "output: expected different files, found the same one twice; name each once"
            )
        source = Path(self.source)
        inputs = {_real(source), _real(self.model_path)}
        for path in self.output:
            if _real(path) in inputs:
                raise SettingsError(
                    f"output: expected another file than the input, found {str(path)!r} as both; "
                    "rename the output"
                )
            for other in (source, *self.output):
                _check_not_numbered(other, path)

    @property
    def model_path(self) -> Path:
        """``model``, or the product's own of that name where only that is there."""
        own = home() / self.model
        return own if exists(own) and not exists(self.model) else self.model


def exists(path: str | Path) -> bool:
    """Whether it is there; what keeps it from being seen is said where it is opened."""
    return os.path.exists(path)  # noqa: PTH110 - this one raises nothing
