"""The command line in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

PYTHON = os.environ.get("EDGE_PYTHON", sys.executable)
"""With the edge's requirements only, where the environment variable names one."""
QUIET_ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # tests in the background: Ctrl-C is tested
    signal.signal(signal.SIGINT, signal.default_int_handler)


def start(repository: Path, *arguments: object, terminal: bool = True) -> subprocess.Popen[str]:
    """Run it; without a ``terminal`` it has none even where the tests have one, as a service."""
    return subprocess.Popen(
        [PYTHON, "-m", "edge", "run", *map(str, arguments)],
        cwd=repository,
        env=QUIET_ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=not terminal,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text
