"""How results files are written and read.

``<device>.json`` is committed: summaries only, a row a line. ``<device>.jsonl`` beside it has the
raw samples and is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from benchmarks.errors import ResultsError
from edge.files import replace_with, write_text

SAMPLES_SUFFIX = ".jsonl"
_PARTIAL = ".partial.json"
_OTHERS = ("evaluation.json", "peers.json", "photographs.json", "scanning.json")
_DEPTH, _SHORT = 3, 400
"""Of the nesting that is broken into lines, and of what stays on one, in characters."""

Result = TypeVar("Result", bound=Struct)


def write(path: Path, result: Struct, samples: Iterable[Struct] = ()) -> None:
    """Write ``result``, and its raw ``samples`` beside it, a line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, _lines(msgspec.to_builtins(result), _DEPTH) + "\n")
    encoded = [msgspec.json.encode(sample) + b"\n" for sample in samples]
    if encoded:
        with replace_with(path.with_suffix(SAMPLES_SUFFIX)) as file:
            file.writelines(encoded)


def read(path: Path, kind: type[Result]) -> Result:
    """Read what ``write`` wrote; raises ``ResultsError``."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise ResultsError(
            f"{path}: expected results, found: {error.strerror}; check the path, or measure"
        ) from error
    except msgspec.DecodeError as error:
        raise ResultsError(
            f"{path}: expected results of this version, found: {error}; measure again"
        ) from error


def devices(folder: Path) -> list[Path]:
    """Return the results of ``make bench`` in ``folder``, without partial runs, by name."""
    found = sorted(folder.glob("*.json"))
    return [path for path in found if path.name not in _OTHERS and not path.name.endswith(_PARTIAL)]


def partial(path: Path) -> Path:
    """Return where a run of less than everything goes, beside the whole one at ``path``."""
    return path.with_suffix(_PARTIAL)


def _lines(value: Any, depth: int) -> str:
    """JSON whose long parts have a line for each value, down to a nesting of ``depth``."""
    text = json.dumps(value, ensure_ascii=False)
    if not depth or len(text) <= _SHORT:
        return text
    if isinstance(value, list):
        rows = [_lines(each, depth - 1) for each in value]
        return "[\n" + ",\n".join(rows) + "\n]"
    rows = [f"{json.dumps(name)}: {_lines(each, depth - 1)}" for name, each in value.items()]
    return "{\n" + ",\n".join(rows) + "\n}"
