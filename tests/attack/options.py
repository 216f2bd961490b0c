"""Command lines that make no sense: options of run, scan and train, recipes among them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.attack.case import Case, named
from tests.attack.child import ROOT

_RUN = ("--source", "demo", "--frames", "1")
_LONG = 100_000
_ESCAPES = "\x1b[2J\x1b]0;owned\x07\nexpressions: all is well\u202e"
_NO_TEXT = "\udcff\udc80"
_ODD = (_ESCAPES, _NO_TEXT, "x" * _LONG)


def cases() -> Iterator[Case]:
    """Yield all of them."""
    yield from _numbers()
    yield from _words()
    yield from _sources()
    yield from _outputs()
    yield from _programs_and_addresses()
    yield from _scans()
    yield from _trainings()


def _run(name: str, *arguments: str, codes: Sequence[int] = (2,), says: str = "") -> Case:
    return Case(named(name), lambda folder: ["edge", "run", *_RUN, *arguments], codes, says)


def _numbers() -> Iterator[Case]:
    for text in ("0", "65", "-1", "1.5", "", "0x10", "1;2", "True", "½", "nan", "1e400"):
        yield _run(f"--threads {text!r}", f"--threads={text}")
    for text in ("1_0", "٣", "+1"):  # Python takes them for numbers
        yield _run(f"--threads {text!r}", f"--threads={text}", codes=(0,))
    for digits in (400, _LONG):
        yield _run(f"--threads with {digits} digits", f"--threads={'9' * digits}")
        yield _run(f"--min-score with {digits} digits", f"--min-score={'9' * digits}")
    for text in _ODD:
        yield _run(f"--threads {text}", f"--threads={text}")


def _words() -> Iterator[Case]:
    for option in ("--display", "--overlay", "--rotate", "--tracking.x"):
        yield _run(f"{option} {_ESCAPES}", f"{option}={_ESCAPES}")
    for text in _ODD:
        yield _run(f"--detector {text}", f"--detector={text}")
        yield _run(f"option {text}", f"--{text}")
        yield Case(named(f"command {text}"), lambda folder, t=text: ["edge", t])
        yield _run(f"--model {text}", f"--model={text}")
        yield _run(f"YuNet {text}", "--detector=yunet", f"--detector-model={text}")
    yield _run("an option twice", "--threads", "1", "--threads", "2")
    yield _run("an option without its value", "--threads")
    yield _run("10,000 options", *(_LONG // 10 * ["-x"]))
    yield _run("--model ''", "--model=")
    yield _run("a table as an option", "--tracking", "1")
    yield _run("a home of nobody", "--model=~nobody-at-all/m.tflite")


def _sources() -> Iterator[Case]:
    texts = (
        *_ODD,
        *("", " ", "rtsp://", "http://", "rtsp://user:pa ss@host/x", "rtsp://[::1", "rtsp://[x]/"),
        *("http://127.0.0.1:0/", "http://127.0.0.1:99999/", "http://127.0.0.1:abc/", "ftp://a/b"),
        *(f"http://127.0.0.1:{'9' * 5000}/", f"rtsp://127.0.0.1/{_ESCAPES}", "/dev/video999"),
        *(
            "9" * 30,
            "9" * 5000,
            "-1",
            "٣٣٣",
            "picamera:x",
            "*.nothing",
            "[",
            "~nobody-at-all/a.mp4",
        ),
    )
    for text in texts:
        yield Case(
            named(f"source {text}"),
            lambda folder, t=text: ["edge", "run", "--frames", "1", f"--source={t}"],
            (1, 2),
            r"expected|Unknown option|Invalid",
            check=_one_line,
        )


def _one_line(folder: Path, ending: object) -> str:
    lines = ending.err.splitlines()  # type: ignore[attr-defined]
    return "" if len(lines) == 1 else f"{len(lines)} lines of complaint: {lines[:3]!a}"


def _outputs() -> Iterator[Case]:
    for text in ("", "a.txt", "/proc/a.csv", "/proc/1/a.jsonl"):
        yield _run(f"output {text!r}", f"--output={text}", says="expected")
    yield _run("output with a long name", f"--output={'n' * 300}.csv")
    yield _run("output with an endless name", f"--output={'n' * _LONG}.csv")
    for name in ("\x1b[2J.csv", "a\nexpressions: b.csv", "\udcff.csv", "-a.csv", "\u202evsc.csv"):
        yield _run(
            f"output called {name}", f"--output={name}", f"--events={name}.jsonl", codes=(0,)
        )
    yield _run("outputs twice", "--output=a.csv", "--output=./a.csv")
    yield _run("events are the output", "--output=a.jsonl", "--events=a.jsonl")
    yield _run("both on standard output", "--output=-", "--events=-", codes=(0,))
    for name, make in _PLACED.items():
        yield Case(f"output: {name}", lambda folder, m=make: ["edge", "run", *_RUN, *m(folder)])


def _with_picture(*outputs: str) -> Callable[[Path], Sequence[str]]:
    def make(folder: Path) -> Sequence[str]:
        (folder / "a.png").write_bytes((ROOT / "models/assets/astronaut.png").read_bytes())
        (folder / "link.png").symlink_to("a.png")
        (folder / "file").write_text("mine")

        return ["--source=a.png", *(f"--output={output}" for output in outputs)]

    return make


_PLACED: Mapping[str, Callable[[Path], Sequence[str]]] = {
    "the input": _with_picture("a.png"),
    "a link to the input": _with_picture("link.png"),
    "a file as a folder": _with_picture("file/a.csv"),
    "a file as a folder of pictures": _with_picture("file/"),
    "one file by two names": _with_picture("a.csv", f"{os.curdir}/b/../a.csv"),
    "the model": lambda folder: [f"--output={ROOT / 'models/Finalmodel.tflite'}"],
}


def _programs_and_addresses() -> Iterator[Case]:
    for text in ("'", '"unclosed', "./missing", " ", ".", "/dev/null", "a\\", *_ODD):
        yield _run(f"--on-change {text}", f"--on-change={text}")
    for text in (
        *("http://x", "mqtt://", "mqtt://:1883", "mqtt://h:0", "mqtt://h:99999", "mqtt://h:abc"),
        *("mqtt://us er:pa ss@h", "mqtt://user:secret@h", "mqtt://[::1", "h"),
        *(f"mqtt://h:{'9' * 5000}", "mqtt://h/+/#", *_ODD),
        *(f"mqtt://h/{_NO_TEXT}", f"mqtt://{_NO_TEXT}@h", f"mqtt://h/{'x' * 65_530}"),
    ):
        yield _run(f"--mqtt {text}", f"--mqtt={text}")
    for text in (_NO_TEXT, "x" * _LONG):
        yield _run(f"--mqtt.device {text}", f"--mqtt.device={text}")
    for text in (
        *("http://", "http://127.0.0.1:8080", "65536", "99999", "abc", "٣", "9" * 5000),
        *("user:pass@h:80", "us er:pa ss@h:80", "::1", "[::1]:x", ":"),
        *("1.2.3.4.5:8080", "256.1.1.1:8080", f"{_NO_TEXT}:8080", f"{_ESCAPES}:8080", *_ODD),
    ):
        yield _run(f"--web {text}", f"--web={text}")


def _scans() -> Iterator[Case]:
    for arguments in (
        *(f"--every={x}" for x in ("-1", "nan", "1e400", "5m", "", "9" * 5000, _ESCAPES)),
        *(f"--workers={x}" for x in ("1025", "1.5", "9" * 5000)),
        *(f"--export={x}" for x in ("a.txt", "", _ESCAPES, _NO_TEXT)),
        "--output=/proc/results",
        "--output=file/results",
    ):
        yield Case(
            named(f"scan {arguments}"),
            lambda folder, a=arguments: ["edge", "scan", _mine(folder), a],
            (1, 2),
            check=_one_line,
        )
    for text in (_ESCAPES, _NO_TEXT, "none"):
        yield Case(
            named(f"scan of {text}"),
            lambda folder, t=text: ["edge", "scan", f"--source={t}"],
            (1, 2),
            check=_one_line,
        )


def _mine(folder: Path) -> str:
    (folder / "file").write_text("mine")
    return "."


def _trainings() -> Iterator[Case]:
    for name, text in _RECIPES.items():
        yield Case(f"recipe: {name}", lambda folder, t=text: _fit(folder, t))
    for name, target in (
        ("a link to /dev/zero", "/dev/zero"),
        ("a folder", "."),
        ("itself", "my.toml"),
    ):
        yield Case(f"recipe: {name}", lambda folder, t=target: _linked(folder, t))
    for arguments in (
        *(f"--seed={x}" for x in ("-1", "2147483648", "9" * 5000)),
        *(f"--epochs={x}" for x in ("0", "100001", "nan")),
        *(f"--subset={x}" for x in ("1.1", "nan", "1e400")),
        *(f"--side={x}" for x in ("15", "9" * 400)),
        *(f"--target={x}" for x in ("a.txt", "x" * _LONG)),
        *(f"--recipe={x}" for x in ("none", *_ODD, f"{_ESCAPES}.toml", "n" * 300 + ".toml")),
    ):
        yield Case(
            named(f"fit {arguments}"),
            lambda folder, a=arguments: ["train", "fit", "--images=none", a],
        )


def _fit(folder: Path, text: str | bytes | None) -> Sequence[str]:
    path = folder / "my.toml"
    if text is None:
        os.mkfifo(path)
    else:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return ["train", "fit", "--images=none", "--recipe=my.toml"]


def _linked(folder: Path, target: str) -> Sequence[str]:
    (folder / "my.toml").symlink_to(target)
    return ["train", "fit", "--images=none", "--recipe=my.toml"]


_RECIPES: Mapping[str, str | bytes | None] = {
    "unknown key": "epoch = 3",
    "a key with an escape sequence": '"\\u001b[2J\\n" = 3',
    "a key of a table with one": '[augmentation]\n"\\u001b[2J\\n" = 3',
    **{f"nested {n} deep": f"dense = {'[' * n}1{']' * n}" for n in (60, 900, 1000)},
    "tables nested 900 deep": f"augmentation = {'{a = ' * 300}1{'}' * 300}",
    **{f"{n} digits": f"epochs = {'9' * n}" for n in (20, 400, 5000)},
    "hexadecimal digits": f"epochs = 0x{'f' * 5000}",
    **{
        text: text
        for text in (
            'epochs = "three"',
            "epochs = 2.5",
            "epochs = 2026-11-29",
            "epochs = nan",
            "learning_rate = nan",
            "learning_rate = inf",
            "sets = 3",
            "sets = [[-1]]",
            "sets = [[1000000000]]",
            "dense = [1000000000]",
            "side = 1e9",
            'teachers = [["none", nan]]',
            'base = "\\u001b[2J\\n"',
            "base = 3",
            'base = "my.toml"',
            "[augmentation]\nrotation = nan",
            "[augmentation]\nshift = 1e400",
            "[residual]\nstages = [[0, 0]]",
            "head_rate = nan",
        )
    },
    "UTF-16": "epochs = 3".encode("utf-16"),
    "binary": bytes(range(256)),
    "NUL": bytes(100),
    "1 MB": "# x\n" * (1 << 18),
    "a pipe": None,
}
