"""Everything that a user can set: defaults < settings file (TOML) < command line.

The docstring under a field is its help text on the command line. A value out of range raises
``SettingsError``. What only one adapter needs stands in the adapter's own file as its options; the
command line gives each a table beside these. Annotations are evaluated here, without ``from
__future__``, since the class that the command line makes of all that lives in another module.
"""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edge.assets import home
from edge.errors import SettingsError

Part = Literal["boxes", "bars", "status"]
"""What can be drawn into a picture."""
ALL: frozenset[Part] = frozenset(("boxes", "bars", "status"))
_STANDARD_OUTPUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
Hiding = Literal["off", "blur", "blank"]
"""What becomes of faces in a picture."""


def check_text(name: str, text: str, most: int) -> None:
    """Raise ``SettingsError`` where ``text`` is no Unicode, or has more than ``most`` bytes."""
    try:
        count = len(text.encode())
    except UnicodeError:
        found = "bytes that are none"
    else:
        found = f"{count} bytes"
        if count <= most:
            return
    raise SettingsError(
        f"{name}: expected at most {most} bytes of UTF-8, found {found}; choose another one"
    )


def check_range(name: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Raise ``SettingsError`` unless ``low <= value <= high`` (a NaN is not)."""
    if not low <= value <= high:
        unit = f" {unit}" if unit else ""
        raise SettingsError(
            f"{name}: expected {low:.10g}…{high:.10g}{unit}, found {value}; give a value in that "
            "range"
        )


def expanded(name: str | Path) -> str:
    """Return ``name`` with the folder of a user for "~" or "~user"; raises ``SettingsError``."""
    full = os.path.expanduser(name)  # noqa: PTH111 - Path would change an address
    if full.startswith("~"):
        raise SettingsError(f"{name}: expected a path, found no such user; write the path in full")
    if "\0" in full:
        raise SettingsError(f"path: expected a name without a NUL, found {full!r}; rename the file")
    return full


def put(settings: object, name: str, value: object) -> None:
    """Set a field of frozen ``settings``, as their generated ``__init__`` does."""
    object.__setattr__(settings, name, value)


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """How faces are followed, and how readily a label changes. All memory is in seconds."""

    smoothing: float = 0.1
    """Time constant over which probabilities are smoothed: 0…10 s, 0 for none."""
    margin: float = 0.1
    """How far another label's probability must lead before the label changes: 0…1."""
    forget: float = 0.5
    """A face that was not seen for longer than this is a new one: 0…60 s."""

    def __post_init__(self) -> None:
        """Check the ranges; raises ``SettingsError``."""
        check_range("tracking.smoothing", self.smoothing, 0, 10, "s")
        check_range("tracking.margin", self.margin, 0, 1)
        check_range("tracking.forget", self.forget, 0, 60, "s")


@dataclass(frozen=True, kw_only=True)
class Recording:
    """How outputs are kept on the disk. A run overwrites nothing: what stood there is numbered."""

    flush: float = 0.5
    """A line of .jsonl or .csv is safe from a power loss after this: 0…60 s, 0 to wait for the disk
    at each one."""
    rotate_mb: float = 0.0
    """Begin a new file when one is full: 0…1000000 MB, 0 for never (a video: at 4 GB or 6 hours).
    The full one becomes name.part00001.jsonl, the next one name.part00002.jsonl; the highest number
    is the newest."""
    keep: int = 0
    """Keep so many numbered files of each output and delete older ones: 0…1000000, 0 for all."""

    def __post_init__(self) -> None:
        """Check the ranges; raises ``SettingsError``."""
        check_range("recording.flush", self.flush, 0, 60, "s")
        check_range("recording.rotate-mb", self.rotate_mb, 0, 1e6, "MB")
        check_range("recording.keep", self.keep, 0, 1e6)

    @property
    def rotate_bytes(self) -> float:
        """``rotate_mb`` in bytes, infinite for never."""
        return self.rotate_mb * 1e6 or math.inf


@dataclass(frozen=True, kw_only=True)
class AnalysisSettings:
    """What decides which faces are found, and how they are named."""

    model: Path = Path("models/Finalmodel.tflite")
    """The classifier, a .tflite file with a contract inside."""
    detector: str = "blazeface"
    """What finds faces: "blazeface" is MediaPipe's model on our interpreter, "mediapipe" the
    MediaPipe package, "yunet" OpenCV's YuNet, whose file you bring, "both" has YuNet confirm what
    BlazeFace finds."""
    detector_model: Path = Path("models/face_detection_yunet_2023mar.onnx")
    """The file of YuNet, for "yunet" and "both"."""
    min_score: float = 0.5
    """A face must score at least this: 0.05…0.99."""
    min_face: float = 0.04
    """The smallest face to look for, as a share of the frame's height: 0.02…1. A picture costs some
    150 calls of the detector at 0.04, a quarter of that at 0.08; 0 looks at the whole frame alone,
    one call, and finds faces from a third of the height on."""
    search_budget: float = 2.0
    """Runs of the detector that the search for further faces takes in a frame of a video or a
    camera, on average: 0…100. With 2, a face that appears anywhere is found within 0.3 s where
    little else moves, and within 5 s at the latest; 0 looks everywhere in the first frame alone,
    and then at known faces and the whole frame."""
    max_megapixels: float = 40.0
    """The largest picture that is decoded, of a file, a video or a stream: 1…178 megapixels, the
    most that Pillow decodes. One takes some 7 MB of memory a megapixel, a WebP 16."""
    rotate: Literal[0, 90, 180, 270] = 0
    """Turn every picture clockwise by so many degrees, for a camera that is mounted askew."""
    mirror: bool = False
    """Swap left and right, as a mirror does."""
    uncertain_below: float | None = None
    """A label is certain from this probability on: 0…0.99; by default the model says."""
    hold: float | None = None
    """How long another label must lead before the label changes: 0…10 s; by default the model
    says."""
    tracking: Tracking = field(default_factory=Tracking)

    def __post_init__(self) -> None:
        """Check the ranges and expand "~"; raises ``SettingsError``."""
        check_range("min-score", self.min_score, 0.05, 0.99)
        if self.min_face:
            check_range("min-face", self.min_face, 0.02, 1)
        check_range("search-budget", self.search_budget, 0, 100)
        check_range("max-megapixels", self.max_megapixels, 1, 178)
        if self.uncertain_below is not None:
            check_range("uncertain-below", self.uncertain_below, 0, 0.99)
        if self.hold is not None:
            check_range("hold", self.hold, 0, 10, "s")
        put(self, "model", Path(expanded(self.model)))
        put(self, "detector_model", Path(expanded(self.detector_model)))

    @property
    def max_pixels(self) -> int:
        """``max_megapixels`` in pixels."""
        return round(1e6 * self.max_megapixels)

    @property
    def model_path(self) -> Path:
        """``model``, or the product's own of that name where only that is there."""
        return _or_own(self.model)

    @property
    def detector_path(self) -> Path:
        """``detector_model``, or the file of that name beside the product's models."""
        return _or_own(self.detector_model)


@dataclass(frozen=True, kw_only=True)
class InputOutput:
    """Where frames come from and where results go."""

    source: tuple[str, ...] = field(default=("auto",), kw_only=False)
    """Where frames come from, any number: a camera's index or device (/dev/video1,
    /dev/v4l/by-id/…), "picamera" or "picamera:1" for a Raspberry Pi's own cameras, a stream
    (rtsp://, http://), a video, a picture, a folder of these, "photos/*.jpg", "demo", or "auto" for
    the first camera and, where there is none, the demo. Files follow one another, then
    cameras and streams run side by side."""
    output: tuple[Path, ...] = ()
    """A file to write, may be repeated (in a settings file a list, ["a.mp4", "b.csv"]): .jsonl,
    .csv or .parquet for results, .mp4, .mkv or .webm for annotated video, .jpg or .png for an
    annotated photograph, "folder/" for an annotated picture or video of each input, "-" for lines
    of JSON on standard output."""
    per: Literal["frame", "second"] = "frame"
    """A row of results for each frame, or for each face in each second."""
    events: tuple[Path, ...] = ()
    """A file for lines of JSON about who appeared, changed or left; "-" is standard output."""
    on_change: str = ""
    """A program to run at each event, when somebody appears, changes or leaves, or a source is lost
    or back: "./notify.sh loud". It runs without a shell; EXPRESSION_EVENT, EXPRESSION_LABEL and
    more say what happened."""
    overlay: str = "boxes,bars,status"
    """What is drawn into pictures: "boxes", "bars", "status", several with commas, or "none"."""
    hide_faces: Hiding = "off"
    """Blur or blank the faces that are found, in every picture that is shown, written or sent."""


@dataclass(frozen=True, kw_only=True)
class Settings(AnalysisSettings, InputOutput):
    """What one run needs to know, beside the options of its adapters."""

    threads: int = 1
    """Threads of each network: 1…64."""
    parallel: int = 0
    """Faces of a frame, and frames of a file, that are worked on at the same time: 1…16, 0 for as
    many as there are cores for, up to 4."""
    display: Literal["auto", "on", "off"] = "auto"
    """Whether to open a window; "auto" where there is a display."""
    frames: int = 0
    """Stop after so many frames of files, and of each camera or stream: 0…1000000000, 0 for no
    limit (the demo: 300, unless there is a window, a page or a broker)."""
    recording: Recording = field(default_factory=Recording)

    def __post_init__(self) -> None:
        """Check the ranges and expand "~"; raises ``SettingsError``."""
        super().__post_init__()
        check_range("threads", self.threads, 1, 64)
        check_range("parallel", self.parallel, 0, 16)
        check_range("frames", self.frames, 0, 1e9)
        if not self.source or not all(self.source):
            raise SettingsError("source: expected a name, found none; 'auto' is the first camera")
        named_parts(self.overlay)
        for name, value in (
            ("source", tuple(map(expanded, self.source))),
            ("events", tuple(_target(Path(expanded(path))) for path in self.events)),
            ("output", tuple(_target(Path(expanded(path))) for path in self.output)),
        ):
            put(self, name, value)
        self._check_outputs()

    def _check_outputs(self) -> None:
        """Refuse outputs that would take the place of the input or of each other."""
        shared = {Path("-")}.intersection(self.output)  # lines of both on standard output
        names = (*self.output, *(path for path in self.events if path not in shared))
        outputs = [os.path.realpath(path) for path in names]
        if len(set(outputs)) < len(outputs):
            raise SettingsError(
                "output: expected different files, found the same one twice; name each once"
            )
        files = filter(exists, (*self.source, str(self.model_path)))  # "demo" is none
        inputs = set(map(os.path.realpath, files))
        for path, real in zip(names, outputs, strict=True):
            if real in inputs:
                raise SettingsError(
                    f"output: expected another file than the input, found {str(path)!r} as both; "
                    "rename the output"
                )

    @property
    def overlay_parts(self) -> frozenset[Part]:
        """``overlay`` as a set."""
        return named_parts(self.overlay)


def named_parts(overlay: str | Iterable[str]) -> frozenset[Part]:
    """Return the parts that are named, as "boxes,bars" or each for itself; "none" is none.

    Raises ``SettingsError`` for other names.
    """
    names = overlay.split(",") if isinstance(overlay, str) else overlay
    found = {name.strip() for name in names}
    found = set() if found == {"none"} else found
    if unknown := sorted(found - ALL):
        raise SettingsError(
            f"overlay: expected {', '.join(sorted(ALL))} or none, found {unknown[0]!r}; "
            "name some of them with commas"
        )
    return frozenset(part for part in ALL if part in found)


def _or_own(path: Path) -> Path:
    own = home() / path
    return own if exists(own) and not exists(path) else path


def exists(path: str | Path) -> bool:
    """Whether it is there; what keeps it from being seen is said where it is opened."""
    return os.path.exists(path)  # noqa: PTH110 - this one raises nothing


def _target(path: Path) -> Path:
    """What a link at ``path`` leads to: a new file would take the place of the link otherwise.

    Standard output is "-" by any name, and what leads to another pipe or device stays.
    """
    if str(path) in _STANDARD_OUTPUT:
        return Path("-")
    is_link = os.path.islink(path) and (path.is_file() or not exists(path))  # noqa: PTH114
    return Path(os.path.realpath(path)) if is_link else path
