"""The documents whose tables are generated: which section comes from which results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import evaluation, results, runtime_report
from benchmarks.errors import ResultsError
from benchmarks.peers import report as peers
from benchmarks.report import tables
from benchmarks.report.evidence import Result, newest, with_accuracy
from benchmarks.subjects import subjects
from train import ingredients, trainings
from train.recipes import COMPARED, model_path

_DOCUMENTS = {
    Path("README.md"): ("targets", "stages", "throughput", "intervals", "camera", "peers"),
    Path("models/README.md"): (
        *("targets", "trainings", "ingredients", "results", "calibration", "robustness", "framing"),
    ),
}
"""The generated sections of each."""


def current(root: Path, folder: Path) -> dict[Path, str]:
    """Return each document under ``root`` as the results in ``folder`` would have it.

    What is of one device is of the one that was measured last.

    Raises ``ResultsError``, also where no run counts or none knows an accuracy: the documents keep
    what they have. Raises ``BenchmarkError`` where a document lacks the markers of a section.
    """
    found = [results.read(path) for path in results.devices(root / folder)]
    found = [result for result in found if not result["void"]]
    accurate = with_accuracy(found)
    if accurate is None:
        raise ResultsError(
            f"{folder}: expected a run that counts and has accuracy, found none; put the data in "
            f"place and run '{results.COMMAND}' again"
        )
    sections = {"targets": f"{tables.targets(found)}{_outdated(root, _files(accurate))}"}
    sections |= _of_one(root, found)
    evaluated, compared = evaluation.read(root / folder), peers.read(root / folder)
    sections |= {
        name: f"{text}{_outdated(root, evaluated['models'])}"
        for name, text in evaluation.sections(evaluated).items()
    }
    sections["peers"] = f"{peers.table(compared)}{_outdated(root, compared['models'])}"
    sections["trainings"] = trainings.table(trainings.read(root))
    sections["ingredients"] = ingredients.table(ingredients.read(root / ingredients.RESULTS))
    texts = {}
    for path, shown in _DOCUMENTS.items():
        text = (root / path).read_text(encoding="utf-8")
        for section in shown:
            text = tables.insert(text, section, sections[section], str(path))
        texts[root / path] = text
    return texts


def _outdated(root: Path, models: Mapping[str, str]) -> str:
    """What to add to figures of files that have been replaced; ``models`` are their digests."""
    files = {row.path.name: root / row.path for row in subjects(list(map(model_path, COMPARED)))}
    present = {name: path for name, path in files.items() if name in models and path.is_file()}
    other = [
        name for name, digest in results.digests(present.values()).items() if digest != models[name]
    ]
    return f" Measured before the present {' and '.join(other)} was made." if other else ""


def _files(result: Result, deployed: bool = False) -> dict[str, str]:
    """The digests of the files that a bench measured, or of the ``deployed`` one alone."""
    rows = [row for row in result["subjects"] if row["deployed"] or not deployed]
    return {row["file"]: row["sha256"] for row in rows if row["sha256"]}


def _of_one(root: Path, found: Sequence[Result]) -> dict[str, str]:
    """The sections of the device that was measured last; where there are several, they say so.

    Of the loop it is the last one that could measure it.
    """
    last = newest(found)
    assert last is not None, "a folder without a device was refused"
    looped = newest(result for result in found if result["loop"]) or last
    outdated = _outdated(root, _files(looped, deployed=True))
    sections = {"results": f"{tables.table(last)}{_outdated(root, _files(last))}"} | {
        name: f"{text}{outdated}" for name, text in runtime_report.sections(looped).items()
    }
    if len(found) == 1:
        return sections
    note = f"Of {len(found)} devices this one was measured last; the report has them all."
    return {name: f"{text} {note}" for name, text in sections.items()}
