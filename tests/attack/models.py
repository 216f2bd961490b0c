"""Model files that are damaged, foreign or hostile, for the runtime and for the conversion."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from edge.contract import LABELS_MEMBER, MEMBER
from tests.attack import keras_files, signed_again
from tests.attack.case import Case, Result, results
from tests.attack.graphs import graph, signed, whole, with_contract, with_members
from tests.attack.signed_again import ESCAPES, FILE, SAMPLE, also, info

PART = "models"
_FOR_ALL = ("65 MB", "a pipe", "/dev/zero", "a name with escapes")
_YUNET = ("edge", "run", "--source=demo", "--detector=yunet")


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Try them all."""
    del seed
    yield from results(PART, (*cases(), *keras_files.cases()), sample)


def cases() -> Iterator[Case]:
    """Yield those of the runtime."""
    yield from _damaged()
    yield from _contracts()
    yield from _places()
    yield from signed_again.cases()


def _damaged() -> Iterator[Case]:
    content, length = whole(), len(graph())
    for at in (0, 7, 8, 4096, 400_000, length, length + 1, len(content) - 1):
        yield info(f"cut at {at}", content[:at])
    for at in (*range(0, length, length // 4), 5, length, len(content) - 300, len(content) - 22):
        yield info(f"a byte flipped at {at}", _flipped(content, at))
    for name, changed in {
        "nothing behind the graph": graph(),
        "zeros behind the graph": graph() + bytes(4096),
        "bytes between": graph() + b"\0" + content[length:],
        "bytes before": b"PK\x03\x04" + content,
        "two models": content + content,
        "64 kB behind it": content + bytes(70_000),
        "a text": b"text" * 99,
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(99),
        "a beginning alone": b"\x1c\0\0\0TFL3" + bytes(64),
        "a beginning alone, signed": signed(b"\x1c\0\0\0TFL3" + bytes(64)),
        "half a graph, signed": signed(graph()[: length // 2]),
        "no bytes, signed": signed(b""),
    }.items():
        yield info(name, changed)


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def _contracts() -> Iterator[Case]:
    yield from also("temperature: 400 digits", lambda: with_contract(temperature="1" * 400))
    for field, pieces in _FIELDS.items():
        for name, piece in pieces.items():
            yield info(f"{field}: {name}", with_contract(**{field: piece}))
    for name, text in {
        "a list": b"[]",
        "a number": b"3",
        "nothing": b"",
        "NaN": b"NaN",
        "no JSON": b"{" * 99,
        "nested": b"[" * 100_000,
        "no text": b"\xff\xfe\x80",
        "UTF-16": '{"labels": []}'.encode("utf-16"),
        "no fields": b"{}",
        "2 MB": b" " * (2 << 20),
    }.items():
        yield info(f"contract is {name}", with_members({MEMBER: text}))
    contract = with_contract()[len(graph()) :]
    start = contract.index(b"{")
    text = contract[start : contract.index(b"PK\x01\x02")]
    yield info("contract compressed", with_members({MEMBER: text}, zipfile.ZIP_DEFLATED))
    yield info("labels of others", with_members({MEMBER: text, LABELS_MEMBER: b"a\nb\n"}))
    yield info("labels with escapes", with_members({MEMBER: text, LABELS_MEMBER: ESCAPES.encode()}))
    yield info("a member with escapes", with_members({MEMBER: text, ESCAPES: b""}), (0, 2), "")


def _number(*more: str) -> Mapping[str, str]:
    return {x[:12]: x for x in (*more, "NaN", '"x"', "null", "9" * 5000)}


_REST = '"offset_x": 0, "offset_y": 0, "rotate": false'
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "temperature": _number("0", "-1", "1e-320", "1e400", "21"),
    "uncertain_below": _number("-0.1", "1", "1e400", "9" * 400),
    "hold": _number("-1", "11", "9" * 400),
    "version": _number("1", "3", "2.5", '"2"'),
    "height": _number("0", "-48", "48.5", "1e9", "2147483648", "32"),
    "channels": {"0": "0", "3": "3"},
    "labels": {
        "none": "[]",
        "one": '["a"]',
        "one too many": '["a", "b", "c", "d", "e", "f", "g", "h"]',
        "twice": '["a", "a", "c", "d", "e", "f", "g"]',
        "empty": '["", "b", "c", "d", "e", "f", "g"]',
        "numbers": "[1, 2, 3, 4, 5, 6, 7]",
        "a text": '"abcdefg"',
        "escapes": '["\\u001b[2J", "b", "c", "d", "e", "f", "g"]',
        "a line end": '["a\\nb", "b", "c", "d", "e", "f", "g"]',
        "lists": "[[], [], [], [], [], [], []]",
        "50,000": str([f"l{n}" for n in range(50_000)]).replace("'", '"'),
        "one of 900 kB": f'["{"x" * 900_000}", "b"]',
    },
    "framings": {
        "a list": "[]",
        "a number": "3",
        "no fields": '{"blazeface": {}}',
        **{x[:9]: f'{{"a": {{"scale": {x}, {_REST}}}}}' for x in ("NaN", "9" * 400, '1, "y": 1')},
    },
    "provenance": {"a list": "[]", "nested": f"{'[' * 100_000}{']' * 100_000}"},
    "graph_sha256": {"another": '"00"', "a number": "3", "none": "null"},
    "unknown": {"field": "1"},
}


def _places() -> Iterator[Case]:
    def large(folder: Path) -> str:
        with (folder / FILE).open("wb") as file:
            file.write(graph()[:4096])
            file.truncate(65 << 20)
        return FILE

    def pipe(folder: Path) -> str:
        os.mkfifo(folder / FILE)
        return FILE

    def link(folder: Path, target: str) -> str:
        (folder / FILE).symlink_to(target)
        return FILE

    for name, make in {
        "65 MB": large,
        "a pipe": pipe,
        "/dev/zero": lambda folder: "/dev/zero",
        "/dev/full": lambda folder: "/dev/full",
        "a link to /dev/random": lambda folder: link(folder, "/dev/random"),
        "a link to itself": lambda folder: link(folder, FILE),
        "a folder": lambda folder: ".",
        "nothing": lambda folder: "none.tflite",
        "a name with escapes": lambda folder: ESCAPES + ".tflite",
        "a name that is no text": lambda folder: "\udcff.tflite",
        "a name of 300 letters": lambda folder: "n" * 300,
    }.items():
        yield Case(name, lambda folder, m=make: ["edge", "info", m(folder)], sample=name in SAMPLE)
        if name not in _FOR_ALL:
            continue
        yield Case(
            f"run: {name}",
            lambda folder, m=make: ["edge", "run", "--source=demo", f"--model={m(folder)}"],
        )
        yield Case(
            f"YuNet: {name}",
            lambda folder, m=make: [*_YUNET, f"--detector-model={m(folder)}"],
            says="expected",
        )
