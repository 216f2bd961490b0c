"""The documents whose tables are generated: which section comes from which results."""

from __future__ import annotations

from pathlib import Path

from benchmarks import evaluation, report, results
from train import ingredients

_CARD = Path("models/README.md")
_README_SECTIONS = ("targets",)
_BOTH = (Path("README.md"), _CARD)


def current(root: Path, folder: Path) -> dict[Path, str]:
    """Return each document under ``root`` as the results in ``folder`` would have it.

    Raises ``ResultsError``, and ``BenchmarkError`` where a document lacks the markers of a section.
    """
    measured = results.read(root / folder)
    sections = {"results": report.table(measured), "targets": report.targets(measured)}
    sections |= evaluation.sections(evaluation.read(root / folder))
    sections["ingredients"] = ingredients.table(ingredients.read(root / ingredients.RESULTS))
    texts = {}
    for path in _BOTH:
        text = (root / path).read_text(encoding="utf-8")
        for section in sections if path == _CARD else _README_SECTIONS:
            text = report.insert(text, section, sections[section], str(path))
        texts[root / path] = text
    return texts
