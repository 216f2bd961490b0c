"""``python -m benchmarks``: the command line. The only place here that prints or exits."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cv2
import cyclopts
from rich.console import Console

from benchmarks import bench, compare, machine, store, terminal
from benchmarks.bench import Plan
from benchmarks.candidates import DEPLOYED_FILE, Candidate, candidates, shipped_models
from benchmarks.errors import BenchmarkError
from benchmarks.results import Bench
from edge.device import Device
from edge.files import check_target
from edge.protocols import Detector
from edge.vision.blazeface import BlazeFace
from edge.vision.yunet import YuNet
from train import cli
from train.errors import TrainError
from train.native import native_stderr_hidden

app = cyclopts.App(
    name="benchmarks", help="Speed and accuracy of the h5 and the TFLite files.", version_flags=()
)
_RESULTS = Path("benchmarks/results")
_ROUNDS = 20


@app.default
def run(
    *,
    model: Annotated[Sequence[Path], cyclopts.Parameter(negative=())] = (),
    images: Path = Path("images"),
    output: Path = _RESULTS,
    rounds: int = _ROUNDS,
    python: Path = Path(sys.executable),
    keras: Path | None = None,
) -> int:
    """Measure all variants interleaved, then whole frames; write results and the report.

    Parameters
    ----------
    model
        An h5 with its TFLite files beside it, any number of times; by default those compared.
    images
        The data set. Without it, accuracy is left out.
    output
        The folder for the results.
    rounds
        2 or more. Fewer than 20, or models of your own, go into a partial result, which the report
        does not show.
    python
        The Python of an edge environment, whose start, memory and size are measured.
    keras
        The Python of an environment with Keras, for the h5; by default this one, if it has Keras.
    """
    if rounds < 2:
        raise BenchmarkError(f"rounds: expected 2 or more, found {rounds}; give a larger number")
    device = Device()
    path = output / f"{machine.name(device)}.json"
    check_target(path)
    machine.check(device)
    chosen = _chosen(model)
    print(f"{len(chosen)} variants in {rounds} rounds, then whole frames …", flush=True)
    plan = Plan(chosen, images, DEPLOYED_FILE, python, keras or _own_keras(), rounds)
    result, samples = bench.measure(plan, device)
    if model or rounds < _ROUNDS or result.loop is None or result.invalid:
        path = store.partial(path)
    store.write(path, result, samples)
    Console().print(terminal.bench_table(result))
    print(f"measured in {result.minutes} minutes; wrote {path}")
    _write_report(output)
    return _failures(result)


def _chosen(models: Sequence[Path]) -> list[Candidate]:
    chosen = candidates(models or shipped_models())
    if not any(each.path.is_file() for each in chosen):
        raise BenchmarkError(
            f"{', '.join(map(str, models)) or 'models'}: expected a model or its TFLite files, "
            "found none; run 'make train' and 'make convert'"
        )
    return chosen


def _own_keras() -> Path | None:
    return Path(sys.executable) if importlib.util.find_spec("keras") else None


def _write_report(folder: Path) -> None:
    try:
        from benchmarks import report  # noqa: PLC0415 - a device may lack what draws and renders
    except ModuleNotFoundError as error:
        print(f"the report is left to 'make document': no {error.name} here")
        return
    for path in report.write(folder):
        print(f"wrote {path}")


def _failures(result: Bench) -> int:
    """Say what failed; return the exit code. A missing data set or Keras is no failure."""
    problems = [f"{row.name}: {row.error}" for row in result.rows if row.error]
    if result.invalid:
        problems.append(f"the run is invalid: {result.invalid}")
    if result.loop is None:
        problems.append("whole frames were not measured")
    for problem in problems:
        _complain(problem)
    return 1 if problems else 0


def _complain(problem: object) -> None:
    print(" ".join(str(problem).split()), file=sys.stderr)


@app.command(name="compare")
def compare_runs(base: Path, new: Path | None = None, *, fewer: bool = False) -> int:
    """Say what became slower or less accurate beyond the noise; exit with 1 if so.

    Parameters
    ----------
    base
        The earlier results of 'make bench' on this machine.
    new
        The later ones; by default those of the last run in benchmarks/results.
    fewer
        The later run was meant to measure less: what it lacks is no regression.
    """
    path = _RESULTS / f"{machine.name(Device())}.json"
    runs = [each for each in (path, store.partial(path)) if each.exists()]
    last = max(runs, key=lambda each: each.stat().st_mtime_ns, default=path)
    earlier, later = (store.read(each, Bench) for each in (base, new or last))
    found = compare.compare(earlier, later, fewer=fewer)
    if any(each.verdict for each in found):
        Console().print(terminal.compare_table(found))
    worse = sum(each.worse for each in found)
    print(f"{len(found)} figures compared with {new or last}, {worse} worse")
    return 1 if worse else 0


@app.command
def evaluate(
    *, images: Path = Path("images"), output: Path = _RESULTS, yunet: Path | None = None
) -> None:
    """Measure calibration, copies, robustness and framing of the deployed files, and the search.

    Parameters
    ----------
    images
        The data set.
    yunet
        OpenCV's file of YuNet, to have that detector in the table of the search too.
    output
        The folder for the results.
    """
    from benchmarks import evaluate as evaluation  # noqa: PLC0415

    path = output / evaluation.NAME
    check_target(path)
    print("every model under every disturbance, the search, sequences: some minutes …", flush=True)
    detectors: list[Detector] = [BlazeFace()]
    if yunet:
        detectors.append(YuNet(yunet))
    store.write(path, evaluation.evaluate(shipped_models(), images, detectors))
    print(f"wrote {path}")
    _write_report(output)


@app.command
def photographs(photos: Path, *, classes: str = "", output: Path = _RESULTS) -> None:
    """Measure the deployed files on labelled photographs.

    Parameters
    ----------
    photos
        A ZIP archive or a folder with pictures and one CSV file. Its columns are file and label,
        and left, top, right and bottom where the faces' boxes are known.
    classes
        The labels that count in totals, with commas between them; by default those of 50 faces or
        more.
    output
        The folder for the results.
    """
    from benchmarks import photographs as labelled  # noqa: PLC0415

    path = output / labelled.NAME
    check_target(path)
    print("every model on every face …", flush=True)
    counted = [each.strip() for each in classes.split(",") if each.strip()]
    with native_stderr_hidden():
        detector = BlazeFace()
    store.write(path, labelled.evaluate(photos, shipped_models(), counted, detector))
    print(f"wrote {path}")
    _write_report(output)


@app.command
def peers(*, images: Path = Path("images"), output: Path = _RESULTS, rounds: int = 10) -> int:
    """Measure ours and the public alternatives interleaved on the same frames and faces.

    Parameters
    ----------
    images
        The data set. Without it, accuracy is left out.
    output
        The folder for the results.
    rounds
        Rounds of a second for each.
    """
    from benchmarks.peers import measure  # noqa: PLC0415

    path = output / measure.NAME
    check_target(path)
    try:
        faces = measure.validation_faces(images)
    except TrainError as error:
        _complain(f"accuracy left out: {error}")
        faces = None
    result = measure.measure(faces, rounds)
    store.write(path, result)
    print(f"wrote {path}")
    _write_report(output)
    problems = [f"{row.name}: {row.error}" for row in result.rows if row.error]
    for problem in problems:
        _complain(problem)
    return 1 if problems else 0


@app.command
def scanning(*, output: Path = _RESULTS, rounds: int = 3) -> None:
    """Measure scans: their speed and memory, and how far one scheduler reaches.

    Parameters
    ----------
    output
        The folder for the results.
    rounds
        Rounds in which each way to scan runs once.
    """
    from benchmarks import scanning as scans  # noqa: PLC0415

    path = output / scans.NAME
    check_target(path)
    if rounds < 1:
        raise BenchmarkError(f"rounds: expected 1 or more, found {rounds}; give a larger number")
    print("clips, their memory, the ways to scan in turn, 20,000 files: some minutes …", flush=True)
    store.write(path, scans.measure(rounds))
    print(f"wrote {path}")
    _write_report(output)


@app.command
def document(*, output: Path = _RESULTS) -> None:
    """Write the report, and the tables of the last results into the documents.

    Parameters
    ----------
    output
        The folder that holds the results.
    """
    from benchmarks import documents, report  # noqa: PLC0415

    for path in (*documents.write(Path(), output), *report.write(output)):
        print(f"wrote {path}")


if __name__ == "__main__":
    cv2.setNumThreads(1)  # as the runtime's own command line does
    cli.run(app, BenchmarkError)
