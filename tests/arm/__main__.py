"""``make test-arm``: the packaged runtime on emulated Raspberry Pis, against this PC.

The only place here that prints results or exits.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cyclopts

from edge.files import check_target, write_text
from edge.settings import Settings
from tests.arm import trial
from tests.arm.compare import OVERLAP_LIMIT, PROBABILITY_LIMIT, Comparison, Record, compare
from tests.arm.errors import TrialError
from tests.arm.processors import PROCESSORS, Processor
from tests.arm.root import Root, Runner, check_host
from train import provenance
from train.cli import run

_WORK = Path("build/arm64")
_RESULT = Path("tests/arm/result.json")
_WHEEL = "edge_expressions-*.whl"
_PACKAGES = (
    *("python", "ai-edge-litert", "numpy", "opencv-python-headless"),
    *("av", "pillow", "pi-heif", "edge-expressions"),
)

app = cyclopts.App(name="test-arm", help="The packaged runtime on emulated Raspberry Pis.")


@dataclass(frozen=True, slots=True)
class Trial:
    """What one processor has shown."""

    processor: Processor
    verdict: str
    seconds: float
    comparisons: Mapping[str, Comparison]


@app.default
def main(
    *,
    wheels: Path = Path("dist"),
    suite: str = "bookworm",
    mirror: str = "",
    output: Path = _RESULT,
) -> int:
    """Run doctor, the demo and golden pictures on emulated processors, and record the comparison.

    Parameters
    ----------
    wheels
        What 'make package' wrote.
    suite
        The Debian release whose Python runs it: bookworm or trixie, as Raspberry Pi OS 12 and 13.
    mirror
        Where its packages come from, instead of mmdebstrap's own default.
    output
        The result, written where nothing differs.
    """
    check_host()
    check_target(output)
    wheel = next(wheels.glob(_WHEEL), None)
    if wheel is None:
        raise TrialError(f"{wheels}: expected {_WHEEL}, found none; run 'make package'")
    runner = _reference(wheel)
    reference = trial.records(runner)
    _say(f"{suite} for ARM, and the runtime in it …")
    root = Root(_WORK / suite, suite, [mirror] if mirror else [])
    PROCESSORS[0].describe(root.folder)
    root.install(wheels, PROCESSORS[0].name)
    trials = [_try(root, processor, reference) for processor in PROCESSORS]
    problems = [problem for each in trials for problem in _problems(each)]
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return TrialError.exit_code
    facts = {"suite": suite, **_facts(root, runner)}
    write_text(output, json.dumps(_result(facts, trials), indent=1) + "\n")
    _say(f"wrote {output}")
    return 0


def _facts(root: Root, runner: Runner) -> dict[str, Any]:
    """What ran: the versions in ``root``, and the model, which is that of ``runner``."""
    versions = trial.versions(root.runner(PROCESSORS[0].name))
    return {
        "versions": {name: versions[name] for name in _PACKAGES},
        "model_sha256": provenance.digest(runner.folder / "edge" / Settings().model),
    }


def _reference(wheel: Path) -> Runner:
    """This PC's Python with the same wheel; it has the same versions of the libraries."""
    folder = (_WORK / "reference").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    exchange = folder / "exchange"
    return Runner((sys.executable,), folder, exchange, exchange)


def _try(root: Root, processor: Processor, reference: Mapping[str, Sequence[Record]]) -> Trial:
    _say(f"{processor.name} ({processor.device}) …")
    processor.describe(root.folder)
    runner = root.runner(processor.name)
    start = time.monotonic()
    verdict = trial.doctor(runner)
    found = trial.records(runner)
    comparisons = {name: compare(reference[name], found[name]) for name in reference}
    for name, comparison in comparisons.items():
        _say(f"  {name}: {_summary(comparison)}")
    return Trial(processor, verdict, time.monotonic() - start, comparisons)


def _summary(comparison: Comparison) -> str:
    return (
        f"{comparison.faces} faces in {comparison.frames} frames, probabilities within "
        f"{comparison.probability_difference}, boxes overlap by {comparison.overlap}"
    )


def _problems(each: Trial) -> list[str]:
    return [
        f"{each.processor.name}, {name}, {problem}"
        for name, comparison in each.comparisons.items()
        for problem in comparison.problems
    ]


def _result(facts: Mapping[str, Any], trials: Sequence[Trial]) -> dict[str, Any]:
    return {
        **provenance.origin(),
        "emulator": _emulator(),
        **facts,
        "limits": {"probability_difference": PROBABILITY_LIMIT, "overlap": OVERLAP_LIMIT},
        "processors": [
            {
                "name": each.processor.name,
                "device": each.processor.device,
                "doctor": each.verdict,
                "seconds": round(each.seconds),
                "compared": {name: item.facts() for name, item in each.comparisons.items()},
            }
            for each in trials
        ],
    }


def _emulator() -> str:
    done = subprocess.run(
        ["qemu-aarch64-static", "--version"], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[0]


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    run(app, TrialError)
