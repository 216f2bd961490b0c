"""One process under a limit of time and of memory, and how it ended."""

from __future__ import annotations

import math
import os
import re
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_KIB = 1024
_TICK = 0.01
MOST_KEPT = 1 << 20
"""Bytes of an output that are kept."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended.

    ``code`` is its exit code, negative for the signal that ended it, None where it did not end in
    time and was killed. ``peak_mib`` is the largest resident memory of it and of its children.
    """

    code: int | None
    seconds: float
    peak_mib: float
    out: str
    err: str


def environment(**more: str) -> Mapping[str, str]:
    """Return that of a child: no display, UTF-8, and the product's packages."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "PYTEST_CURRENT_TEST")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "TF_CPP_MIN_LOG_LEVEL": "3", **more}


def run(
    command: Sequence[str | Path],
    folder: Path,
    *,
    seconds: float = 20.0,
    most_mib: int = 4096,
    stdin: bytes = b"",
    out: Path | None = None,
    stop: float = math.inf,
    **variables: str,
) -> Ending:
    """Run ``command`` in ``folder`` until it ends, ``seconds`` at the most.

    It can't have more than ``most_mib`` of private memory (RLIMIT_DATA). ``stdin`` is what it
    reads, ``out`` a file in the place of its standard output, such as /dev/full. After ``stop``
    seconds it gets SIGTERM.
    """
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as said,
        tempfile.TemporaryFile() as complained,
    ):
        given.write(stdin)
        given.seek(0)
        target = said if out is None else out.open("wb")
        began = time.monotonic()
        process = subprocess.Popen(
            [*map(str, command)],
            cwd=folder,
            env=environment(**variables),
            stdin=given,
            stdout=target,
            stderr=complained,
            start_new_session=True,
        )
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (most_mib << 20, most_mib << 20))
        peak = Peak()
        status = _wait(process.pid, began + seconds, began + stop, peak)
        process.returncode = 0  # it is waited for
        if out is not None:
            target.close()
        texts = []
        for file in (said, complained):
            file.seek(0)
            texts.append(file.read(MOST_KEPT).decode(errors="replace"))
        code = None if status is None else os.waitstatus_to_exitcode(status)
        return Ending(code, time.monotonic() - began, peak.mib, *texts)


class Peak:
    """The largest resident memory of a process and of its children, as the kernel counts it.

    What ``wait4`` says includes that of the process that started it.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.mib = 0.0

    def look(self, pid: int) -> None:
        """Take what ``pid`` and its children have had so far."""
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:  # it has ended
            return
        if found := re.search(r"VmHWM:\s+(\d+)", status):
            self.mib = max(self.mib, int(found[1]) / _KIB)
        for child in children.split():
            self.look(int(child))


def _wait(pid: int, deadline: float, stop: float, peak: Peak) -> int | None:
    while time.monotonic() < deadline:
        peak.look(pid)
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        if time.monotonic() > stop:
            os.kill(pid, signal.SIGTERM)
            stop = math.inf
        time.sleep(_TICK)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None
