"""What is tried, and what the right answer is.

An input is bad where it is not what the product asks for. The right answer is the same for all: the
exit code and one line that says what was expected, what was found and what to do next; no
traceback, no hang, no memory without bound, nothing raw on a terminal, and every file that was
there before is there as it was.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.attack.child import Ending, run

EDGE_PYTHON = Path(os.environ.get("EDGE_PYTHON", sys.executable)).absolute()
"""With the edge's packages alone, where the environment variable names one."""
TRAIN_PYTHON = Path(sys.executable)
WORKERS = 2
PATIENCE = float(os.environ.get("ATTACK_PATIENCE", "1"))
"""How many times longer than is right things may take: 'make test' says 4, since what else the
machine does is no fault of the product's."""
_RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What a terminal would obey, or what makes a line look like another."""
_MOST_HASHED = 64 << 20


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one attack; ``problems`` is empty where the product passed."""

    part: str
    name: str
    problems: tuple[str, ...]
    count: int = 1
    """Attacks of the same kind that this is the sum of."""
    failed: int = 0
    """How many of them failed."""
    code: int | None = None
    seconds: float = 0.0
    peak_mib: float = 0.0

    def line(self) -> str:
        """Return it as a line of JSON."""
        values = asdict(self) | {"passed": not self.problems}
        values |= {"seconds": round(self.seconds, 3), "peak_mib": round(self.peak_mib)}
        return json.dumps(values, ensure_ascii=True)


@dataclass(frozen=True, slots=True)
class Case:
    """One bad input for one command.

    ``prepare`` makes the files in an empty folder and returns what follows ``python -m`` there,
    such as ``["edge", "run", "a.jpg"]``. ``codes`` are the exit codes that are right, ``says`` a
    pattern that the outputs must match. ``check`` gets the folder and the ending and says what else
    is wrong, "" for nothing. ``changes`` are names of files that may be replaced.
    """

    name: str
    prepare: Callable[[Path], Sequence[str | Path]]
    codes: Sequence[int] = (2,)
    says: str = ""
    lines: int = 1
    """Of complaint, where the only right code is 2."""
    most_mib: float = 400
    seconds: float = 10
    check: Callable[[Path, Ending], str] | None = None
    changes: Sequence[str] = ()
    stdin: bytes = b""
    out: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)
    stop: float = math.inf
    """When it gets SIGTERM, in seconds."""
    sample: bool = False
    """Whether ``make test`` tries it too."""


def named(text: str) -> str:
    """Return ``text`` as the name of a case: short and plain."""
    plain = ascii(text)[1:-1]
    return plain if len(plain) < 80 else f"{plain[:50]} … {plain[-25:]}"


def results(
    part: str, cases: Iterable[Case], sample: bool, workers: int = WORKERS
) -> Iterator[Result]:
    """Try ``cases``, ``workers`` at a time, and yield what became of each, in order."""
    chosen = [case for case in cases if case.sample or not sample]
    names = [case.name for case in chosen]
    assert len(set(names)) == len(names), "each case has a name of its own"
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda case: attempt(part, case), chosen)


def attempt(part: str, case: Case) -> Result:
    """Try ``case`` in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="attack-"))
    try:
        module, *arguments = case.prepare(folder)
        before = contents(folder)
        python = EDGE_PYTHON if module == "edge" and arguments[:1] != ["scan"] else TRAIN_PYTHON
        ending = run(
            [python, "-m", module, *arguments],
            folder,
            seconds=3 * PATIENCE * case.seconds,
            stdin=case.stdin,
            out=case.out,
            stop=case.stop,
            **case.environment,
        )
        problems = tuple(judge(case, ending, folder, before))
        return Result(
            part,
            case.name,
            problems,
            failed=int(bool(problems)),
            code=ending.code,
            seconds=ending.seconds,
            peak_mib=ending.peak_mib,
        )
    finally:
        for path in (folder, *folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def judge(
    case: Case, ending: Ending, folder: Path, before: dict[Path, str] | None = None
) -> Iterator[str]:
    """Yield what is wrong with ``ending``."""
    said = ending.out + ending.err
    if ending.code is None:
        yield f"did not end within {3 * PATIENCE * case.seconds:g} s"
    elif ending.seconds > PATIENCE * case.seconds:
        yield f"took {ending.seconds:.1f} s, at most {case.seconds:g} are right"
    if ending.code is not None and ending.code not in case.codes:
        yield f"exit code {ending.code}, {' or '.join(map(str, case.codes))} is right: {_end(said)}"
    if "Traceback" in said:
        yield f"a traceback: {_end(said)}"
    if ending.peak_mib > case.most_mib:
        yield f"{ending.peak_mib:.0f} MiB resident, at most {case.most_mib:g} are right"
    if raw := _RAW.search(said.replace("\r\n", "\n")):
        yield f"printed {raw[0]!r} raw"
    if case.codes == (2,) and ending.code == 2 and len(ending.err.splitlines()) != case.lines:
        count = len(ending.err.splitlines())
        yield f"{count} lines of complaint, {case.lines} is right: {_end(said)}"
    if case.says and not re.search(case.says, said):
        yield f"did not say {case.says!r}: {_end(said)}"
    after = contents(folder)
    for path, digest in (before or {}).items():
        if str(path) not in case.changes and after.get(path) != digest:
            yield f"{path} is not what it was"
    if case.check and (problem := case.check(folder, ending)):
        yield problem


def contents(folder: Path) -> dict[Path, str]:
    """Return the SHA-256 of each regular file below ``folder``, of large ones the beginning's."""
    found = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # it has just vanished
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK):
                with path.open("rb") as file:
                    digest = hashlib.sha256(file.read(_MOST_HASHED)).hexdigest()
                found[path.relative_to(folder)] = f"{digest} {status.st_size}"
    return found


def _end(text: str) -> str:
    return ascii(text.strip()[-300:])
