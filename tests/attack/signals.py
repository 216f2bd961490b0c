"""Ending a run: SIGINT and SIGTERM, and a second one, at random moments."""

from __future__ import annotations

import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.attack.case import EDGE_PYTHON, PATIENCE, Result
from tests.attack.child import environment
from tests.attack.media import frames, records, torn_files, write_inputs
from tests.attack.starter import ERR, OUT, Starter, listens
from tests.edge.sources.network_camera import Camera

_RUNS, _STARTS = 480, 120
"""Signals to runs that were forked, and to those from the very beginning."""
_WORKERS = 2
_AT_ONCE = 1.0 * PATIENCE
"""Seconds in which a run is to end."""
_AGAIN = 0.5
"""Seconds after which a second signal may end the run at once, with exit code 130."""
_GIVEN_UP = 15.0
_OURS = re.compile(r'edge/__main__\.py", line \d+, in main')
"""In a traceback of what has begun to run."""
_OUTPUTS = (
    (),
    ("-o", "a.jsonl"),
    ("-o", "a.mp4"),
    ("-o", "a.jsonl", "-o", "a.mp4", "--events", "events.jsonl"),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """When which signals are sent: seconds from the start, and from the first to a second one."""

    number: signal.Signals
    after: float
    second: signal.Signals | None
    later: float


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Yield a sum for each source."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="attack-") as made, Camera() as camera:
        inputs = Path(made)
        write_inputs(inputs)
        sources = {
            "demo": ("demo", "--frames", 1_000_000),
            "file": (inputs / "video.mp4",),
            "folder": (inputs / "pictures",),
            "camera": ("stand-in",),
            "slow camera": ("stand-in-slow",),
            "stream": (camera.url,),
            "slow stream": (f"{camera.url}?slow",),
            "stalled stream": (f"{camera.url}?stalls",),
            "two streams": (f"{camera.url}?slow", f"{camera.url}?stalls"),
            "stream and page": (f"{camera.url}?stalls", "--web", 0),
        }
        names = list(sources)
        count = 2 * len(names) if sample else _RUNS
        with Starter() as starter, ThreadPoolExecutor(_WORKERS) as pool:
            chosen = [names[n % len(names)] for n in range(count)]
            words = [_words(chance, sources[name]) for name in chosen]
            moments = [_moment(chance, 1.0) for _ in chosen]
            found = pool.map(lambda *each: _end_run(starter, *each), words, moments)
            yield from _sums(chosen, found)
        with ThreadPoolExecutor(_WORKERS) as pool:
            count = 6 if sample else _STARTS
            words = [_words(chance, ("demo",)) for _ in range(count)]
            moments = [_moment(chance, 1.2) for _ in range(count)]
            yield from _sums(["start"] * count, pool.map(_end_start, words, moments))


def _words(chance: random.Random, source: Sequence[object]) -> Sequence[object]:
    """Add outputs to ``source``; what comes side by side fits into no single video."""
    several = [word for word in source if str(word).startswith("http")][1:]
    return (*source, *chance.choice(_OUTPUTS[:2] if several else _OUTPUTS))


def _moment(chance: random.Random, most: float) -> Moment:
    first, second = chance.choices((signal.SIGINT, signal.SIGTERM), k=2)
    twice = chance.random() < 1 / 3
    return Moment(first, chance.uniform(0, most), second if twice else None, chance.uniform(0, 0.7))


def _sums(names: Sequence[str], found: Iterator[tuple[list[str], float]]) -> Iterator[Result]:
    """Yield a result for each name, of all that was found of it."""
    problems = defaultdict(list)
    slowest: defaultdict[str, float] = defaultdict(float)
    for name, (wrong, seconds) in zip(names, found, strict=True):
        problems[name].append(wrong)
        slowest[name] = max(slowest[name], seconds)
    for name, each in problems.items():
        failed = ["; ".join(wrong) for wrong in each if wrong]
        yield Result(
            "signals", name, tuple(failed[:5]), len(each), len(failed), seconds=slowest[name]
        )


def _end_run(starter: Starter, words: Sequence[object], moment: Moment) -> tuple[list[str], float]:
    """Start a run, signal it, and say what is wrong and how long it took to end."""
    folder = Path(tempfile.mkdtemp(prefix="attack-"))
    try:
        run = starter.start(["run", *words, "--display", "off"], folder)
        run.ended.wait(moment.after)
        heard = listens(run.pid)
        asked = time.monotonic()
        run.send(moment.number)
        if moment.second and not run.ended.wait(moment.later):
            run.send(moment.second)
        if not run.ended.wait(_GIVEN_UP):
            run.send(signal.SIGKILL)
            run.ended.wait()
        took = max(run.ended_at - asked, 0.0)
        wrong = list(_wrong(moment, heard, run.code, took, run.text(ERR) + run.text(OUT)))
        return _said(wrong + list(_broken(folder)), words, moment), took
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _end_start(words: Sequence[object], moment: Moment) -> tuple[list[str], float]:
    """Do the same from the beginning of the process, at ``moment`` of its start.

    Python's own start, before ``main`` has run, is Python's: SIGINT then is tried later.
    """
    folder = Path(tempfile.mkdtemp(prefix="attack-"))
    try:
        with (folder / ".said").open("w+") as said:
            process = subprocess.Popen(
                [EDGE_PYTHON, "-m", "edge", "run", *map(str, words), "--display", "off"],
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
            time.sleep(moment.after)
            heard = listens(process.pid)
            asked = time.monotonic()
            process.send_signal(moment.number)
            try:
                code = process.wait(_GIVEN_UP)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            took = time.monotonic() - asked
        text = (folder / ".said").read_text(errors="replace")
        early = "Traceback" in text and not _OURS.search(text) and not heard
        if early and moment.number is signal.SIGINT:
            later = Moment(moment.number, moment.after + 0.1, None, 0.0)
            return _end_start(words, later)
        wrong = list(_wrong(moment, heard, code, took, text)) + list(_broken(folder))
        return _said(wrong, words, moment), took
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _said(wrong: list[str], words: Sequence[object], moment: Moment) -> list[str]:
    """Say of what is wrong where it was."""
    if not wrong:
        return []
    second = f", {moment.second.name} {moment.later:.2f} s later" if moment.second else ""
    where = f"{moment.number.name} at {moment.after:.2f} s{second} to {' '.join(map(str, words))}"
    return [where, *wrong]


def _wrong(moment: Moment, heard: bool, code: int | None, took: float, said: str) -> Iterator[str]:
    """Yield what is wrong with an ending; ``heard`` says that the run had handlers."""
    right = {0} if heard else {0, -moment.number, -(moment.second or moment.number)}
    if moment.second and moment.later >= _AGAIN:
        right.add(130)
    if code not in right:
        yield f"exit code {code}"
    if took > _AT_ONCE:
        yield f"took {took:.1f} s"
    if "Traceback" in said or "Exception" in said or "terminate called" in said:
        yield f"said {said[-300:]!a}"


def _broken(folder: Path) -> Iterator[str]:
    """Yield what is not whole of the outputs in ``folder``."""
    yield from torn_files(folder)
    video, lines = folder / "a.mp4", folder / "a.jsonl"
    hidden = [path.name for path in folder.iterdir() if path.name.endswith(".part")]
    if hidden:
        yield f"left {', '.join(hidden)}"
    if video.exists() and lines.exists() and abs(frames(video) - records(lines)) > 0:
        yield f"{frames(video)} frames and {records(lines)} lines"
