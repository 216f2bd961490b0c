"""The machine of a run: its name in file names, and whether it stayed as it was."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from benchmarks.errors import BenchmarkError
from edge.device import Device
from train import provenance

_CPU = "sys/devices/system/cpu/cpu0/cpufreq"
_NOT_THROTTLED, _EARLIER = "no", " since the start"
State = Mapping[str, Any]


def name(device: Device) -> str:
    """Name the machine for a file: the Pi's model, elsewhere processor, cores and system."""
    words = re.findall(r"[a-z0-9_.]+", (device.model or provenance.machine()).lower())
    return "-".join(words)


def state(device: Device) -> dict[str, Any]:
    """Return governor, clock (MHz), temperature (°C) and throttle flags, None where not told.

    The flags are those that hold now, and those that the Pi's firmware saw since its start.
    """
    throttled = device.throttled()
    flags = None
    if throttled:
        earlier = [flag + _EARLIER for flag in throttled.before]
        flags = ", ".join((*throttled.now, *earlier)) or _NOT_THROTTLED
    kilohertz = _read(device, "scaling_cur_freq")
    return {
        "governor": _read(device, "scaling_governor") or None,
        "mhz": int(kilohertz) / 1e3 if kilohertz.isdecimal() else None,
        "celsius": device.temperature(),
        "throttled": flags,
    }


def void(before: State, after: State) -> str | None:
    """Say why a run does not count, None where it does.

    The clock and the temperature may move, that is their nature; what caps them may not, and it may
    hold neither at the beginning of the run nor at its end. The firmware never takes back what it
    saw since the start, so that of what it had seen before the run nobody can tell whether it came
    again: such a run doesn't count either. A machine without these flags isn't asked for them.
    """
    problems = [
        f"{what} was {before[what]!r} and became {after[what]!r}"
        for what in ("governor", "throttled")
        if before[what] != after[what]
    ]
    for state, when in ((before, "beginning"), (after, "end")):
        flags = (state["throttled"] or _NOT_THROTTLED).split(", ")
        now = [flag for flag in flags if flag != _NOT_THROTTLED and not flag.endswith(_EARLIER)]
        problems += [f"{flag} at its {when}" for flag in now]
    earlier = [flag for flag in (before["throttled"] or "").split(", ") if flag.endswith(_EARLIER)]
    problems += [
        f"{flag} of the machine, so that it can't tell whether it came again: restart the machine"
        for flag in earlier
    ]
    return "; ".join(problems) or None


def check(device: Device) -> None:
    """Raise ``BenchmarkError`` where a run could only be void, which takes hours to find out."""
    before = state(device)
    if void(before, before):
        raise BenchmarkError(
            f"machine: expected one that nothing has held back since its start, found "
            f"{before['throttled']}, which would make the run void; restart the machine, and mend "
            "its supply or its cooling if it comes again"
        )


def _read(device: Device, file: str) -> str:
    try:
        return (device.root / _CPU / file).read_text(errors="replace").strip()
    except OSError:
        return ""
