"""The machine of a run: its name in file names, and whether anything held it back."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from benchmarks.errors import BenchmarkError
from benchmarks.results import Origin, State
from edge.device import Device
from train import provenance

_CPU = "sys/devices/system/cpu/cpu0/cpufreq"
_PACKAGES = ("ai-edge-litert", "tflite-runtime", "tensorflow", "numpy", "opencv-python-headless")
_NONE, _EARLIER = "no", " since the start"


def name(device: Device) -> str:
    """Name the machine for a file: the Pi's model, elsewhere processor, cores and system."""
    words = re.findall(r"[a-z0-9_.]+", (device.model or provenance.machine()).lower())
    return "-".join(words)


def origin() -> Origin:
    """Return where and from which code a result comes, with the versions that are installed."""
    versions = {}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return Origin(**provenance.origin(), versions=versions)


def state(device: Device) -> State:
    """Return what ``device`` says now, and the throttle flags that a Pi saw since its start."""
    throttled, kilohertz = device.throttled(), _read(device, "scaling_cur_freq")
    flags = None
    if throttled:
        earlier = [flag + _EARLIER for flag in throttled.before]
        flags = ", ".join((*throttled.now, *earlier)) or _NONE
    return State(
        governor=_read(device, "scaling_governor") or None,
        mhz=int(kilohertz) / 1e3 if kilohertz.isdecimal() else None,
        celsius=device.temperature(),
        throttled=flags,
    )


def invalid(before: State, after: State) -> str | None:
    """Return why a run does not count, None where it does.

    Clock and temperature may move; what caps them may not. The firmware keeps what it saw since the
    start, so that after earlier throttling nobody can tell whether it came again.
    """
    problems = [
        f"{what} was {old} and became {new}"
        for what, old, new in (
            ("the governor", before.governor, after.governor),
            ("throttling", before.throttled, after.throttled),
        )
        if old != new
    ]
    if before.throttled not in (None, _NONE):
        problems.append(f"throttled before the run: {before.throttled}; restart the machine")
    return "; ".join(problems) or None


def check(device: Device) -> None:
    """Raise ``BenchmarkError`` where a run could only be invalid."""
    now = state(device)
    if problem := invalid(now, now):
        raise BenchmarkError(
            f"machine: expected one that nothing has held back since its start, found {problem}; "
            "mend its supply or its cooling if it comes again"
        )


def _read(device: Device, file: str) -> str:
    try:
        return (device.root / _CPU / file).read_text(errors="replace").strip()
    except OSError:
        return ""
