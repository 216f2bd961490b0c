"""Where and from what a figure was made: commit, machine, versions, date."""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_CPUINFO = Path("/proc/cpuinfo")
_INT8 = {
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX VNNI",
    "avx2": "AVX2",
    "i8mm": "NEON i8mm",
    "asimddp": "NEON dot product",
    "asimd": "NEON",
}
"""By the flag of /proc/cpuinfo, the best first."""


def commit() -> str:
    """Return the git commit of this source tree, with ``+`` where files differ from it."""
    try:
        head, changes = (
            subprocess.run(
                ["git", "-C", str(_ROOT), *arguments],
                capture_output=True,
                text=True,
                check=True,
                timeout=20,
            ).stdout.strip()
            for arguments in (
                ("rev-parse", "--short=12", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no", "--", "*.py"),
            )
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return head + ("+" if changes else "")


def today() -> str:
    """Return the date as ISO 8601."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def machine() -> str:
    """Return the processor with its instructions for int8, the cores for this process, the system.

    Machines of the same name differ by these instructions, and by several times in speed.
    """
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    cores = len(affinity(0)) if affinity else os.cpu_count()
    return f"{_processor()}, {cores} cores, {platform.system()} {platform.machine()}"


def origin() -> dict[str, str]:
    """Return machine, commit and date of what is measured now."""
    return {"machine": machine(), "commit": commit(), "date": today()}


def digest(path: Path) -> str:
    """Return the SHA-256 of the file at ``path``."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def versions(*packages: str) -> dict[str, str]:
    """Return the installed version of each of ``packages`` and of Python."""
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _processor() -> str:
    try:
        lines = _CPUINFO.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    facts = {
        name.strip(): value.strip() for name, _, value in (row.partition(":") for row in lines)
    }
    name = facts.get("model name") or facts.get("Model") or platform.processor()
    arithmetic = int8_instructions(facts.get("flags") or facts.get("Features") or "")
    return (name or "unknown processor") + (f" ({arithmetic})" if arithmetic else "")


def int8_instructions(flags: str) -> str:
    """Name the best of the processor's instructions for int8, which decide its speed there.

    ``flags`` is what Linux says of them; empty where it names none that we know.
    """
    known = set(flags.split())
    return next((name for flag, name in _INT8.items() if flag in known), "")
