"""Looks a device over before a run: what it has, what is missing, and what mends that.

A check does what ``run`` does, short of opening a camera, a stream or a window of its own, and
writes nothing. Only the standard library is imported here: the libraries may be what is missing.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from edge.console import complaint
from edge.device import UNDER_VOLTAGE, Device
from edge.errors import AssetError, EdgeError, NoCameraError, SettingsError, SinkError, first_line
from edge.places import advice
from edge.settings import VIDEO_SUFFIXES, Settings

_HOT = 80.0
"""A Raspberry Pi slows down from here on, °C:
https://www.raspberrypi.com/documentation/computers/config_txt.html#monitoring-core-temperature"""
LIBRARIES = (
    advice("run 'pip install -r requirements/edge.txt -r requirements/opencv-headless.txt'")
    + ", or 'sudo apt install libgl1' where it is libGL that is missing"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; a problem keeps ``run`` from working, a warning doesn't."""

    name: str
    state: Literal["ok", "warning", "problem"]
    text: str
    remedy: str = ""

    def line(self) -> str:
        """Return it as one line."""
        return f"{self.state:<8} {self.name:<12} {self.text}{self.remedy and '; '}{self.remedy}"


class Concern(NamedTuple):
    """What a check doesn't like and ``run`` can live with."""

    text: str
    remedy: str


Check = Callable[[Settings, Device], str | Concern]
"""Returns what is there or a concern; raises ``EdgeError`` for what keeps ``run`` from working."""


def examine(settings: Settings, device: Device) -> list[Finding]:
    """Check everything that a run with ``settings`` on ``device`` needs, in order."""
    return [_finding(name, check, settings, device) for name, check in CHECKS.items()]


def verdict(findings: Sequence[Finding]) -> str:
    """Say in one line whether ``run`` can work."""
    problems = [finding.name for finding in findings if finding.state == "problem"]
    if problems:
        return f"'run' can't work with these settings: mend {', '.join(problems)}"
    return "'run' can work with these settings"


def require(names: Sequence[str], settings: Settings, device: Device) -> None:
    """Raise ``SettingsError`` where a check of one of these ``names`` finds a problem."""
    for name in names:
        finding = _finding(name, CHECKS[name], settings, device)
        if finding.state == "problem":
            raise SettingsError(f"{finding.text}; {finding.remedy}")


def _finding(name: str, check: Check, settings: Settings, device: Device) -> Finding:
    try:
        found = check(settings, device)
    except EdgeError as error:
        text, separator, remedy = complaint(error).rpartition("; ")
        return Finding(name, "problem", text, remedy) if separator else _problem(name, remedy)
    except OSError as error:
        text, _, remedy = complaint(error).rpartition("; ")
        return Finding(name, "problem", text, remedy)
    except ImportError as error:
        return _problem(name, f"expected its library, found: {first_line(error)}", LIBRARIES)
    if isinstance(found, Concern):
        return Finding(name, "warning", *found)
    return Finding(name, "ok", found)


def _problem(name: str, text: str, remedy: str = "") -> Finding:
    return Finding(name, "problem", text, remedy)


def _machine(_: Settings, device: Device) -> str:
    parts = [device.model or platform.system(), platform.machine(), f"{device.cores} cores"]
    parts += [f"{gigabytes:.1f} GB of memory" for gigabytes in device.memory()]
    return ", ".join((*parts, f"kernel {platform.release()}"))


def _python(_: Settings, __: Device) -> str:
    return f"{platform.python_version()}, {sys.executable}"


def _interpreter(_: Settings, __: Device) -> str:
    from edge.interpreter import runtime_name  # noqa: PLC0415

    return runtime_name()


def _opencv(_: Settings, __: Device) -> str:
    import cv2  # noqa: PLC0415

    return f"{cv2.__version__}, {cv2.currentUIFramework() or 'without windows'}"


def _threads(settings: Settings, device: Device) -> str | Concern:
    text = f"{settings.threads} of {device.cores} cores"
    if settings.threads > device.cores:
        return Concern(text, f"set threads to {device.cores} or fewer: they wait for each other")
    return text


def _model(settings: Settings, __: Device) -> str:
    from edge.classifier import load_classifier  # noqa: PLC0415

    contract = load_classifier(settings.model_path, settings.threads).contract
    size = f"{contract.width}×{contract.height}"
    return f"{settings.model_path}, {size} → {', '.join(contract.labels)}"


def _assets(_: Settings, __: Device) -> str | Concern:
    from edge.assets import ASSETS, ASSETS_FOLDER, FETCH, read_asset  # noqa: PLC0415

    wrong = []
    for name in ASSETS:
        try:
            read_asset(name)
        except AssetError:
            wrong.append(name)
    if wrong:
        return Concern(f"{', '.join(wrong)} missing in {ASSETS_FOLDER}", FETCH)
    return f"{len(ASSETS)} in {ASSETS_FOLDER}"


def _detector(settings: Settings, __: Device) -> str:
    from edge.assembly import open_detector  # noqa: PLC0415
    from edge.loop import Stop  # noqa: PLC0415

    return open_detector(settings, Stop()).name


def _cameras(_: Settings, device: Device) -> str:
    return ", ".join(map(device.camera_name, device.cameras())) or "none"


def _source(settings: Settings, device: Device) -> str | Concern:
    from edge.sources.demo import load_portraits  # noqa: PLC0415

    name = settings.source
    name = f"/dev/video{name}" if name.isdecimal() else name
    if name != "auto" and not name.startswith(("/dev/video", "/dev/v4l/")):
        return _opened(settings)
    try:
        return _camera(name, device)
    except NoCameraError as error:
        if settings.source != "auto":
            raise
        load_portraits()
        text, _, remedy = complaint(error).rpartition("; ")
        return Concern(f"{text}: the demo is shown instead", remedy)


def _camera(name: str, device: Device) -> str:
    from edge.sources.camera import find_device, first_camera  # noqa: PLC0415

    if not sys.platform.startswith("linux"):
        return f"camera {name}, which only 'run' can look at here"
    if name == "auto":
        name = f"/dev/video{first_camera(device.root)}"
    index = find_device(device.root / name[1:], device.access)
    return f"{device.camera_name(f'video{index}')}, which this user may open"


def _opened(settings: Settings) -> str:
    """Open what is a file, a folder or the demo; what isn't would be a connection or a camera."""
    from edge.sources import open_source  # noqa: PLC0415
    from edge.sources.picamera import NAME as PICAMERA  # noqa: PLC0415
    from edge.sources.picamera import load_picamera2  # noqa: PLC0415
    from edge.sources.stream import is_stream  # noqa: PLC0415

    own = settings.source.partition(":")[0] == PICAMERA
    if own:
        load_picamera2()
    source = open_source(settings, False, lambda: False, lambda _: None)
    if own or is_stream(settings.source):
        return f"{source.description}, not tried: only 'run' opens it"
    with source:
        return source.description


def _outputs(settings: Settings, __: Device) -> str:
    from edge import overlay  # noqa: PLC0415
    from edge.sinks import video  # noqa: PLC0415
    from edge.sinks.target import check_target  # noqa: PLC0415

    for path in settings.output:
        check_target(path)
        if path.suffix.lower() in VIDEO_SUFFIXES:
            overlay.check_opencv()
            video.check_room(path)
    return ", ".join(map(str, settings.output)) or "none"


def _display(settings: Settings, device: Device) -> str:
    from edge.sinks.window import display_problem  # noqa: PLC0415

    if settings.display == "off":
        return "not asked for"
    problem = display_problem(device.environment)
    if problem and settings.display == "on":
        raise SinkError(f"expected a display, found that {problem}, or run with '--display off'")
    return f"no window: {problem}" if problem else "there is one"


def _temperature(_: Settings, device: Device) -> str | Concern:
    degrees = device.temperature()
    if degrees is None:
        return "no sensor"
    text = f"{degrees:.0f} °C"
    return Concern(text, "cool it: it slows down") if degrees >= _HOT else text


def _power(_: Settings, device: Device) -> str | Concern:
    if "Raspberry Pi" not in device.model:
        return "only a Raspberry Pi tells"
    state = device.throttled()
    if state is None:
        return Concern(
            "expected an answer of vcgencmd, found none",
            "run 'sudo apt install raspi-utils' and 'sudo usermod -aG video $USER'",
        )
    if not state.now and not state.before:
        return "enough, and never too hot"
    hungry = UNDER_VOLTAGE in state.now + state.before
    remedy = "use the Pi's own power supply and a short cable" if hungry else "cool it"
    since = ", ".join(state.before) or "nothing"
    return Concern(f"now {', '.join(state.now) or 'good'}; since it started {since}", remedy)


CHECKS: Mapping[str, Check] = {
    "machine": _machine,
    "python": _python,
    "interpreter": _interpreter,
    "opencv": _opencv,
    "threads": _threads,
    "model": _model,
    "assets": _assets,
    "detector": _detector,
    "cameras": _cameras,
    "source": _source,
    "outputs": _outputs,
    "display": _display,
    "temperature": _temperature,
    "power": _power,
}
