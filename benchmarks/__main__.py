"""The command line of the benchmarks. The only place here that prints results or exits."""

from __future__ import annotations

from edge.startup import starting

if __name__ == "__main__":
    starting()

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cyclopts
from rich.console import Console

from benchmarks import host
from benchmarks.errors import BenchmarkError
from benchmarks.latency import SAMPLES_SUFFIX, Effort
from benchmarks.subjects import Subject, shipped_models, subjects
from convert.variants import DEPLOYED, variant_path
from edge.device import Device
from edge.files import check_target, write_text
from train.cli import import_tensorflow, run
from train.errors import DatasetError
from train.recipes import DEPLOYED as DEPLOYED_RECIPE
from train.recipes import model_path

app = cyclopts.App(
    name="benchmarks", help="Speed and accuracy of the h5 and the TFLite files.", version_flags=()
)
_RESULTS = Path("benchmarks/results")
_DEPLOYED = variant_path(model_path(DEPLOYED_RECIPE), DEPLOYED)
_MAX_FRAME = 10_000
_MINUTES, _MINUTES_A_ROUND = 4.0, 0.3
"""Of a bench of three models on a PC of two cores."""


@app.default
def bench(
    *,
    model: Sequence[Path] = (),
    images: Path = Path("images"),
    output: Path = _RESULTS,
    rounds: int = 20,
    python: Path = Path(sys.executable),
    mediapipe: Path = Path(".venv/mediapipe/bin/python"),
) -> int:
    """Measure all variants in turn, then the loop; write results, raw samples and the report.

    Parameters
    ----------
    model
        An h5 with its TFLite files beside it, any number of times; without it, those compared.
    images
        The data set. Without it, latency is measured and accuracy left out.
    output
        The folder for the results.
    rounds
        Rounds in which each variant takes its turn: 2 or more; 20 make 1,000 invocations, and
        fewer make fewer percentiles.
    python
        The Python of an edge environment, whose start, memory and size are measured.
    mediapipe
        The Python of an environment with that package, whose detector is compared.
    """
    device = Device()
    path = output / f"{host.name(device)}.json"
    chosen = checked(model, rounds, path, device)
    import_tensorflow()
    from benchmarks.measurement import Loop, measure  # noqa: PLC0415 - behind the quiet import

    _announce(len(chosen), rounds)
    start, parts = time.monotonic(), Loop(_DEPLOYED, python, mediapipe)
    result, samples = measure(chosen, images, parts, Effort(rounds=rounds), device, _complain)
    result["minutes"] = round((time.monotonic() - start) / 60, 1)
    if any(row["runs"] for row in result["subjects"]):  # else the results of before say more
        _keep(path, result, samples)
    return failures(result)


def _keep(path: Path, result: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]) -> None:
    """Write both to ``path``, or beside it, and show the result."""
    from benchmarks import keeping, results  # noqa: PLC0415 - behind the quiet import

    path = target(path, keeping.shortcoming(path, result, {h5.stem for h5 in shipped_models()}))
    results.write(path, result, samples)
    _show(path, result)


def target(path: Path, reason: str | None) -> Path:
    """Return ``path``, or where to write what for the ``reason`` is not to replace it."""
    from benchmarks import results  # noqa: PLC0415 - behind the quiet import

    if reason is None:
        return path
    beside = results.partial(path)
    _complain(
        f"{path} stays as it is: this run {reason}, and goes to {beside}, which no report shows; "
        f"remove {path.name} to have it replaced"
    )
    return beside


def _announce(variants: int, rounds: int) -> None:
    minutes = _MINUTES + _MINUTES_A_ROUND * rounds
    print(
        f"{variants} variants in {rounds} rounds, then the loop: on a PC of two cores about "
        f"{minutes:.0f} minutes, on a Raspberry Pi several times that …",
        flush=True,
    )


def _show(path: Path, result: Mapping[str, Any]) -> None:
    from benchmarks.report import tables  # noqa: PLC0415 - matplotlib takes a second

    Console().print(tables.terminal_table(result))
    print(f"measured in {result['minutes']} minutes")
    shown = path.stem == result["device"]["name"]
    further = "; 'make document' puts the tables in the README and the card" if shown else ""
    print(f"wrote {path}{further}")
    _write_pages(path.parent)


def _write_pages(folder: Path) -> None:
    from benchmarks.report import pages  # noqa: PLC0415 - matplotlib takes a second

    for problem in pages.write(folder):
        _complain(f"not in the report: {problem}")
    print(f"wrote {folder / pages.MARKDOWN} and {folder / pages.HTML}")


def checked(models: Sequence[Path], rounds: int, path: Path, device: Device) -> list[Subject]:
    """Return the rows to measure, once everything that can be refused beforehand is not."""
    if rounds < 2:  # a percentile needs samples
        raise BenchmarkError(f"rounds: expected 2 or more, found {rounds}; give a larger number")
    check_target(path)
    check_target(path.with_suffix(SAMPLES_SUFFIX))
    host.check(device)
    chosen = subjects(models or shipped_models())
    if not any(subject.path.is_file() for subject in chosen):
        raise BenchmarkError(
            f"{', '.join(map(str, models)) or 'models'}: expected a model or its TFLite files, "
            "found none; run 'make train' and 'make convert'"
        )
    return chosen


def failures(result: Mapping[str, Any]) -> int:
    """Print a line for all that could not be measured or does not count; return the exit code.

    What was left out has been said when it was.
    """
    problems = [f"{row['name']}: {row['error']}" for row in result["subjects"] if row["error"]]
    detectors = result["loop"]["detectors"] if result["loop"] else ()
    problems += [f"detector left out: {row['error']}" for row in detectors if row["error"]]
    if result["void"]:
        problems.append(
            f"this run does not count: {result['void']}; set the governor, cool the machine or "
            "mend its supply, restart it if it was throttled, and measure again"
        )
    for problem in problems:
        _complain(problem)
    return 1 if problems or result["left_out"] or result["loop"] is None else 0


def _complain(problem: str) -> None:
    print(problem, file=sys.stderr)


@app.command
def compare(base: Path, new: Path | None = None, *, fewer: bool = False) -> int:
    """Say what became slower or less accurate beyond the noise of both runs; exit with 1 if so.

    Parameters
    ----------
    base
        The earlier results of 'make bench' on this machine, with their raw samples beside them.
    new
        The later ones; without it, those of this machine's last run in benchmarks/results, also of
        one that measured less.
    fewer
        The later run was meant to measure less: what it lacks is said and not worse.
    """
    from benchmarks import comparison, keeping  # noqa: PLC0415 - loads scipy

    later = new or keeping.last(_RESULTS / f"{host.name(Device())}.json")
    if new is None:
        print(f"comparing with {later}")
    found = comparison.compare(base, later, fewer=fewer)
    if any(row.shown for row in found):
        Console().print(comparison.table(found))
    print(comparison.summary(found))
    return 1 if any(row.regression for row in found) else 0


@app.command
def evaluate(*, images: Path = Path("images"), output: Path = _RESULTS) -> None:
    """Measure the deployed files of the compared recipes beyond one number.

    Calibration and coverage, robustness, and what the derived framing is worth: one JSON and two
    figures.

    Parameters
    ----------
    images
        The data set.
    output
        The folder for the results.
    """
    from benchmarks import evaluation  # noqa: PLC0415 - loads OpenCV and matplotlib
    from edge.detectors.blazeface import BlazeFace  # noqa: PLC0415

    check_target(output / evaluation.NAME)
    print("every model under every disturbance, which takes a minute or two …", flush=True)
    result = evaluation.evaluate(shipped_models(), images, BlazeFace())
    evaluation.write(output, result)
    print(
        f"wrote {output / evaluation.NAME} and its figures; 'make document' puts them in the card"
    )


@app.command
def peers(*, images: Path = Path("images"), output: Path = _RESULTS, rounds: int = 10) -> int:
    """Measure the public alternatives and ours in turn on the same frames and faces: one JSON.

    Parameters
    ----------
    images
        The data set. Without it, accuracy is left out.
    output
        The folder for the results.
    rounds
        Rounds in which each takes its turn.
    """
    from benchmarks.peers import measure, registry, report  # noqa: PLC0415 - loads OpenCV

    if rounds < 1:
        raise BenchmarkError(f"rounds: expected 1 or more, found {rounds}; give a larger number")
    check_target(output / report.NAME)
    try:
        faces = report.validation_faces(images)
    except DatasetError as error:
        faces = None
        print(f"accuracy left out: {error}", file=sys.stderr)
    result = report.compare(registry.PEERS, faces, measure.Effort(rounds=rounds))
    reason = report.shortcoming(output, result)
    path = target(output / report.NAME, reason)
    report.write(path, result)
    further = "" if reason else "; 'make document' puts it in the README"
    print(f"wrote {path}{further}")
    failed = report.failures(result)
    for line in failed:
        print(line, file=sys.stderr)
    return 1 if failed else 0


@app.command
def document(*, output: Path = _RESULTS) -> None:
    """Write the report, and the tables of the last results into the README and the model card.

    Parameters
    ----------
    output
        The folder that holds the results.
    """
    from benchmarks import documents  # noqa: PLC0415 - matplotlib takes a second

    for path, text in documents.current(Path(), output).items():
        write_text(path, text)
        print(f"wrote {path}")
    _write_pages(output)


@app.command
def picture(*, frame: int = 45, output: Path = Path("images/overlay.jpg")) -> None:
    """Write a frame of the demo with its overlay, as the README shows it.

    Parameters
    ----------
    frame
        Which frame; the ones before it are processed too, so that the tracks have settled.
    output
        The picture to write.
    """
    if not 0 <= frame < _MAX_FRAME:
        raise BenchmarkError(f"frame: expected 0…{_MAX_FRAME - 1}, found {frame}; give another")
    from benchmarks.picture import write_picture  # noqa: PLC0415

    write_picture(frame, output)
    print(f"wrote {output}")


if __name__ == "__main__":
    run(app, BenchmarkError)
