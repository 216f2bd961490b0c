"""Graphs that were changed and signed again: what only who means it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.attack.case import Case, named
from tests.attack.graphs import edited, filled

FILE = "m.tflite"
ESCAPES = "\x1b[2J\x1b]0;owned\x07\nexpressions: all is well\u202e"
SAMPLE = frozenset({"weights nan", "temperature: 400 digits", "cut at 400000", "a pipe"})
Content = bytes | Callable[[], bytes]


def info(name: str, content: Content, codes: Sequence[int] = (2,), says: str = "expected") -> Case:
    """Return the case of a file for 'expressions info'."""

    def prepare(folder: Path) -> Sequence[str | Path]:
        (folder / FILE).write_bytes(content if isinstance(content, bytes) else content())
        return ["edge", "info", FILE]

    return Case(named(name), prepare, codes, says, sample=name in SAMPLE)


def also(name: str, content: Content) -> Iterator[Case]:
    """Yield those of a file for all that opens one."""

    def prepare(folder: Path, command: str) -> Sequence[str | Path]:
        (folder / FILE).write_bytes(content if isinstance(content, bytes) else content())
        return ["edge", command, "--source", "demo", "--frames", "1", "--model", FILE]

    yield info(name, content)
    yield Case(f"run: {name}", lambda folder: prepare(folder, "run"), (2,), "expected")
    yield Case(f"doctor: {name}", lambda folder: prepare(folder, "doctor"), (1,), "problem +model")


def cases() -> Iterator[Case]:
    """Yield all of them."""
    for value in (np.nan, np.inf, -np.inf, 3e38):
        yield from also(f"weights {value}", lambda value=value: filled(value))
    for name, change in _CHANGES.items():
        yield info(f"signed: {name}", lambda change=change: edited(change))
    for name, change in _HARMLESS.items():
        yield info(f"signed: {name}", lambda change=change: edited(change), (0, 2), "")


def _tensor(tree: Any, place: str, name: str, value: object) -> None:
    """Set what a tensor says of itself: the input's, the output's or the first weights'."""
    part = tree.subgraphs[0]
    number = {"input": part.inputs[0], "output": part.outputs[0]}.get(place)
    if number is None:
        number = part.operators[1].inputs[1]
    tensor = part.tensors[number]
    setattr(tensor.quantization if name in ("scale", "zeroPoint") else tensor, name, value)


def _set(place: str, name: str, value: object) -> Callable[[Any], None]:
    return lambda tree: _tensor(tree, place, name, value)


def _codes(value: int) -> Callable[[Any], None]:
    def change(tree: Any) -> None:
        for code in tree.operatorCodes:
            code.builtinCode, code.deprecatedBuiltinCode = value, min(value, 127)

    return change


def _custom(tree: Any) -> None:
    _codes(32)(tree)
    for code in tree.operatorCodes:
        code.customCode = ESCAPES


def _operands(value: int) -> Callable[[Any], None]:
    def change(tree: Any) -> None:
        operator = tree.subgraphs[0].operators[1]
        operator.inputs = [value, *operator.inputs[1:]]

    return change


_CHANGES: Mapping[str, Callable[[Any], None]] = {
    **{
        f"input shape {value}": _set("input", "shape", value)
        for value in ([], [1, 1, 1, 1], [-1, 48, 48, 1], [2**31 - 1] * 4)
    },
    **{
        f"{place} scale {value}": _set(place, "scale", [value])
        for place in ("input", "output")
        for value in (0.0, float("nan"), float("inf"))
    },
    **{
        f"{place} type {value}": _set(place, "type", value)
        for place in ("input", "output")
        for value in (2, 127)
    },
    **{f"all operators {value}": _codes(value) for value in (-1, 9999)},
    "operators of somebody's own with escapes": _custom,
    "no subgraph": lambda tree: setattr(tree, "subgraphs", []),
    "no operators": lambda tree: setattr(tree.subgraphs[0], "operators", []),
    "no inputs": lambda tree: setattr(tree.subgraphs[0], "inputs", []),
    "two outputs": lambda tree: setattr(tree.subgraphs[0], "outputs", [0, 1]),
    "an output that is none": lambda tree: setattr(tree.subgraphs[0], "outputs", [10**6]),
    "an operand behind the end": _operands(10**6),
    "an operand before the beginning": _operands(-2),
    "no buffers": lambda tree: setattr(tree, "buffers", []),
    "version 99": lambda tree: setattr(tree, "version", 99),
}
_HARMLESS: Mapping[str, Callable[[Any], None]] = {
    "tensor names with escapes": lambda tree: (
        [setattr(tensor, "name", ESCAPES) for tensor in tree.subgraphs[0].tensors] and None
    ),
    "a tensor's name of 100,000 letters": _set("input", "name", "x" * 100_000),
    "a tensor's name that is no text": _set("input", "name", b"\xff\xfe\x1b[2J"),
    "a description with escapes": lambda tree: setattr(tree, "description", ESCAPES),
    "weights' scale NaN": _set("weights", "scale", [float("nan")]),
    "weights' scale 0": _set("weights", "scale", [0.0]),
    **{
        f"an output's shape {value}": _set("output", "shape", value)  # which is computed anew
        for value in ([], [1, 1, 1, 1], [-1, 48, 48, 1], [2**31 - 1] * 4)
    },
    "an input's scale 1e38": _set("input", "scale", [1e38]),
    "an output's scale 1e38": _set("output", "scale", [1e38]),
    "zero point out of range": _set("output", "zeroPoint", [10**6]),
}
