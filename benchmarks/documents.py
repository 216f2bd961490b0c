"""The documents whose tables are generated: which section comes from which results."""

from __future__ import annotations

from pathlib import Path

from benchmarks import evaluation, report, results, runtime_report
from benchmarks.peers import report as peers
from train import ingredients, trainings

_DOCUMENTS = {
    Path("README.md"): ("targets", "stages", "intervals", "camera", "peers"),
    Path("models/README.md"): (
        *("targets", "trainings", "ingredients", "results", "calibration", "robustness", "framing"),
    ),
}
"""The generated sections of each."""


def current(root: Path, folder: Path) -> dict[Path, str]:
    """Return each document under ``root`` as the results in ``folder`` would have it.

    Raises ``ResultsError``, and ``BenchmarkError`` where a document lacks the markers of a section.
    """
    measured = results.read(results.devices(root / folder)[0])
    sections = {"results": report.table(measured), "targets": report.targets(measured)}
    sections |= evaluation.sections(evaluation.read(root / folder))
    sections |= runtime_report.sections(measured)
    sections["peers"] = peers.table(peers.read(root / folder))
    sections["trainings"] = trainings.table(trainings.read(root))
    sections["ingredients"] = ingredients.table(ingredients.read(root / ingredients.RESULTS))
    texts = {}
    for path, shown in _DOCUMENTS.items():
        text = (root / path).read_text(encoding="utf-8")
        for section in shown:
            text = report.insert(text, section, sections[section], str(path))
        texts[root / path] = text
    return texts
