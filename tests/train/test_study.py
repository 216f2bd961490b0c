"""The table of ingredients is made of short trainings, and goes on where it was interrupted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.train.detectors import WholeImage
from train.errors import ReportError
from train.ingredients import RESULTS, read, table
from train.recipes import completed, model_path
from train.session import train
from train.study import BASE, INGREDIENTS, run


def row(name: str, top1: float) -> dict:
    return {
        **{"ingredient": name, "seed": 0, "recipe": BASE.to_dict(), "data": "d"},
        **{"origins": {}, "commit": "abc"},
        **{"machine": "a processor", "date": "2026-01-01", "epochs": 10, "minutes": 7.6},
        **{"multiply_accumulates": 64_400_000, "loss": 1.2345, "top1": top1},
        **{"top1_votes": 0.7, "macro_f1": 0.5678},
    }


def test_only_what_is_missing_is_trained(tiny, images_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    changes: dict[str, dict[str, Any]] = {"as it is": {}, "faster": {"learning_rate": 1e-2}}
    first, second = run(images_folder, path, base=tiny, changes=changes)
    assert [first["ingredient"], second["ingredient"]] == list(changes)
    assert first["recipe"]["name"] == "tiny"
    assert 0 <= first["top1"] <= 1
    assert first["top1_votes"] is None, "nobody tagged these images"
    assert list(run(images_folder, path, base=tiny, changes=changes)) == []
    changes["faster"] = {"learning_rate": 2e-2}
    (again,) = run(images_folder, path, base=tiny, changes=changes)
    assert again["ingredient"] == "faster", "a row of another recipe is not taken for it"
    assert len(read(path)) == 2


def test_a_row_is_of_the_model_that_it_learns_from(
    tiny, images_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, teacher = tmp_path / "rows.json", model_path(tiny.name)
    changes = {"taught": {"start": "tiny", "teachers": (("tiny", 0.5),)}}
    for seed in (1, 2):
        train(tiny, seed, images_folder, teacher, WholeImage(), quiet=True)
        (row,) = run(images_folder, path, base=tiny, changes=changes)
        assert row["origins"]["start"] == row["origins"]["teacher tiny"]
        assert row["origins"]["start"]["seed"] == seed
        assert list(run(images_folder, path, base=tiny, changes=changes)) == []


def test_the_table_shows_the_rows() -> None:
    elsewhere = row("without", 0.55) | {"machine": "another PC"}
    lines = table([row("as it is", 0.6), elsewhere]).splitlines()
    assert lines[2] == "| as it is | 10 | 8 | 64 | 1.234 | 60.0% | 70.0% | 0.568 |"
    assert "commit abc" in lines[-1]
    assert "; another PC (last row" in lines[-1]


DAMAGED = [json.dumps([row("a", 0.6) | part]) for part in ({"recipe": {}}, {"minutes": None})]


@pytest.mark.parametrize("content", ["", "1", "[1]", "[]", '[{"ingredient": "a"}]', *DAMAGED])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(content)
    with pytest.raises(ReportError, match="train study"):
        read(path)


def test_the_shipped_rows_are_all_of_this_study(repository: Path) -> None:
    found = [(row["ingredient"], completed(row["recipe"])) for row in read(repository / RESULTS)]
    assert found == [
        (name, dataclasses.replace(BASE, **change).to_dict())
        for name, change in INGREDIENTS.items()
    ]
