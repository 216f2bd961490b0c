"""The command line in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TextIO

PYTHON = os.environ.get("EDGE_PYTHON", sys.executable)
"""With the edge's requirements only, where the environment variable names one."""
QUIET_ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}

# Tests in the background, or under nohup: what is ignored here would be ignored by the runs too,
# and what is caught is not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)


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
    return subprocess.Popen(
        [PYTHON, "-m", "edge", "run", *map(str, arguments)],
        cwd=repository,
        env=QUIET_ENVIRONMENT | environment,
        stdout=out,
        stderr=err,
        text=True,
        start_new_session=not terminal,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@contextmanager
def filled_pipe() -> Iterator[tuple[int, TextIO]]:
    """What reads, and what is written to and takes no more: a reader that has stopped reading."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    for size in (4096, 1):
        with suppress(BlockingIOError):
            while True:
                os.write(theirs, b"x" * size)
    os.set_blocking(theirs, True)
    with os.fdopen(theirs, "w") as stream:
        yield ours, stream
    os.close(ours)


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text
