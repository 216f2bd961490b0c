"""What a few images give is measured by small trainings, and goes on where it was interrupted."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.train.detectors import WholeImage
from tests.train.test_transfer import keep_model
from train.data import Split, load_split
from train.errors import ReportError
from train.few import RESULTS, SEEDS, STARTS, Task, drawn, grouped, read, run, sampled, table
from train.few import write_images as write
from train.recipes import DEPLOYED, OWN


def row(start: str, seed: int, top1: float) -> dict[str, Any]:
    return {
        **{"task": "three classes", "each": 50, "start": start, "seed": seed, "top1": top1},
        **{"commit": "abc", "machine": "a CPU", "date": "2026-01-01", "minutes": 0.5},
    }


def test_the_table_shows_means_with_their_intervals() -> None:
    rows = [row("own", seed, 0.5 + 0.01 * seed) for seed in range(3)]
    rows += [row("tuned", seed, 0.7) for seed in range(3)]
    lines = table(rows).splitlines()
    # the standard error of 50, 51, 52 is 0.577, the quantile of Student's t with two degrees 4.303
    assert lines[2] == "| three classes | 50 | 51.0 ± 2.5 | 70.0 ± 0.0 | 19.0 ± 2.5 |"
    assert "mean of 3 samples" in lines[-1]
    assert "| 50.0 | – | – |" in table(rows[:1])


def test_classes_are_put_together(train_split: Split) -> None:
    split = grouped(train_split, {"up": ("surprise",), "down": ("sad", "fear")})
    assert split.classes == ("down", "up")
    old = [name.split("/")[1] for name in split.names]
    assert [split.classes[label] for label in split.labels] == [
        {"surprise": "up", "sad": "down", "fear": "down"}[name] for name in old
    ]
    assert set(old) == {"surprise", "sad", "fear"}


def test_a_sample_has_as_many_of_each_class_and_another_seed_has_others() -> None:
    pool = drawn("train", 30, 0)
    first, same, other = (sampled(pool, 10, seed) for seed in (0, 0, 1))
    assert np.bincount(first.labels).tolist() == [10, 10, 10]
    assert first.names == same.names
    assert first.names != other.names


def test_drawn_faces_differ_within_a_class_and_are_written_as_a_data_set(tmp_path: Path) -> None:
    split = drawn("train", 20, 0)
    assert len({image.tobytes() for image in split.images}) == 60
    write(tmp_path, split, drawn("validation", 4, 1))
    found = load_split(tmp_path, "train")
    assert found.classes == split.classes == ("closed", "open", "winking")
    np.testing.assert_array_equal(found.images, split.images)


def test_only_what_is_missing_is_trained(
    tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keep_model(dataclasses.replace(tiny, name=DEPLOYED), 0)
    small = {name: dataclasses.replace(recipe, epochs=1) for name, recipe in OWN.items()}
    small["own"] = dataclasses.replace(tiny, name="own", epochs=1)
    task = Task("eyes", drawn("train", 8, 0), drawn("validation", 4, 1), 6)

    def rows(recipes: dict[str, Any]) -> list[dict[str, Any]]:
        found = run(
            tmp_path, Path("few.json"), WholeImage(), 1, make=lambda _: [task], recipes=recipes
        )
        return list(found)

    first = rows(small)
    assert [each["start"] for each in first] == list(STARTS)
    assert all(0 <= each["top1"] <= 1 for each in first)
    assert first[1]["trained"]["warm_start"]["recipe"] == "models/Finalmodel.h5"
    assert rows(small) == []
    small["own"] = dataclasses.replace(small["own"], epochs=2)
    assert [each["start"] for each in rows(small)] == ["own"]
    assert {each["start"] for each in read(Path("few.json"))} == set(STARTS)


@pytest.mark.parametrize("content", ["", "1", "[]", '[{"task": "a"}]'])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "few.json").write_text(content)
    with pytest.raises(ReportError, match="train few"):
        read(tmp_path / "few.json")


def test_the_shipped_rows_are_all_there(repository: Path) -> None:
    found = [
        (row["task"], row["each"], row["seed"], row["start"]) for row in read(repository / RESULTS)
    ]
    kinds = list(dict.fromkeys((task, each) for task, each, _, _ in found))
    assert len(kinds) == 4
    assert found == [
        (*kind, seed, start) for kind in kinds for seed in range(SEEDS) for start in STARTS
    ]
