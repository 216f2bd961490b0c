"""The command line in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

PYTHON = os.environ.get("EDGE_PYTHON", sys.executable)
"""With the edge's requirements only, where the environment variable names one."""
QUIET_ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}

# Tests in the background, or under nohup: what is ignored here would be ignored by the runs too,
# and what is caught is not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


_started: list[subprocess.Popen[str]] = []


def start(
    repository: Path,
    *arguments: object,
    terminal: bool = True,
    out: int | IO[str] = subprocess.PIPE,
    err: int | IO[str] = subprocess.PIPE,
    **environment: str,
) -> subprocess.Popen[str]:
    """Run it; without a ``terminal`` it has none even where the tests have one, as a service.

    ``environment`` is what it has beside the one of the tests.
    """
    process = subprocess.Popen(
        [PYTHON, "-m", "edge", "run", *map(str, arguments)],
        cwd=repository,
        env=QUIET_ENVIRONMENT | environment,
        stdout=out,
        stderr=err,
        text=True,
        start_new_session=not terminal,
    )
    _started.append(process)
    return process


def kill_left() -> None:
    """Kill what a failed test has left running."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text
