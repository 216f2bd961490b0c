"""The table of ingredients is made of short trainings, and goes on where it was interrupted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from train.errors import ReportError
from train.study import INGREDIENTS, RESULTS, read, run, table


def row(name: str, top1: float) -> dict:
    return {
        **{"ingredient": name, "seed": 0, "recipe": {}, "data": "d", "commit": "abc"},
        **{"machine": "a processor", "date": "2026-01-01", "epochs": 10, "minutes": 7.6},
        **{"multiply_accumulates": 64_400_000, "loss": 1.2345, "top1": top1},
        **{"top1_votes": 0.7, "macro_f1": 0.5678},
    }


def test_only_what_is_missing_is_trained(tiny, images_folder: Path, tmp_path: Path) -> None:
    names = list(INGREDIENTS)
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([row(name, 0.6) for name in names[1:]]))
    (added,) = run(images_folder, path, base=tiny, changes={name: {} for name in names})
    assert added["ingredient"] == names[0]
    rows = read(path)
    assert len(rows) == len(names)
    assert rows[-1]["recipe"]["name"] == "tiny"
    assert 0 <= rows[-1]["top1"] <= 1
    assert rows[-1]["top1_votes"] is None, "nobody tagged these images"
    assert list(run(images_folder, path, base=tiny, changes={name: {} for name in names})) == []


def test_the_table_shows_the_rows() -> None:
    lines = table([row("as it is", 0.6), row("without", 0.55)]).splitlines()
    assert lines[2] == "| as it is | 10 | 8 | 64 | 1.234 | 60.0% | 70.0% | 0.568 |"
    assert "commit abc" in lines[-1]


@pytest.mark.parametrize("content", ["", "1", "[1]", '[{"ingredient": "a"}]'])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(content)
    with pytest.raises(ReportError, match="delete it"):
        read(path)


def test_the_shipped_rows_are_of_this_study(repository: Path) -> None:
    assert {r["ingredient"] for r in read(repository / RESULTS)} <= set(INGREDIENTS)
