"""Examines a device before a run: what it has, what is missing, and what mends that.

A check does what ``run`` does, short of opening a camera, a stream or a window of its own, and
writes nothing. Each adapter brings its own check.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2

from edge import sinks, sources
from edge.adapters import Concern, Limits
from edge.assets import ASSETS, ASSETS_FOLDER, read_asset
from edge.device import UNDER_VOLTAGE, Device
from edge.errors import AssetError, EdgeError, SettingsError, SinkError, first_line
from edge.recognizer import usable_cores
from edge.run.build import adapter_options, check_outputs, publishers
from edge.settings import Settings
from edge.sinks.command import CommandSink
from edge.sinks.events import check as check_events
from edge.sinks.window import display_problem
from edge.vision import find_detector
from edge.vision.classifier import load_classifier
from edge.vision.interpreter import runtime_name

_HOT = 80.0
"""A Raspberry Pi slows down from here on, °C:
https://www.raspberrypi.com/documentation/computers/config_txt.html#monitoring-core-temperature"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; a problem keeps ``run`` from working, a warning doesn't."""

    name: str
    state: Literal["ok", "warning", "problem"]
    text: str

    def line(self) -> str:
        """Return it as one line."""
        return f"{self.state:<8} {self.name:<12} {self.text}"


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
            raise SettingsError(finding.text)


def _finding(name: str, check: Check, settings: Settings, device: Device) -> Finding:
    try:
        found = check(settings, device)
    except (EdgeError, OSError) as error:
        return Finding(name, "problem", str(error))
    except ImportError as error:
        text = f"expected its library, found: {first_line(error)}; install edge-expressions again"
        return Finding(name, "problem", text)
    if isinstance(found, Concern):
        return Finding(name, "warning", f"{found.text}; {found.remedy}")
    return Finding(name, "ok", found)


def _machine(_: Settings, device: Device) -> str:
    parts = [device.model or platform.system(), platform.machine(), f"{usable_cores()} cores"]
    parts += [f"{gigabytes:.1f} GB of memory" for gigabytes in device.memory()]
    return ", ".join((*parts, f"kernel {platform.release()}"))


def _python(_: Settings, __: Device) -> str:
    return f"{platform.python_version()}, {sys.executable}"


def _interpreter(_: Settings, __: Device) -> str:
    return runtime_name()


def _opencv(_: Settings, __: Device) -> str:
    return f"{cv2.__version__}, {cv2.currentUIFramework() or 'without windows'}"


def _threads(settings: Settings, _: Device) -> str | Concern:
    cores = usable_cores()
    text = f"{settings.threads} of {cores} cores"
    if settings.threads > cores:
        return Concern(text, f"set threads to {cores} or fewer: they wait for each other")
    return text


def _model(settings: Settings, _: Device) -> str:
    contract = load_classifier(settings.model_path, settings.threads).contract
    size = f"{contract.width}×{contract.height}"
    return f"{settings.model_path}, {size} → {', '.join(contract.labels)}"


def _assets(_: Settings, __: Device) -> str | Concern:
    wrong = []
    for name in ASSETS:
        try:
            read_asset(name)
        except AssetError as error:
            wrong.append(str(error))
    if wrong:
        text, remedy = wrong[0].rsplit("; ", 1)
        return Concern(f"{len(wrong)} of {len(ASSETS)} missing: {text}", remedy)
    return f"{len(ASSETS)} in {ASSETS_FOLDER}"


def _detector(settings: Settings, _: Device) -> str:
    return find_detector(settings.detector).check(settings.detector_path)


def _cameras(_: Settings, device: Device) -> str:
    return ", ".join(map(device.camera_name, device.cameras())) or "none"


def _source(settings: Settings, device: Device) -> str | Concern:
    found: list[str] = []
    sources.open_sources(settings.source, adapter_options(settings))  # whether they go together
    limits = Limits(max_pixels=settings.max_pixels)
    for address in sources.expanded(settings.source):
        adapter = sources.find_adapter(address)
        options = adapter_options(settings).get(adapter.table)
        one = adapter.check(address, options, limits, device)
        if isinstance(one, Concern):
            return one
        found.append(one)
    return ", ".join(found)


def _outputs(settings: Settings, _: Device) -> str:
    for path in settings.output:
        sinks.find_adapter(path).check(path)
    try:
        inputs = sources.open_sources(settings.source, adapter_options(settings))
    except EdgeError:  # said where the source is checked
        inputs = []
    if inputs:
        check_outputs(settings, inputs)
    for path in settings.events:
        check_events(path)
    if settings.on_change:
        CommandSink(settings.on_change)
    return ", ".join(map(str, (*settings.output, *settings.events))) or "none"


def _publishers(settings: Settings, _: Device) -> str | Concern:
    found: list[str] = []
    for publisher, options in publishers(settings):
        one = publisher.check(options)
        if isinstance(one, Concern):
            return one
        found.append(f"{publisher.name}: {one}")
    return ", ".join(found) or "none"


def _display(settings: Settings, device: Device) -> str:
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
    "publishers": _publishers,
    "display": _display,
    "temperature": _temperature,
    "power": _power,
}
