"""The ablation table is made of short trainings, and goes on where it was interrupted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.train.detectors import WholeImage
from train.ablation import BASE, CHANGES, RESULTS, read, run, table
from train.errors import ReportError


def row(name: str, top1: float) -> dict[str, Any]:
    return {
        **{"changed": name, "seed": 0, "recipe": BASE.to_dict(), "data": "d"},
        **{"commit": "abc", "machine": "a processor", "date": "2026-01-01", "minutes": 7.6},
        **{"multiply_accumulates": 64_400_000, "loss": 1.2345, "top1": top1},
        **{"top1_votes": 0.7, "macro_f1": 0.5678},
    }


def test_only_what_is_missing_is_trained(tiny, images_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    base = dataclasses.replace(tiny, epochs=1)
    changes = {"as it is": {}, "faster": {"learning_rate": 1e-2}}
    done = row("as it is", 0.6) | {"recipe": base.to_dict()}
    of_another_recipe = row("faster", 0.7) | {"recipe": base.to_dict()}
    path.write_text(json.dumps([done, of_another_recipe]))

    def rows() -> list[dict[str, Any]]:
        return list(run(images_folder, path, WholeImage(), base=base, changes=changes))

    (trained,) = rows()
    assert trained["changed"] == "faster"
    assert trained["recipe"]["learning_rate"] == 1e-2
    assert 0 <= trained["top1"] <= 1
    assert trained["top1_votes"] is None, "nobody tagged these images"
    assert read(path) == [done, trained]
    assert rows() == []


def test_the_table_shows_the_rows() -> None:
    elsewhere = row("without", 0.55) | {"machine": "another PC"}
    lines = table([row("as it is", 0.6), elsewhere]).splitlines()
    assert lines[2] == "| as it is | 8 | 8 | 64 | 1.234 | 60.0% | 70.0% | 0.568 |"
    assert "commit abc" in lines[-1]
    assert "; another PC (last row" in lines[-1]


DAMAGED = [json.dumps([row("a", 0.6) | part]) for part in ({"recipe": {}}, {"minutes": None})]


@pytest.mark.parametrize("content", ["", "1", "[1]", "[]", '[{"changed": "a"}]', *DAMAGED])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(content)
    with pytest.raises(ReportError, match="train ablation"):
        read(path)


def test_the_shipped_rows_are_all_of_this_ablation(repository: Path) -> None:
    found = [(row["changed"], row["recipe"]) for row in read(repository / RESULTS)]
    assert found == [
        (name, dataclasses.replace(BASE, **change).to_dict()) for name, change in CHANGES.items()
    ]
