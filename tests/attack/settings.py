"""Settings files and command lines that make no sense, and new settings for a run that goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.attack import options
from tests.attack.case import EDGE_PYTHON, Case, Result, named, results
from tests.attack.child import environment

PART = "settings"
_RUN = ("--source", "demo", "--frames", "1")
_FILE = "a.toml"
_LONG = 200 << 20


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Try them all."""
    del seed
    yield from results(PART, (*_files(), *options.cases()), sample)
    yield _reloads(sample)


def _files() -> Iterator[Case]:
    for name, text in _TEXTS.items():
        yield _text(name, text)
    for name, text in _RIGHT.items():
        yield _text(f"right: {name}", text, codes=(0,))
    for name, make in _PLACES.items():
        yield Case(f"settings file: {name}", lambda folder, make=make: _run(make(folder)))
    for name in _NAMES:
        yield Case(named(f"settings file called {name}"), lambda folder, n=name: _run(n))
        yield Case(
            named(f"right: settings file called {name}"),
            lambda folder, n=name: _run(_written(folder / n, "threads = 1")),
            codes=(0,) if _may_exist(name) else (2,),
        )


def _text(name: str, text: str | bytes, codes: Sequence[int] = (2,)) -> Case:
    def prepare(folder: Path) -> Sequence[str | Path]:
        return _run(_written(folder / _FILE, text))

    says = "" if 0 in codes else r"expected .*found|Unknown option|Invalid|Cannot"
    return Case(name, prepare, codes, says, sample=name in _SAMPLE)


def _run(config: str | Path) -> Sequence[str | Path]:
    return ["edge", "run", *_RUN, "--config", config]


def _written(path: Path, text: str | bytes) -> Path:
    if _may_exist(path.name):
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def _may_exist(name: str) -> bool:
    return 0 < len(os.fsencode(name)) < 256 and "/" not in name


_SAMPLE = frozenset(
    {"nested 1000 deep", "digits: 5000", "key: an escape sequence", "UTF-16", "NUL"}
)
_TEXTS: Mapping[str, str | bytes] = {
    **{f"nested {n} deep": f"source = {'[' * n}1{']' * n}" for n in (60, 900, 1000, 100_000)},
    "tables nested 1000 deep": f"x = {'{a = ' * 1000}1{'}' * 1000}",
    "tables of a name 1000 deep": f"tracking.{'.'.join('a' * 1000)} = 1",
    "tables of a name 100,000 deep": f"tracking.{'.'.join('a' * 100_000)} = 1",
    "a header 1000 deep": f"[tracking.{'.'.join('a' * 1000)}]\nx = 1",
    "tables of unknown names": "[a.b.c.d]\nx = 1",
    "a table in a table": "[tracking.margin]\nx = 1",
    "a list of tables": "[[tracking]]\nmargin = 0.1",
    **{f"digits: {n}": f"threads = {'9' * n}" for n in (19, 20, 400, 4300, 5000, 100_000)},
    **{f"digits of a table: {n}": f"[tracking]\nmargin = {'9' * n}" for n in (400, 5000)},
    "hexadecimal digits: 5000": f"threads = 0x{'f' * 5000}",
    "digits of a fraction: 5000": f"min_score = 0.{'9' * 5000}9e400",
    **{f"threads = {x}": f"threads = {x}" for x in ("1e400", "nan", "inf", "-inf", "-1", "1.5")},
    **{f"min_score = {x}": f"min_score = {x}" for x in ("nan", "-nan", "inf", "1e-400", "-0.0")},
    "hold = nan": "hold = nan",
    "[tracking] margin = nan": "[tracking]\nmargin = nan",
    "[mqtt] picture_every = nan": '[mqtt]\naddress = "mqtt://127.0.0.1"\npicture_every = nan',
    **{
        f"{x}": x
        for x in (
            'threads = "two"',
            'threads = ""',
            "threads = true",
            "threads = []",
            "threads = [1, 2]",
            "threads = {}",
            "threads = 2026-11-29",
            "threads = 12:30:00",
            "threads = 2026-11-29T12:30:00Z",
            "source = [[]]",
            "source = {a = 1}",
            'output = ["a.csv", 2026-11-29]',
            'output = "\\u0000.csv"',
            "tracking = 3",
            "tracking = []",
            'display = "maybe"',
            "display = 3",
            'mirror = "perhaps"',
            "mirror = 3.5",
            "rotate = 45",
            'per = "week"',
            'overlay = "\\u001b[2J"',
            'detector = "\\u001b[2J\\n"',
            'on_change = "\'"',
            "[camera]\nfps = nan",
        )
    },
    "key: an escape sequence": '"\\u001b[31mred" = 1',
    "key: a line end": '"a\\nexpressions: all is well" = 1',
    "key: a carriage return": '"a\\rexpressions: all is well" = 1',
    "key: marks that turn text": '"\\u202egnp.\\u2066" = 1',
    "key: a line separator": '"a\\u2028b\\u0085c" = 1',
    "key: 100,000 letters": f"{'k' * 100_000} = 1",
    "key: empty": '"" = 1',
    "key in a table: an escape sequence": '[tracking]\n"\\u001b[2J\\n" = 1',
    **{
        f"key: {x}": f"{x} = 1"
        for x in ("__class__", "__init__", "config", "help", "version", "--threads", "-o", "run")
    },
    'key: "*"': '"*" = 1',
    "value: an escape sequence": 'display = "\\u001b[31m\\nred"',
    "value: 100,000 letters": f'display = "{"v" * 100_000}"',
    "a key twice": "threads = 1\nthreads = 1",
    "a table twice": "[tracking]\nmargin = 0.1\n[tracking]\nmargin = 0.1",
    "a key as value and table": "tracking = 1\n[tracking]\nmargin = 0.1",
    "half a line": "threads = ",
    "a text without its end": 'source = "demo',
    "UTF-16": "threads = 1".encode("utf-16"),
    "UTF-16 without a mark": "threads = 1".encode("utf-16-be"),
    "Latin-1": "# größer\nthreads = 1".encode("latin-1"),
    "NUL": b"threads = 1\n\0\0\0",
    "only NUL": bytes(4096),
    "binary": bytes(range(256)) * 16,
    "lines that end with a carriage return": b"threads = 1\rparallel = 1\r",
    "a page": "<html><body>404</body></html>",
    "JSON": '{"threads": 1}',
    "64 kB of one name": f"x{'.x' * 32_000} = 1",
    "64 kB of one name behind a text": f'a = ["""x"y""", {{x{".x" * 32_000} = 1}}]',
    "an option in the wrong table": "[web]\noutput = ['a.csv']",
    "255 kB of brackets": "a = " + "[" * 255_000,
}
_RIGHT = {
    "empty": b"",
    "a comment": b"# nothing\n",
    "a mark of the byte order": b"\xef\xbb\xbfthreads = 1\n",
    "lines that end as on Windows": b"threads = 1\r\nmirror = true\r\n",
    "no line end": b"threads = 1",
    "a name with letters of all kinds": 'overlay = "boxes"\nevents = "größe 笑 😀.jsonl"\n',
}


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / _FILE)
    return folder / _FILE


def _link(target: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / _FILE).symlink_to(target)
        return folder / _FILE

    return make


def _sparse(folder: Path) -> Path:
    with (folder / _FILE).open("wb") as file:
        file.truncate(_LONG)
    return folder / _FILE


_PLACES: Mapping[str, Callable[[Path], str | Path]] = {
    "a folder": lambda folder: folder,
    "a pipe": _fifo,
    "a link to /dev/zero": _link("/dev/zero"),
    "a link to itself": _link(_FILE),
    "a link to nothing": _link("nothing"),
    "/dev/full": lambda folder: "/dev/full",
    "/dev/random": lambda folder: "/dev/random",
    "/proc/self/mem": lambda folder: "/proc/self/mem",
    "200 MB": _sparse,
    "of nobody": lambda folder: "~nobody-at-all/a.toml",
}
_NAMES = (
    "\x1b[2J\x1b]0;owned\x07.toml",
    "a\nexpressions: all is well.toml",
    "gpj.\u202elmot.toml",
    "\udcff\udc80.toml",
    "n" * 300 + ".toml",
    " ",
)


def _reloads(sample: bool) -> Result:
    """Give a run new settings that make no sense: it says so each time, and goes on."""
    bad = {
        "nested": f"source = {'[' * 1000}1{']' * 1000}".encode(),
        "digits": f"threads = {'9' * 5000}".encode(),
        "hexadecimal": f"threads = 0x{'f' * 5000}".encode(),
        "key": b'"\\u001b[2J\\n" = 1',
        "binary": bytes(range(256)),
        "nothing there": None,
    }
    problems, began = [], time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shown, said = folder / ".shown", folder / ".said"
        _written(folder / _FILE, "threads = 1")
        process = subprocess.Popen(
            [
                EDGE_PYTHON,
                "-m",
                "edge",
                "run",
                "--source=demo",
                "--frames=1000000",
                f"--config={_FILE}",
            ],
            cwd=folder,
            env=environment(),
            stdout=stack.enter_context(shown.open("wb")),
            stderr=stack.enter_context(said.open("wb")),
            start_new_session=True,
        )
        _answer(shown, 0)  # it runs
        for what, content in list(bad.items())[: 2 if sample else None]:
            (folder / _FILE).unlink()
            if content is not None:
                (folder / _FILE).write_bytes(content)
            before = said.stat().st_size
            process.send_signal(signal.SIGHUP)
            if not _answer(said, before).startswith(b"expressions: settings not taken"):
                problems.append(f"{what}: {_answer(said, before)!r}")
        if process.poll() is not None:
            problems.append(f"the run has ended with {process.returncode}")
        process.terminate()
        try:
            code: int | None = process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if b"\x1b" in said.read_bytes():
            problems.append("an escape sequence was printed")
    if code != 0:
        problems.append(f"exit code {code}, 0 is right")
    tried = 2 if sample else len(bad)
    return Result(
        PART,
        "new settings that make no sense at SIGHUP",
        tuple(problems),
        tried,
        min(len(problems), tried),
        code,
        time.monotonic() - began,
    )


def _answer(said: Path, before: int, seconds: float = 10) -> bytes:
    """What was said since, as soon as there is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (text := said.read_bytes()[before:]).endswith(b"\n"):
            return bytes(text)
        time.sleep(0.02)
    return b""
