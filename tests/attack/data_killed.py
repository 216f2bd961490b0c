"""'make data' killed at any moment."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.attack.case import WORKERS, Result
from tests.attack.child import environment
from tests.train.archives import dataset, tree, write_files
from train.data import load_splits
from train.errors import DatasetError
from train.install import install

_KILLED = """
import sys
from pathlib import Path
import cv2, scipy.optimize
from tests.train.killed import kill_at
from train.install import install
if sys.argv[1] != "time":
    kill_at(sys.argv[1], int(sys.argv[2]), "images")
print("begun", flush=True)
install(Path("new"), Path("images"))
"""
_MOMENTS = (
    *(("os.rename", count) for count in range(14)),
    *(("shutil.rmtree", count) for count in range(4)),
    *(("open", count) for count in range(0, 60, 12)),
)


def kills(part: str, count: int, seed: int) -> Result:
    """Kill 'make data' at chosen moments and at any: the images are whole or the old ones."""
    chance, began = random.Random(seed), time.monotonic()
    moments = [*_MOMENTS, *(("time", chance.randrange(0, 120)) for _ in range(count))][:count]
    if count < len(_MOMENTS):
        moments = [("os.rename", number) for number in (2, 5, 8, 11)][:count]
    with ThreadPoolExecutor(WORKERS) as pool:
        problems = [problem for problem in pool.map(_kill, moments) if problem]
    seconds = time.monotonic() - began
    return Result(
        part, "'make data' killed", tuple(problems), count, len(problems), seconds=seconds
    )


def _kill(moment: tuple[str, int]) -> str:
    event, number = moment
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder / "new", dataset(seed=2))
        install(write_files(folder / "old", dataset(seed=1)), folder / "images")
        before = _images(folder)
        _install(folder, event, number, wait=event != "time")
        try:
            splits = load_splits(folder / "images")
        except DatasetError as error:
            return f"{moment}: {error}"
        after, new = (
            _images(folder),
            {k.removeprefix("images/"): v for k, v in dataset(seed=2).items()},
        )
        listed = set((folder / "images/files.txt").read_text().split("\n"))
        if after not in (before, new) or listed != set(after) or len(splits) != 2:
            return f"{moment}: {len(after)} images, neither the old nor the new ones"
        return ""


def _install(folder: Path, event: str, number: int, wait: bool) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, event, str(number)],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        if not wait:
            time.sleep(number / 1000)
            process.send_signal(signal.SIGKILL)
        process.wait(60)


def _images(folder: Path) -> Mapping[str, bytes]:
    files = tree(folder / "images")
    return {k: v for k, v in files.items() if k.startswith(("train/", "validation/"))}
