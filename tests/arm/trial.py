"""The three runs that are made on both sides, and what they are compared by."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import cv2

from edge.sources.demo import DemoSource, load_portraits
from tests.arm.compare import Record, read
from tests.arm.errors import TrialError
from tests.arm.root import Runner

_DEMO = ("--source", "demo", "--display", "off")
_FRAMES = 30
_FACES = (1, 2, 5)
_INSTANTS = (0, 85, 170, 255)
"""Frames of the demo, so far apart that light, place, size and tilt are others."""
_STILLS = "stills"


def doctor(runner: Runner) -> str:
    """Return the verdict of ``doctor``; raises ``TrialError`` where a run can't work."""
    return runner.run("-m", "edge", "doctor", *_DEMO).splitlines()[-1]


def versions(runner: Runner) -> Mapping[str, str]:
    """Return the versions of Python and of the installed packages."""
    code = (
        "import json, platform; from importlib.metadata import distributions; "
        "names = {d.name.replace('_', '-'): d.version for d in distributions()}; "
        "print(json.dumps({'python': platform.python_version(), **names}))"
    )
    return dict(json.loads(runner.run("-c", code)))


def records(runner: Runner) -> Mapping[str, list[Record]]:
    """Make the three runs, and return what they have found; raises ``TrialError``.

    ``demo`` is the demo with the default settings; ``stills`` the same pictures for both sides,
    each on its own, so that nothing is smoothed; ``patterns`` the network alone.
    """
    _prepare(runner.exchange)
    stills = str(runner.exchange_name / _STILLS)
    return {
        "demo": _recorded(runner, "demo", *_DEMO, "--frames", str(_FRAMES)),
        _STILLS: _recorded(runner, _STILLS, "--source", stills, "--display", "off"),
        "patterns": read(runner.run("-c", Path(__file__).with_name("patterns.py").read_text())),
    }


def _recorded(runner: Runner, name: str, *arguments: str) -> list[Record]:
    file = f"{name}.jsonl"
    runner.run("-m", "edge", "run", *arguments, "--output", str(runner.exchange_name / file))
    path = runner.exchange / file
    if not path.is_file():
        raise TrialError(f"{path}: expected the run's records, found none")
    return read(path.read_text(encoding="utf-8"))


def _prepare(exchange: Path) -> None:
    """Empty ``exchange`` but for the stills, in a format that loses nothing."""
    shutil.rmtree(exchange, ignore_errors=True)
    (exchange / _STILLS).mkdir(parents=True)
    portraits = load_portraits()
    for faces in _FACES:
        source = DemoSource(portraits, faces=faces)
        for instant in _INSTANTS:
            path = exchange / _STILLS / f"{faces}-{instant:03}.png"
            cv2.imwrite(str(path), source.render(instant))
