"""The table of the trainings whose reports are shipped: of the models and of further seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from train.recipes import RECIPES, TEACHERS, model_path
from train.results import read_result
from train.tables import markdown

AGAIN = "models/seeds/*_report.json"
"""Reports of trainings with another seed, as ``SEED=1 H5=models/seeds/final-1.h5`` makes them: how
well the shipped ones can be repeated."""
_COLUMNS = (
    *("recipe", "warm start", "teachers", "seed", "epochs", "minutes", "parameters", "top-1"),
    *("FER+ top-1", "macro-F1", "commit", "date"),
)


def read(root: Path) -> list[dict[str, Any]]:
    """Read the reports under ``root``: of ``RECIPES``, of the teachers that are there, of seeds.

    Raises ``ReportError``.
    """
    shipped = [name for name in TEACHERS if (root / model_path(name)).exists()]
    models = [root / model_path(name) for name in (*RECIPES, *shipped)]
    paths = [path.with_name(f"{path.stem}_report.json") for path in models]
    return [
        dict(read_result(path, "fit", lambda report: table([report])))
        for path in (*paths, *sorted(root.glob(AGAIN)))
    ]


def table(reports: Sequence[Mapping[str, Any]]) -> str:
    """Return the reports as a Markdown table with a line that says what it shows."""
    machines = "; ".join(sorted({report["machine"] for report in reports}))
    note = (
        "Of the h5 in float32 on the validation split, written by `make train` on "
        f"{machines}. The minutes are those of the epochs, without asking the teachers once; they "
        "depend on what else the machine did."
    )
    return "\n\n".join((markdown(_COLUMNS, map(_cells, reports), texts=3), note, *_seeds(reports)))


def classes(report: Mapping[str, Any]) -> str:
    """Return the precision and recall of each class as a Markdown table, by votes and by labels."""
    judges = {"FER+": report["validation_votes"], "label": report["validation"]}
    known = {name: figures["per_class"] for name, figures in judges.items() if figures}
    columns = [f"{what}, {name}" for name in known for what in ("images", "precision", "recall")]
    rows = [
        (name, *(cell for rows in known.values() for cell in _figures(rows[name])))
        for name in known["label"]
    ]
    note = (
        f"Of the h5 of `{report['recipe']['name']}` on the validation split, written by `make "
        f"train` (commit {report['commit']}, {report['date']})."
    )
    return markdown(("expression", *columns), rows) + f"\n\n{note}"


def _figures(row: Mapping[str, Any]) -> Sequence[str]:
    return f"{row['support']:,}", f"{row['precision']:.1%}", f"{row['recall']:.1%}"


def _seeds(reports: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for each recipe that was trained with several seeds: how far apart they are."""
    for name in dict.fromkeys(report["recipe"]["name"] for report in reports):
        own = [report for report in reports if report["recipe"]["name"] == name]
        if len(own) > 1:
            yield (
                f"The {len(own)} seeds of `{name}` lie {_spread(own, 'validation')} points apart "
                f"on FER2013's labels and {_spread(own, 'validation_votes')} on FER+; the first "
                "one is shipped."
            )


def _spread(reports: Sequence[Mapping[str, Any]], figures: str) -> str:
    known = [report[figures]["top1"] for report in reports if report[figures]]
    return f"{100 * (max(known) - min(known)):.2f}" if known else "–"


def _cells(report: Mapping[str, Any]) -> Sequence[str]:
    recipe, figures, votes = report["recipe"], report["validation"], report["validation_votes"]
    return (
        recipe["name"],
        recipe["warm_start"] or "random weights",
        ", ".join(f"{name} {share:.0%}" for name, share in recipe["teachers"]) or "–",
        str(report["seed"]),
        str(recipe["epochs"]),
        f"{report['minutes']:.0f}",
        f"{report['parameters']:,}",
        f"{figures['top1']:.2%}",
        f"{votes['top1']:.2%}" if votes else "–",
        f"{figures['macro_f1']:.3f}",
        report["commit"],
        report["date"],
    )
