"""The documents whose tables are generated: what stands between markers is replaced.

A marker is ``<!-- name -->``, its end ``<!-- /name -->``. Names that are not known here, and tables
whose results are missing, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import report
from benchmarks.material import gather
from edge.files import write_text
from train import ablation, ensemble, few, trainings
from train.recipes import DEPLOYED

DOCUMENTS = ("README.md", "models/README.md", "docs/*.md")
_MARKED = re.compile(r"(<!-- ([\w-]+) -->\n).*?(<!-- /\2 -->)", re.DOTALL)
Section = Callable[[str], str | None]


def current(root: Path, folder: Path) -> Mapping[Path, str]:
    """Return each document below ``root`` as the results in ``folder`` would have it."""
    found = gather(root / folder)
    training = _of_training(root)

    def section(name: str) -> str | None:
        return training.get(name) or report.section(name, found)

    return {path: filled(path.read_text(encoding="utf-8"), section) for path in paths(root)}


def paths(root: Path) -> list[Path]:
    """Return the documents below ``root``."""
    return [path for pattern in DOCUMENTS for path in sorted(root.glob(pattern))]


def filled(text: str, section: Section) -> str:
    """Return ``text`` with every table that ``section`` knows by the name of its marker."""

    def replacement(found: re.Match[str]) -> str:
        start, name, end = found.groups()
        table = section(name)
        return found[0] if table is None else f"{start}{table}{end}"

    return _MARKED.sub(replacement, text)


def write(root: Path, folder: Path) -> list[Path]:
    """Write the documents that differ, and return them."""
    changed = [
        (path, text)
        for path, text in current(root, folder).items()
        if text != path.read_text(encoding="utf-8")
    ]
    for path, text in changed:
        write_text(path, text)
    return [path for path, _ in changed]


def _of_training(root: Path) -> Mapping[str, str]:
    """The tables of the train package."""
    reports = trainings.read(root)
    deployed = next(report for report in reports if report["recipe"]["name"] == DEPLOYED)
    tables = {
        "trainings": trainings.table(reports) + "\n",
        "classes": trainings.classes(deployed) + "\n",
        "ablation": ablation.table(ablation.read(root / ablation.RESULTS)) + "\n",
    }
    results = ("few", few, few.RESULTS), ("teachers", ensemble, ensemble.RESULT)
    for name, module, path in results:
        if (root / path).exists():
            tables[name] = module.table(module.read(root / path)) + "\n"
    return tables
