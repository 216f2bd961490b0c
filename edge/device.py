"""What a machine says of itself: its files in /dev, /proc and /sys, and the Pi's firmware."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_ASK_SECONDS = 5
UNDER_VOLTAGE = "under-voltage"
_THROTTLED = (UNDER_VOLTAGE, "a capped frequency", "throttling", "the soft temperature limit")
"""Bits 0…3 of ``vcgencmd get_throttled``; 16 higher they say that it happened since the start:
https://www.raspberrypi.com/documentation/computers/os.html#get_throttled"""
_SINCE_START = 16


class Throttled(NamedTuple):
    """What the Pi's firmware limits, ``now`` and at any time ``before`` since the start."""

    now: tuple[str, ...]
    before: tuple[str, ...]


def _ask(command: Sequence[str]) -> str | None:
    """What ``command`` prints, None where it isn't there or fails."""
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_ASK_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


@dataclass(frozen=True)
class Device:
    """Where a machine says how it is.

    ``root`` holds its /dev, /proc and /sys; ``access`` says whether this user may use a path in a
    mode; ``ask`` runs a command and returns what it prints, None where it can't.
    """

    root: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    access: Callable[[Path, int], bool] = os.access
    ask: Callable[[Sequence[str]], str | None] = _ask

    @property
    def model(self) -> str:
        """Such as "Raspberry Pi 4 Model B Rev 1.4"; empty where the firmware doesn't say."""
        return self._read("proc/device-tree/model")

    def memory(self) -> Sequence[float]:
        """Size of the memory in GB, empty where it isn't told."""
        kilobytes = self._read("proc/meminfo").partition("MemTotal:")[2].split()[:1]
        return [int(number) / (1 << 20) for number in kilobytes]

    def cameras(self) -> Sequence[str]:
        """Names of the video devices: "video0"."""
        return sorted(path.name for path in (self.root / "dev").glob("video*"))

    def camera_name(self, device: str) -> str:
        """``device`` with what its driver calls it: a Pi's decoders are video devices too."""
        name = self._read(f"sys/class/video4linux/{device}/name")
        return f"/dev/{device} ({name})" if name else f"/dev/{device}"

    def temperature(self) -> float | None:
        """Of the hottest sensor, °C; None where there is none."""
        zones = (self.root / "sys/class/thermal").glob("thermal_zone*")
        readings = [self._read(f"sys/class/thermal/{zone.name}/temp") for zone in zones]
        degrees = [int(text) / 1000 for text in readings if text.lstrip("-").isdecimal()]
        return max(degrees, default=None)

    def throttled(self) -> Throttled | None:
        """What the Pi's firmware answers, None where it doesn't."""
        answer = self.ask(("vcgencmd", "get_throttled")) or ""
        try:
            bits = int(answer.partition("=")[2], 16)
        except ValueError:
            return None
        return Throttled(_named(bits), _named(bits >> _SINCE_START))

    def _read(self, name: str) -> str:
        """The text of the file at ``root/name``, empty where there is none."""
        try:
            return (self.root / name).read_text(errors="replace").strip("\0\n ")
        except OSError:
            return ""


def _named(bits: int) -> tuple[str, ...]:
    return tuple(name for bit, name in enumerate(_THROTTLED) if bits >> bit & 1)
