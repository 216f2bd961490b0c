"""SIGKILL at random moments: nothing torn, everything earlier as it was, and the next run works."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from edge.errors import EdgeError
from edge.vision.classifier import load_classifier
from tests.attack.case import TRAIN_PYTHON, Result
from tests.attack.child import ROOT, environment
from tests.attack.media import torn, torn_files, write_inputs
from tests.attack.starter import ERR, OUT, Starter

_WORKERS = 2
_WHOLE_WITHIN = 60.0
"""Seconds that a command may take that nobody kills."""
_LABELS = ("angry", "happy", "sad")
_HIDDEN = ".part"


@dataclass(frozen=True, slots=True)
class Scene:
    """What is killed ``kills`` times in one folder, ``sample`` times in ``make test``.

    ``words`` follow ``python -m``; kills come within ``seconds`` of the start.
    """

    name: str
    words: Sequence[object]
    seconds: float
    kills: int
    sample: int


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Yield a sum for each kind of output and command."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="attack-") as made:
        inputs = Path(made)
        write_inputs(inputs, 30, 100)
        _write_data(inputs)
        with Starter(TRAIN_PYTHON) as starter, ThreadPoolExecutor(_WORKERS) as pool:
            tried = [
                *((_kill_runs, scene, starter) for scene in _runs(inputs)),
                *((_kill_commands, scene, None) for scene in _commands(inputs)),
            ]
            yield from pool.map(
                lambda each: each[0](each[1], each[2], sample, random.Random(each[3])),
                [(*each, chance.random()) for each in tried if each[1].sample or not sample],
            )


def _runs(inputs: Path) -> Iterator[Scene]:
    demo = ("run", "demo", "--display", "off", "--frames", 1_000_000)
    rotating = ("--recording.rotate-mb", 0.02)
    lines = ("-o", "a.jsonl", "-o", "a.csv", "--events", "events.jsonl")
    yield Scene("lines", (*demo, *lines), 0.9, 90, 3)
    yield Scene("rotated lines", (*demo, *lines, *rotating), 0.9, 90, 2)
    yield Scene("seconds", (*demo, "--per", "second", "-o", "a.csv"), 1.2, 30, 1)
    yield Scene("videos", (*demo, "-o", "a.mp4", "-o", "a.mkv"), 1.6, 60, 2)
    yield Scene("rotated videos", (*demo, "-o", "a.mp4", "--recording.rotate-mb", 0.1), 1.6, 30, 1)
    yield Scene("parquet", (*demo, "-o", "a.parquet"), 1.0, 30, 1)
    photograph = ("run", inputs / "pictures" / "0.jpg", "--display", "off")
    yield Scene("photograph", (*photograph, "-o", "a.jpg", "-o", "a.png"), 0.4, 60, 2)
    pictures = ("run", inputs / "pictures", inputs / "video.mp4", "--display", "off")
    yield Scene("folder", (*pictures, "-o", "shown/"), 1.0, 60, 2)


def _commands(inputs: Path) -> Iterator[Scene]:
    scan = ("edge", "scan", inputs / "pictures", inputs / "video.mp4", "-o", "r", "--workers", 1)
    yield Scene("scan", scan, 4.0, 20, 1)
    data = ("train", "data", "--archive", inputs / "second", "--images", "images")
    yield Scene("data", data, 2.0, 24, 1)
    convert = ("convert", "model.h5", "--labels", ",".join(_LABELS), "--input-range", "0..1")
    yield Scene("convert", convert, 12.0, 6, 0)


def _kill_runs(
    scene: Scene, starter: Starter | None, sample: bool, chance: random.Random
) -> Result:
    """Kill runs in one folder, and let the last one end."""
    assert starter
    kills = scene.sample if sample else scene.kills
    began, problems, failed = time.monotonic(), [], 0
    folder = Path(tempfile.mkdtemp(prefix="attack-"))
    known: set[str] = set()
    """Digests of what is known to be whole."""
    try:
        for number in range(kills + 1):
            words = scene.words
            if number in (0, kills):  # one that ends by itself
                words = [5 if word == 1_000_000 else word for word in words]
            before = _digests(folder)
            run = starter.start(words, folder, f".run{number}")
            if number not in (0, kills):
                run.ended.wait(chance.uniform(0.02, scene.seconds))
                run.send(signal.SIGKILL)
            if not run.ended.wait(_WHOLE_WITHIN):
                run.send(signal.SIGKILL)
                run.ended.wait()
            wrong = list(_lost(folder, before, known))
            right = {0} if number in (0, kills) else {0, -signal.SIGKILL}
            if run.code not in right:
                wrong.append(f"exit code {run.code}: {run.text(ERR)[-200:]!a}")
            if "Traceback" in run.text(ERR) + run.text(OUT):
                wrong.append("a traceback")
            failed += bool(wrong)
            problems += [f"kill {number}: {each}" for each in wrong]
        if left := [path.name for path in folder.rglob(f"*{_HIDDEN}")]:
            problems.append(f"left {', '.join(left)}")
        seconds = time.monotonic() - began
        failed += bool(left)
        return Result("kills", scene.name, tuple(problems[:5]), kills, failed, seconds=seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _digests(folder: Path) -> dict[str, Path]:
    """Return the files in ``folder`` that are outputs, by the SHA-256 of their content."""
    return {
        hashlib.sha256(path.read_bytes()).hexdigest(): path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.stat().st_size
    }


def _lost(folder: Path, before: dict[str, Path], known: set[str]) -> Iterator[str]:
    """Yield what is no more there, and what is there and torn."""
    after = _digests(folder)
    for digest, path in before.items():
        if digest not in after:
            yield f"{path.name} is not what it was, under any name"
    for digest in after.keys() - known:
        if problem := torn(after[digest]):
            yield problem
    known |= after.keys()


def _kill_commands(scene: Scene, _: Starter | None, sample: bool, chance: random.Random) -> Result:
    """Kill a slow command in one folder; each time the rest must be whole, at last it works."""
    kills = scene.sample if sample else scene.kills
    began, problems, failed = time.monotonic(), [], 0
    folder = Path(tempfile.mkdtemp(prefix="attack-"))
    check = _CHECKS[scene.name]
    try:
        if scene.name == "data":
            first = [str(word).replace("second", "first") for word in scene.words]
            problems += _command(first, folder, None)
        words = list(map(str, scene.words))
        if scene.name == "convert":
            shutil.copy(ROOT / "tests/convert/keras2.h5", folder / "model.h5")
        for number in range(kills + 1):
            after = None if number == kills else chance.uniform(0.2, scene.seconds)
            wrong = _command(words, folder, after) + list(check(folder, after is None))
            failed += bool(wrong)
            problems += [f"kill {number}: {each}" for each in wrong]
        seconds = time.monotonic() - began
        return Result("kills", scene.name, tuple(problems[:5]), kills, failed, seconds=seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _command(words: Sequence[object], folder: Path, after: float | None) -> list[str]:
    """Run a command, killed ``after`` so many seconds; return what is wrong."""
    with (folder / ".said").open("w+") as said:
        process = subprocess.Popen(
            [TRAIN_PYTHON, "-m", *map(str, words)],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            code = process.wait(_WHOLE_WITHIN if after is None else after)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        wrong = [f"process {pid} outlived it" for pid in _left(process.pid)]
        said.seek(0)
        text = said.read()
    if code != 0 and (after is None or code != -signal.SIGKILL):
        wrong.append(f"exit code {code}: {text[-300:]!a}")
    return wrong


def _left(session: int, within: float = 12.0) -> Sequence[int]:
    """Wait for the other processes of a session; kill and return those that stay."""
    until = time.monotonic() + within
    while (left := _session(session)) and time.monotonic() < until:
        time.sleep(0.05)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return left


def _session(session: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state, _, __, own = (path / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(own) == session and state != "Z":
            found.append(int(path.name))
    return found


def _check_scan(folder: Path, whole: bool) -> Iterator[str]:
    results = folder / "r"
    yield from torn_files(results)
    if whole:
        if len(list(results.glob("seconds/*.parquet"))) != 31:
            yield "the scan has not gone on to its end"
        if hidden := list(results.glob("*/.*.part")):
            yield f"left {hidden[0].name}"


def _check_data(folder: Path, whole: bool) -> Iterator[str]:
    """Images are all of one installation: their pictures say of which."""
    pictures = list((folder / "images").glob("[!.]*/*/*.png"))
    made = {path.stem.partition("-")[0] for path in pictures}
    if len(made) > 1:
        yield "images of two installations, one beside the other"
    if whole and (made != {"second"} or len(pictures) != 3 * 24):
        yield f"{len(pictures)} images of {', '.join(made)} once it was called again"


def _check_convert(folder: Path, whole: bool) -> Iterator[str]:
    found = list(folder.glob("[!.]*.tflite"))
    for path in found:
        try:
            load_classifier(path)
        except EdgeError as error:
            yield str(error)
    if whole and len(found) != 3:
        yield f"{len(found)} files once it was called again, expected 3"


_CHECKS: dict[str, Callable[[Path, bool], Iterator[str]]] = {
    "scan": _check_scan,
    "data": _check_data,
    "convert": _check_convert,
}


def _write_data(inputs: Path) -> None:
    """Write two small data sets, whose pictures are called by the name of theirs."""
    chance = random.Random(0)
    for name in ("first", "second"):
        for label in _LABELS:
            folder = inputs / name / label
            folder.mkdir(parents=True)
            for number in range(24):
                picture = Image.frombytes("L", (48, 48), chance.randbytes(48 * 48))
                picture.save(folder / f"{name}-{label}{number}.png")
