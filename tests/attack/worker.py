"""Opens one file after the other for the fuzzers: a path as JSON, and a line with what came.

``python -m tests.attack.worker KIND``: "fine", "refused …", or "broken …" for an exception that is
none of ours. It dies with native code that does.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path


def _tflite() -> tuple[Callable[[Path], object], type[Exception]]:
    from edge.errors import EdgeError
    from edge.vision.classifier import load_classifier

    return load_classifier, EdgeError


def _settings() -> tuple[Callable[[Path], object], type[Exception]]:
    from edge.cli import _parse
    from edge.errors import SettingsError

    return lambda path: _parse(["run", "--config", str(path)]), SettingsError


def _keras() -> tuple[Callable[[Path], object], type[Exception]]:
    from train.cli import import_tensorflow

    import_tensorflow()
    from convert.adopt import adopt
    from convert.errors import AdoptionError
    from edge.vision.blazeface import BlazeFace

    detector = BlazeFace()
    return lambda path: adopt(path, tuple("abcdefg"), "0..255", None, detector), AdoptionError


def _artifact() -> tuple[Callable[[Path], object], type[Exception]]:
    from train.cli import import_tensorflow

    import_tensorflow()
    from train.artifact import load_model
    from train.errors import ArtifactError

    return load_model, ArtifactError


KINDS: Mapping[str, Callable[[], tuple[Callable[[Path], object], type[Exception]]]] = {
    "tflite": _tflite,
    "settings": _settings,
    "keras": _keras,
    "artifact": _artifact,
}


def main(kind: str) -> None:
    """Open what standard input names until it ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warnings.simplefilter(
        "error", RuntimeWarning
    )  # it would be printed: a line that is none of ours
    open_file, expected = KINDS[kind]()
    print("ready", file=answers)
    for name in map(json.loads, sys.stdin):  # it may have line ends in it
        print(_tried(open_file, expected, Path(name)), file=answers)


def _tried(open_file: Callable[[Path], object], expected: type[Exception], path: Path) -> str:
    try:
        with contextlib.redirect_stdout(None):
            open_file(path)
    except expected as error:
        return f"refused {error!a}"[:300]
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return f"broken {error!a}"[:300]
    return "fine"


if __name__ == "__main__":
    main(sys.argv[1])
