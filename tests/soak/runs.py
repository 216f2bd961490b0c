"""The two runs that a soak watches, as a user starts them."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edge.sinks.video import VideoSink
from edge.sources.demo import DemoSource, load_portraits
from edge.types import FrameResult
from tests.attack.child import environment

PYTHON = Path(os.environ.get("EDGE_PYTHON", sys.executable)).absolute()
CLIP_FRAMES = 3000
_FASTEST = 400
"""Frames a second on one core for which there are inputs enough; each costs 2 ms at the start."""
_ENDS_WITHIN = 15.0
_UNHANDLED = re.compile(
    r"^(Traceback|Exception ignored|Exception in thread|Fatal Python|terminate called).*", re.M
)
_RECORDING = ("--recording.rotate-mb", "1", "--recording.keep", "3")


class Run:
    """``expressions run`` with ``arguments``, in the folder ``place / name``, until it is ended."""

    def __init__(self, place: Path, name: str, arguments: Sequence[str], nice: int = 0) -> None:
        """Start it; ``nice`` is added to its niceness."""
        self.name, self.code = name, 0
        self.folder = place / name
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir(parents=True)
        command = ["nice", "-n", str(nice), str(PYTHON), "-m", "edge", "run", "--display", "off"]
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self._process = subprocess.Popen(
                [*command, *arguments],
                cwd=self.folder,
                env=environment(TMPDIR=str(self.temporary)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def end(self) -> None:
        """End it as Ctrl-C does, and as kill does where it doesn't end then."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self.code = self._process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.code = self._process.wait()

    def unhandled(self) -> list[str]:
        """Return the lines of standard error that no user should see."""
        text = (self.folder / "err").read_text(encoding="utf-8", errors="replace")
        return [found[0] for found in _UNHANDLED.finditer(text)]

    def said(self) -> str:
        """Return the last line of its standard error."""
        text = (self.folder / "err").read_text(encoding="utf-8", errors="replace")
        return (text.splitlines() or [""])[-1]

    def frames(self) -> int:
        """Return how many frames its summary counts, 0 without one."""
        text = (self.folder / "out").read_text(encoding="utf-8", errors="replace")
        counted = re.findall(r"^frames +(\d+)", text, re.MULTILINE)
        return int(counted[-1]) if counted else 0


def file_run(place: Path, hours: float) -> Run:
    """Start the run of one clip over and over, as fast as one core allows."""
    clip = place / "clip.mp4"
    with VideoSink(clip) as sink:
        for frame in DemoSource(load_portraits(), frames=CLIP_FRAMES, faces=2):
            sink.write(frame, FrameResult(frame.source, frame.index, frame.time, ()))
    count = math.ceil(hours * 3600 * _FASTEST / CLIP_FRAMES) + 1
    settings = place / "file.toml"
    inputs = ",\n".join([f'"{clip}"'] * count)
    settings.write_text(f"source = [\n{inputs}\n]\n", encoding="utf-8")
    arguments = ["--config", str(settings), "-o", "file.jsonl", "--parallel", "1", *_RECORDING]
    return Run(place, "file", arguments, nice=10)


def live_run(place: Path, url: str, page: int, disk: Path | None, broker: str) -> Run:
    """Start the run of the stream at ``url``: page, lines, more on ``disk``, and a ``broker``."""
    arguments = ["--source", url, "-o", "live.jsonl", "--web", str(page), *_RECORDING]
    arguments += ["-o", str(disk / "full.jsonl")] if disk else []
    return Run(place, "live", [*arguments, *(["--mqtt", broker] if broker else [])])
