"""Seeded fuzzers of models and settings: thousands of files that are nearly right."""

from __future__ import annotations

import json
import random
import re
import resource
import select
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.attack import keras_files
from tests.attack.case import EDGE_PYTHON, TRAIN_PYTHON, WORKERS, Result
from tests.attack.child import ROOT, Peak, environment
from tests.attack.graphs import graph, signed, whole

PART = "fuzz-models"
_STRUCTURE = 24_000
"""Bytes at the end of the graph that say what it is made of; before them are weights."""
_SECONDS = 10
_MOST_MIB = 4096
_TENSORFLOW_MIB = 1500
_STARTS = 60
"""Seconds until a worker has imported TensorFlow."""
_MARKS = (b"TREE", b"SNOD", b"HEAP", b"OHDR", b"GCOL", b"\x89HDF")
"""What the structures of HDF5 begin with."""


@dataclass(frozen=True)
class Fuzzer:
    """``make`` gives the content of a file; what ``right`` says of it and of the answer counts."""

    name: str
    worker: str
    suffix: str
    make: Callable[[random.Random], bytes]
    count: int
    sample: int
    right: Callable[[bytes, str], bool] = lambda content, answer: True
    most_mib: int = 400


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Run them all, two at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(lambda fuzzer: _fuzz(fuzzer, sample, seed), FUZZERS)
        if not sample:
            yield _keras_files()


def changed(content: bytes, chance: random.Random, places: Sequence[int] = ()) -> bytes:
    """Return ``content`` with bytes flipped, set, cut, inserted, moved or zeroed.

    Half of the changes are near one of ``places``.
    """
    result = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        at = chance.randrange(max(len(result), 1))
        if places and chance.random() < 0.8:
            at = min(chance.choice(places) + chance.randrange(200), len(result) - 1)
        length = min(chance.choice((1, 2, 4, 8, 64, 4096)), len(result) - at)
        match chance.randrange(8):
            case 0 | 1 | 2:
                result[at : at + 1] = (
                    bytes([result[at] ^ 1 << chance.randrange(8)]) if result else b""
                )
            case 3 | 4:
                number = chance.choice((0, 1, 127, 128, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1))
                result[at : at + 4] = number.to_bytes(4, "little")
            case 5:
                result[at : at + length] = chance.randbytes(length)
            case 6:
                result[at:at] = chance.randbytes(length)
            case _:
                del result[at : at + (length if chance.random() < 0.8 else len(result))]
    return bytes(result)


def _raw(chance: random.Random) -> bytes:
    return changed(whole(), chance, [0, len(graph()) - 200, len(graph())])


def _signed(chance: random.Random) -> bytes:
    content = graph()
    places = range(len(content) - _STRUCTURE, len(content) - 200, 100)
    return signed(changed(content, chance, places))


def _is_refused(content: bytes, answer: str) -> bool:
    """Whether it is, or has the graph that it should have."""
    return answer.startswith("refused") or content.startswith(graph())


def _keras(chance: random.Random) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        content = (Path(name) / keras_files.plain(Path(name))).read_bytes()
    return changed(content, chance, _places(content))


def _places(content: bytes) -> list[int]:
    return [found.start() for mark in _MARKS for found in re.finditer(re.escape(mark), content)]


def _artifact(chance: random.Random) -> bytes:
    content = (ROOT / "models/Finalmodel.h5").read_bytes()
    return changed(content, chance, _places(content))


def _settings(chance: random.Random) -> bytes:
    text = (ROOT / "edge/service/expressions.toml").read_text()
    lines = [
        re.sub(r"^# ?(?=\w+ =)", "", line) if chance.random() < 0.3 else line
        for line in text.splitlines()
    ]
    if chance.random() < 0.7:
        options = [number for number, line in enumerate(lines) if re.match(r"\w+ =", line)]
        for number in chance.sample(options, min(len(options), 2)):
            lines[number] = lines[number].partition(" =")[0] + " = " + chance.choice(_VALUES)
        lines = [line for line in lines if not line.endswith(" =")]
        return "\n".join(lines).encode()
    return changed("\n".join(lines).encode(), chance)


_NO_NUMBER = (
    rb"^(?!source|output|events|model|detector|on_change|device|address|password|ca_|discovery|hosts)"
    rb"\w+ = (nan|[-+]?inf|1e400)$"
)
"""Of an option that is no text: there "nan" is a name."""


def _are_refused(content: bytes, answer: str) -> bool:
    """Whether settings are where one of them is no number."""
    none = re.search(_NO_NUMBER, content, re.MULTILINE)
    return not none or answer.startswith("refused")


_VALUES = (
    *("nan", "inf", "-inf", "1e400", "-1", "0x" + "f" * 5000, "9" * 400, "9" * 19, "1.5", "true"),
    *("[]", "{}", "[1]", '[""]', '""', '"\\u0000"', '"\\u001b[2J\\n"', "2026-11-29", "[[]]", "'x'"),
    *('"' + "x" * 10_000 + '"', '"-"', '"~x/y"', '"٣"', '"1e400"', '"nan"', "[true]", "00", "+1"),
)

FUZZERS = (
    Fuzzer("tflite: bytes", "tflite", ".tflite", _raw, 800, 25, _is_refused),
    Fuzzer("keras: bytes", "keras", ".h5", _keras, 120, 3, most_mib=_TENSORFLOW_MIB),
    # Signed again, a graph may ask for a larger tensor, as any model may.
    Fuzzer("tflite: bytes, signed again", "tflite", ".tflite", _signed, 400, 15, most_mib=1024),
    Fuzzer("settings", "settings", ".toml", _settings, 400, 15, _are_refused),
    Fuzzer("h5 of ours: bytes", "artifact", ".h5", _artifact, 80, 2, most_mib=_TENSORFLOW_MIB),
)


class Worker:
    """A process that opens files; another one takes the place of one that has died."""

    def __init__(self, kind: str) -> None:
        """Start none before it is asked."""
        self.kind = kind
        self.peak = Peak()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._end()

    def ask(self, path: Path) -> str:
        """Return what it says of the file, "died -11" or "hung"."""
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(json.dumps(str(path)).encode() + b"\n")
        process.stdin.flush()
        answer = self._answer(process, _SECONDS)
        if self._process is not None:
            self.peak.look(process.pid)
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        python = EDGE_PYTHON if self.kind in ("tflite", "settings") else TRAIN_PYTHON
        self._process = process = subprocess.Popen(
            [python, "-m", "tests.attack.worker", self.kind],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        limit = _MOST_MIB << 20
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (limit, limit))
        if (answer := self._answer(process, _STARTS)) != "ready":
            raise RuntimeError(f"expected a worker for {self.kind}, found {answer}")
        return process

    def _answer(self, process: subprocess.Popen[bytes], seconds: float) -> str:
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], seconds)[0]:
            self._end()
            return "hung"
        if line := process.stdout.readline():
            return line.decode().rstrip("\n")
        code = process.wait()
        self._end()
        return f"died {code}"

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            with self._process:
                pass
            self._process = None


def _fuzz(fuzzer: Fuzzer, sample: bool, seed: int) -> Result:
    count = fuzzer.sample if sample else fuzzer.count
    began, problems, answers = time.monotonic(), [], Counter[str]()
    with tempfile.TemporaryDirectory() as name, Worker(fuzzer.worker) as worker:
        path = Path(name, f"a{fuzzer.suffix}")
        for number in range(count):
            content = fuzzer.make(random.Random(f"{fuzzer.name} {seed} {number}"))
            path.write_bytes(content)
            answer = worker.ask(path)
            kind = answer.split()[0]
            answers[answer if kind == "died" else kind] += 1
            if kind not in ("fine", "refused") or not fuzzer.right(content, answer):
                problems.append(f"seed {seed}, {number}: {answer}")
        if worker.peak.mib > fuzzer.most_mib:
            problems.append(
                f"{worker.peak.mib:.0f} MiB resident, at most {fuzzer.most_mib} are right"
            )
    return Result(
        PART,
        f"{fuzzer.name}: {', '.join(f'{n} {what}' for what, n in answers.most_common())}",
        tuple(problems[:5]),
        count,
        len(problems),
        seconds=time.monotonic() - began,
        peak_mib=worker.peak.mib,
    )


def _keras_files() -> Result:
    """All hostile Keras files, without a start of TensorFlow for each."""
    began, problems = time.monotonic(), []
    with Worker("keras") as worker:
        for what, make in keras_files.FOREIGN.items():
            with tempfile.TemporaryDirectory() as name:
                answer = worker.ask(Path(name, make(Path(name))))
            if not answer.startswith("refused"):
                problems.append(f"{what}: {answer}")
    count = len(keras_files.FOREIGN)
    return Result(
        PART,
        "hostile Keras files",
        tuple(problems[:5]),
        count,
        len(problems),
        seconds=time.monotonic() - began,
    )
