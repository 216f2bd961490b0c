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
    """Return the processor, the number of cores this process may use, and the system."""
    return f"{_processor()}, {cores()} cores, {platform.system()} {platform.machine()}"


def cores() -> int:
    """Return the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


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
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
