"""Processes that are killed at a chosen moment, as by kill -9 or a power cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def kill_at(event: str, count: int, part: str) -> None:
    """Kill this process when the audit ``event`` comes again after ``count`` of them.

    Those count whose first argument, a path, has ``part`` in it.
    """
    left = [count]

    def hook(name: str, arguments: tuple[object, ...]) -> None:
        if name == event and part in str(arguments[0]):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def run_killed(program: str, *arguments: str) -> None:
    """Run a ``program`` that kills itself."""
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=Path(__file__).resolve().parents[2],
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
