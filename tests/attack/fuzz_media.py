"""Small valid pictures, videos and answers over HTTP, changed at random, through the API.

A seed and a number give the same file each time: ``changed(files, seed, number)``.
"""

from __future__ import annotations

import json
import queue
import random
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

from tests.attack.behaviours import MULTIPART, answer, part
from tests.attack.case import EDGE_PYTHON, WORKERS, Result
from tests.attack.child import ROOT, environment
from tests.attack.picture_files import KINDS as PICTURES
from tests.attack.picture_files import picture
from tests.attack.servers import Connection, Server
from tests.attack.video_files import KINDS as VIDEOS
from tests.attack.video_files import video
from tests.edge.sources.media import grey_jpeg

_COUNTS = {"pictures": 4000, "videos": 3000, "streams": 600}
_SAMPLE = 20
"""Of each, in ``make test``."""
_LONGEST = 10.0
_LONGEST_STREAM = 13.0
"""A stream that opens and gives no frame within 10 s is given up then, in seconds."""
_MOST_MIB = 1024
_MOST_SAID = 5
_EXTREMES = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x01")

Change = Callable[[random.Random, bytearray], object]


def _place(chance: random.Random, content: bytearray, size: int = 1) -> int:
    """A place in ``content``; half of them near its beginning, where the headers are."""
    end = max(len(content) - size, 1)
    return chance.randrange(min(end, 512) if chance.random() < 0.5 else end)


def _flip(chance: random.Random, content: bytearray) -> None:
    for _ in range(chance.choice((1, 1, 2, 8, 40))):
        content[_place(chance, content)] ^= 1 << chance.randrange(8)


def _cut(chance: random.Random, content: bytearray) -> None:
    del content[max(_place(chance, content), 16) :]


def _remove(chance: random.Random, content: bytearray) -> None:
    at = _place(chance, content)
    del content[at : at + chance.choice((1, 2, 4, 100, 2000))]


def _insert(chance: random.Random, content: bytearray) -> None:
    at = _place(chance, content)
    content[at:at] = chance.randbytes(chance.choice((1, 4, 64, 3000)))


def _repeat(chance: random.Random, content: bytearray) -> None:
    at, size = _place(chance, content), chance.choice((4, 50, 1000))
    content[at:at] = content[at : at + size] * chance.choice((1, 2, 50))


def _extreme(chance: random.Random, content: bytearray) -> None:
    for _ in range(chance.choice((1, 1, 3))):
        value = chance.choice(_EXTREMES)[: chance.choice((1, 2, 4, 4))]
        at = _place(chance, content, 4)
        content[at : at + len(value)] = value


def _swap(chance: random.Random, content: bytearray) -> None:
    one, other = (_place(chance, content, 4) & ~3 for _ in range(2))
    first, second = content[one : one + 4], content[other : other + 4]
    if len(first) == len(second) == 4:
        content[one : one + 4], content[other : other + 4] = second, first


_CHANGES: Sequence[Change] = (_flip, _cut, _remove, _insert, _repeat, _extreme, _extreme, _swap)


def changed(files: Sequence[bytes], seed: int, number: int) -> bytes:
    """Return one of ``files``, in turn, with one to three changes."""
    chance = random.Random(f"{seed} {number}")
    content = bytearray(files[number % len(files)])
    for _ in range(chance.choice((1, 1, 2, 3))):
        chance.choice(_CHANGES)(chance, content)
        if not content:
            content = bytearray(1)
    return bytes(content)


class Worker:
    """A process that reads sources, one at a time; it is started again where it dies."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._end()

    def _end(self) -> int:
        if self._process is None:
            return 0
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):
                if pipe:
                    pipe.close()
        code = self._process.wait()
        self._process = None
        return code

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [EDGE_PYTHON, "-m", "tests.attack.media_worker"],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", "the worker starts"
        return process

    def read(self, source: str, longest: float) -> str:
        """Have ``source`` read; return what is wrong, "" for nothing."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(source + "\n")
            process.stdin.flush()
        if not select.select([process.stdout], [], [], longest)[0]:
            self._end()
            return f"hangs: no answer within {longest:g} s"
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            self._end()
            return f"ended the process: {signal.Signals(-code).name if code < 0 else code}"
        problem, again = _judged(json.loads(line))
        if again:
            self._end()
        return problem


def _judged(found: Mapping[str, Any]) -> tuple[str, bool]:
    """Return what is wrong with an answer, and whether the next needs another process."""
    if found["foreign"]:
        return f"raised {found['error']}", False
    if found["peak_mib"] > _MOST_MIB:
        return f"{found['peak_mib']} MiB resident", True
    if found["error"] and "expected" not in found["error"]:
        return f"said {found['error']}", False
    return "", False


def _files(
    kind: str, files: Sequence[bytes], suffixes: Sequence[str], seed: int, count: int
) -> Iterator[str]:
    """Yield what is wrong with each changed file, "" where nothing is."""
    workers: queue.Queue[Worker] = queue.Queue()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="attack-"))
        for _ in range(WORKERS):
            workers.put(stack.enter_context(Worker()))

        def attempt(number: int) -> str:
            path = Path(folder, f"{number}.{suffixes[number % len(files)].rpartition('.')[2]}")
            path.write_bytes(changed(files, seed, number))
            worker = workers.get()
            try:
                problem = worker.read(str(path), _LONGEST)
            finally:
                workers.put(worker)
                path.unlink()
            return f"{kind} {number} ({suffixes[number % len(files)]}): {problem}" * bool(problem)

        yield from stack.enter_context(ThreadPoolExecutor(WORKERS)).map(attempt, range(count))


def _streams(seed: int, count: int) -> Iterator[str]:
    """Yield what is wrong with each changed answer of a server, "" where nothing is."""
    jpeg = grey_jpeg(160, 120)
    answers = [
        MULTIPART + part(jpeg) * 14,
        answer(video("ts"), "video/mp2t"),
        answer(video("fragmented.mp4"), "video/mp4"),
        answer(video("mkv"), "video/x-matroska"),
        answer(jpeg * 14, "image/jpeg"),
        answer(b"<html>no</html>", status="404 Not Found"),
    ]

    def serve(client: Connection) -> None:
        number = int(client.request.split(b"?", 1)[1].split(b" ", 1)[0])
        client.send(changed(answers, seed, number))

    workers: queue.Queue[Worker] = queue.Queue()
    with ExitStack() as stack:
        server = stack.enter_context(Server({"f": serve}))
        for _ in range(2 * WORKERS):  # they wait most of the time
            workers.put(stack.enter_context(Worker()))

        def attempt(number: int) -> str:
            worker = workers.get()
            try:
                url = f"http://127.0.0.1:{server.port}/f?{number}"
                problem = worker.read(url, _LONGEST_STREAM)
            finally:
                workers.put(worker)
            return f"stream {number}: {problem}" * bool(problem)

        pool = stack.enter_context(ThreadPoolExecutor(2 * WORKERS))
        yield from pool.map(attempt, range(count))


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Try all, or a few of each."""
    counts = dict.fromkeys(_COUNTS, _SAMPLE) if sample else _COUNTS
    pictures, videos = list(map(picture, PICTURES)), list(map(video, VIDEOS))
    for name, problems in (
        ("pictures", _files("picture", pictures, PICTURES, seed, counts["pictures"])),
        ("videos", _files("video", videos, VIDEOS, seed, counts["videos"])),
        ("streams", _streams(seed, counts["streams"])),
    ):
        began = time.monotonic()
        found = [problem for problem in problems if problem]
        yield Result(
            "fuzz-media",
            f"{name}, seed {seed}",
            tuple(found[:_MOST_SAID]),
            count=counts[name],
            failed=len(found),
            seconds=time.monotonic() - began,
        )
