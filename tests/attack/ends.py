"""Standard streams that are full, closed, left, or that nobody reads."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PIL import Image

from tests.attack.case import EDGE_PYTHON, TRAIN_PYTHON, Case, Result, results
from tests.attack.child import Ending

_FULL = Path("/dev/full")
_NO_ROOM = os.strerror(errno.ENOSPC)
_FRAMES = 40
_DEMO = ("edge", "run", "demo", "--display", "off", "--frames", _FRAMES)
_LINES = (*_DEMO, "-o", "a.jsonl")
_SMALL = 4096
"""Bytes that a pipe holds here."""
_PATIENCE = 20.0
_SILENT = (2, 2)
"""The exit code alone: its line has no place to go to."""


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Yield a result for each case."""
    del seed  # there is nothing random here
    return results("ends", CASES, sample)


def _inputs(words: Sequence[object]) -> Callable[[Path], Sequence[str]]:
    def prepare(folder: Path) -> Sequence[str]:
        (folder / "in").mkdir()
        Image.new("RGB", (160, 96), (90, 90, 90)).save(folder / "in/a.jpg")
        return [*map(str, words)]

    return prepare


def _one_line(_: Path, ending: Ending) -> str:
    count = len(_complaints(ending))
    return "" if count == 1 else f"{count} lines of complaint: {ending.err[-300:]!a}"


def _no_line(_: Path, ending: Ending) -> str:
    return f"complained: {ending.err[-300:]!a}" if _complaints(ending) else ""


def _complaints(ending: Ending) -> Sequence[str]:
    """The lines but those of status and summary, which stand there where records have its place."""
    return [line for line in ending.err.splitlines() if line.startswith("expressions: ")]


def _has_all(folder: Path, _: Ending) -> str:
    lines = (folder / "a.jsonl").read_text().splitlines()
    count = sum(1 for line in lines if json.loads(line))
    return "" if count == _FRAMES else f"{count} of {_FRAMES} lines in the output"


def _records_alone(_: Path, ending: Ending) -> str:
    lines = ending.out.splitlines()
    others = [line for line in lines if not line.startswith("{")]
    return f"not {_FRAMES} lines of JSON: {others!a}" if others or len(lines) != _FRAMES else ""


def _both(*checks: Callable[[Path, Ending], str]) -> Callable[[Path, Ending], str]:
    return lambda folder, ending: "; ".join(filter(None, (c(folder, ending) for c in checks)))


def _full(
    name: str,
    *words: object,
    check: Callable[[Path, Ending], str] | None = _one_line,
    sample: bool = False,
) -> Case:
    """Standard output is a full disk: exit code 1 and one line."""
    return Case(
        f"full: {name}", _inputs(words), (1,), _NO_ROOM, out=_FULL, check=check, sample=sample
    )


def _by_helper(
    kind: str,
    name: str,
    *words: object,
    codes: Sequence[int] = (0,),
    says: str = "",
    check: Callable[[Path, Ending], str] | None = None,
    sample: bool = False,
    seconds: float = 10,
) -> Case:
    """Let this module, as a program, start the command with streams of some ``kind``."""
    prepare = _inputs(("tests.attack.ends", kind, *words))
    most = 500  # with the workers of a scan
    return Case(
        f"{kind}: {name}",
        prepare,
        codes,
        says,
        most,
        check=check,
        sample=sample,
        seconds=seconds,
        environment={"EDGE_PYTHON": str(EDGE_PYTHON)},
    )


_SCAN = ("edge", "scan", "in", "-o", "r", "--workers", 1)
_DOCTOR = ("edge", "doctor", "demo", "--display", "off")
CASES = (
    _full("a run", *_DEMO, sample=True),
    _full("records", *_DEMO, "-o", "-"),
    _full("records a second", *_DEMO, "--per", "second", "-o", "-"),
    _full("records as a device", *_DEMO, "-o", "/dev/full", check=None),
    _full("events", *_DEMO, "--events", "-"),
    _full("a run with an output", *_LINES, check=_both(_one_line, _has_all), sample=True),
    _full("a photograph", "edge", "run", "in/a.jpg", "--display", "off"),
    _full("info", "edge", "info"),
    _full("doctor", *_DOCTOR),
    _full("help", "edge", "--help"),
    _full("help of run", "edge", "run", "--help"),
    _full("version", "edge", "--version"),
    _full("scan", *_SCAN),
    *(
        _by_helper(f"closed {which}", "a run", *_LINES, check=_has_all, sample=which == "012")
        for which in ("0", "1", "2", "01", "12", "012")
    ),
    _by_helper("closed 1", "records", *_DEMO, "-o", "-", codes=(1,), says="closed"),
    _by_helper("closed 2", "records", *_DEMO, "-o", "-", check=_records_alone, sample=True),
    _by_helper("closed 1", "info", "edge", "info"),
    _by_helper("closed 1", "doctor", *_DOCTOR),
    _by_helper("closed 12", "scan", *_SCAN, seconds=20),
    _by_helper(
        "closed 2", "a wrong option", "edge", "run", "--nonsense", codes=_SILENT, check=_no_line
    ),
    _by_helper("full 2", "a wrong option", "edge", "run", "--nonsense", codes=_SILENT),
    _by_helper("full 2", "a run", *_LINES, check=_has_all),
    _by_helper("left", "a run", *_DEMO, codes=(1,), check=_no_line),
    _by_helper(
        "left", "a run with an output", *_LINES, codes=(0, 1), check=_both(_no_line, _has_all)
    ),
    _by_helper("left", "records", *_DEMO, "-o", "-", codes=(0,), check=_no_line),
    _by_helper("left", "info", "edge", "info", codes=(1,), check=_no_line),
    _by_helper("left", "doctor", *_DOCTOR, codes=(1,), check=_no_line),
    _by_helper("left", "help", "edge", "run", "--help", codes=(1,), check=_no_line),
    _by_helper("left", "scan", *_SCAN, codes=(1,), check=_no_line, seconds=20),
    _by_helper("leaves", "records", *_DEMO, "-o", "-", check=_no_line, sample=True),
    _by_helper("unread", "a run", "edge", "run", "demo", "-o", "-", codes=(130,), seconds=15),
    _by_helper("slow", "records", *_DEMO, "-o", "-", check=_no_line, sample=True, seconds=15),
    _by_helper("slow", "events and records", *_DEMO, "-o", "-", "--events", "a.jsonl", seconds=15),
    _by_helper("stuck", "a run with an output", *_LINES, codes=(0, 1), check=_has_all),
)


def _main(kind: str, words: Sequence[str]) -> int:
    """Run ``python -m`` with ``words``, its streams of some ``kind``; return the exit code."""
    python = TRAIN_PYTHON if "scan" in words else EDGE_PYTHON
    command = [str(python), "-m", *words]
    kind, _, numbers = kind.partition(" ")
    if kind in ("closed", "full"):
        for number in map(int, numbers):
            if kind == "closed":
                os.close(number)
            else:
                os.dup2(os.open(_FULL, os.O_WRONLY), number)
        os.execv(command[0], command)
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _SMALL)
    os.set_blocking(write, kind not in ("slow", "stuck"))
    if kind == "left":
        os.close(read)
    if kind == "stuck":
        os.write(write, bytes(_SMALL))
    process = subprocess.Popen(command, stdout=write)
    os.close(write)
    if kind == "leaves":
        os.read(read, 1)
        os.close(read)
    elif kind == "unread":
        _end_twice(process, read)
    elif kind == "slow":
        _read_slowly(read)
    return process.wait(_PATIENCE)


def _end_twice(process: subprocess.Popen[bytes], read: int) -> None:
    """Send SIGINT, which nothing comes of while a pipe is full, and again."""
    before, waiting = -1, 0
    while not waiting or waiting != before:  # more fits in
        time.sleep(1)
        before, waiting = waiting, _waiting(read)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    process.send_signal(signal.SIGINT)


def _waiting(read: int) -> int:
    """Return how many bytes wait in a pipe."""
    return int.from_bytes(fcntl.ioctl(read, termios.FIONREAD, bytes(4)), sys.byteorder)


def _read_slowly(read: int) -> None:
    """Read a little at a time; raises ``ValueError`` where that is no ``_FRAMES`` lines of JSON."""
    content = b""
    while data := os.read(read, 2048):
        content += data
        time.sleep(0.01)
    count = sum(1 for line in content.splitlines() if json.loads(line))
    if count != _FRAMES:
        raise ValueError(f"{count} of {_FRAMES} lines")


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1], sys.argv[2:]))
