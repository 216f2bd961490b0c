"""``make test``: runs groups of checks one after the other, and says how long each took.

Every group has its environment, which the Makefile sets up. A failure ends its group, not the run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TRAIN, MEDIAPIPE, TFLITE_RUNTIME = (
    Path(".venv", name, "bin") for name in ("train", "mediapipe", "tflite-runtime")
)
_ELSEWHERE = "not mediapipe and not tflite_runtime and not stream and not mqtt and not web"
Command = tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """``commands`` that run until one fails; ``extra`` groups run only when they are named."""

    commands: Sequence[Command]
    extra: bool = False


def _pytest(*arguments: str, marker: str = _ELSEWHERE, environment: Path = TRAIN) -> Command:
    return (str(environment / "python"), "-m", "pytest", "-q", "-m", marker, *arguments)


GROUPS: Mapping[str, Group] = {
    "check": Group(
        [
            (str(TRAIN / "ruff"), "format", "--check", "--quiet", "."),
            (str(TRAIN / "ruff"), "check", "--quiet", "."),
            (str(TRAIN / "mypy"), "edge", "train", "convert", "benchmarks", "tools"),
            (str(TRAIN / "lint-imports"), "--no-logo"),
        ]
    ),
    "edge": Group([_pytest("tests/edge", "tests/arm", "--ignore=tests/edge/scan")]),
    # Apart: Dask leaves threads and a process of Python's own until the tests end.
    "scan": Group([_pytest("tests/edge/scan")]),
    "attack": Group([_pytest("tests/attack")]),
    "train": Group([_pytest("tests/train")]),
    "convert": Group([_pytest("tests/convert")]),
    "benchmarks": Group([_pytest("tests/benchmarks")]),
    "package": Group(
        [_pytest("tests/package", "tests/soak", *map(str, sorted(Path("tests").glob("test_*.py"))))]
    ),
    "mediapipe": Group([_pytest("tests/edge/vision", marker="mediapipe", environment=MEDIAPIPE)]),
    "tflite-runtime": Group(
        [_pytest("tests/edge/vision", marker="tflite_runtime", environment=TFLITE_RUNTIME)]
    ),
    "stream": Group([_pytest("tests/edge", marker="stream")], extra=True),
    "mqtt": Group([_pytest("tests/edge", marker="mqtt")], extra=True),
    "web": Group([_pytest("tests/edge", marker="web")], extra=True),
}


def main(names: Sequence[str]) -> int:
    """Run the groups called ``names``, or all but the extra ones; return the exit code."""
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        print(f"tests: expected {', '.join(GROUPS)}, found {', '.join(unknown)}", file=sys.stderr)
        return 2
    chosen = names or [name for name, group in GROUPS.items() if not group.extra]
    environment = os.environ | {"EDGE_PYTHON": ".venv/edge/bin/python", "ATTACK_PATIENCE": "4"}
    lines = []
    for name in chosen:
        print(f"--- {name}", flush=True)
        began = time.monotonic()
        verdict = _verdict(name, environment)
        lines.append(f"{name:<16} {time.monotonic() - began:5.0f} s   {verdict}")
    print("---", *lines, sep="\n", flush=True)
    return int(any(line.endswith("failed") for line in lines))


def _verdict(name: str, environment: Mapping[str, str]) -> str:
    for command in GROUPS[name].commands:
        if not Path(command[0]).exists():
            return "not run: no build for this Python"
        code = subprocess.run(command, env=environment, check=False).returncode
        if code < 0:
            print(f"{name}: {signal.Signals(-code).name} ended {command[0]}", file=sys.stderr)
        if code:
            return "failed"
    return "passed"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
