"""A library that ends the process, as Qt does when its X server is gone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.fakes import levels
from tests.edge.processes import one_line

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="GNU's C library")

GONE = """
import ctypes, sys
from pathlib import Path
from edge.assembly import Run
from edge.frames import Frame
from edge.notify import Manager
from edge.session import Session
from edge.settings import Settings
from edge.sinks import open_sinks
from edge.sinks.window import WindowSink
from edge.stats import Stats
from tests.edge.fakes import LABELS, FakeGui, FakeSource, frames, result

class Ends(FakeGui):
    ended = False

    def waitKey(self, milliseconds):
        assert not self.ended, "it is asked nothing any more"
        self.ended = len(self.shown) == int(sys.argv[1])
        if self.ended:
            ctypes.CDLL(None).exit(7)
        return -1

    def namedWindow(self, title, flags): pass
    def destroyWindow(self, title): assert not self.ended

class Pipeline:
    def process(self, frame): return result(frame.index, at=frame.captured_at)

def assemble(settings, stop, before):
    window = WindowSink(stop.set, gui=Ends(), problem=lambda: None)
    stats = Stats()
    sinks = open_sinks(settings.output, window, LABELS, lambda: 30.0, lambda: "", print)
    return Run(FakeSource(frames(50)), Pipeline(), (stats, *sinks), stats, "", "")

def leave():
    print("left")
    sys.stdout.flush()
    return 5

outputs = tuple(map(Path, sys.argv[2:]))
session = Session(
    assemble, None, Manager({}), lambda error: print(error, file=sys.stderr, flush=True), None,
    lambda stretch, _: print("frames", stretch.parts.stats.frames), leave,
)
session.prepare(Settings(output=outputs))
session.run()
print("went on")
"""


def run(repository: Path, tmp_path: Path, ends_at: int) -> subprocess.CompletedProcess[str]:
    outputs = [str(tmp_path / name) for name in ("a.jsonl", "a.mp4")]
    return subprocess.run(
        [sys.executable, "-c", GONE, str(ends_at), *outputs],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_a_display_that_goes_away_ends_the_run_with_all_that_was_recorded(
    repository: Path, tmp_path: Path
) -> None:
    done = run(repository, tmp_path, 20)
    assert (done.returncode, done.stdout) == (5, "frames 20\nleft\n")
    assert "window: expected a display, found that it is gone" in one_line(done.stderr)
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == list(range(20))
    assert len(levels(tmp_path / "a.mp4")) == 19, "the last one was still shown"
    assert len(list(tmp_path.iterdir())) == 2


def test_the_end_of_python_is_none_of_a_library(repository: Path, tmp_path: Path) -> None:
    done = run(repository, tmp_path, 100)
    assert (done.returncode, done.stdout, done.stderr) == (0, "frames 50\nwent on\n", "")
    assert len(levels(tmp_path / "a.mp4")) == 50
