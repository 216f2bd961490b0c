"""The greatest resident memory of a process. The standard library and nothing of ours."""

from __future__ import annotations

from pathlib import Path


def high_water_mb(process: int) -> float | None:
    """Greatest resident memory of that process so far, in MB; Linux alone knows."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:  # gone, or no Linux
        return None
    marks = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))  # in KiB
    return next((mark * 1024 / 1e6 for mark in marks), None)
