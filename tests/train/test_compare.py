"""Two trainings side by side."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from train.cli import PlainConsole
from train.compare import Run, comparison, comparison_figure, mcnemar, read
from train.errors import ReportError
from train.metrics import pack
from train.report import save_figure


def report(
    right: Sequence[bool] = (),
    seed: int = 0,
    classes: Sequence[str] = ("cat", "[dog]"),
    **fields: Any,
) -> dict[str, Any]:
    """A report as ``train`` writes it, of what ``compare`` reads."""
    curve = [1.0, 0.5 + seed / 10, 0.4]
    return {
        "recipe": {"name": "own", "epochs": 3, "sets": [[8], [16]], "augmentation": None},
        "seed": seed,
        "data": "f00d",
        "minutes": 1.5,
        "parameters": 1234,
        "validation": {
            "images": len(right) or 40,
            "top1": 0.5 + seed / 10,
            "macro_f1": 0.4,
            "per_class": {name: {"f1": 0.25 + seed / 10, "support": 9} for name in classes},
            **({"right": pack(np.array(right))} if right else {}),
        },
        "history": dict.fromkeys(("loss", "val_loss", "accuracy", "val_accuracy"), curve),
    } | fields


def run(*arguments: Any, **fields: Any) -> Run:
    return msgspec.convert(report(*arguments, **fields), Run)


def text(a: Run, b: Run) -> str:
    console = PlainConsole(file=io.StringIO(), width=100)
    console.print(comparison(a, b))
    return console.file.getvalue()


def test_each_class_and_the_totals_have_their_difference() -> None:
    lines = [line.split() for line in text(run(), run(seed=1)).splitlines()]
    figures = {line[1]: line for line in lines if line and line[0] == "│"}
    assert figures["cat"][3::2][:3] == ["0.250", "0.350", "+0.100"]
    assert figures["[dog]"][3::2][:3] == ["0.250", "0.350", "+0.100"]
    assert figures["top-1"][3:9:2] == ["50.00%", "60.00%", "+10.00"]
    assert figures["seed"][3:7:2] == ["0", "1"]


def test_recipes_are_compared_by_what_they_mean() -> None:
    """A field that an older recipe lacks has its default; a part is compared field by field."""
    other = {
        "name": "own",
        "epochs": 5,
        "sets": [[8], [16]],
        "side": 48,
        "augmentation": {"blur": 1},
    }
    said = text(run(), run(recipe=other))
    differing = said[said.index("recipe") :]
    assert "epochs" in differing
    assert "augmentation.blur" in differing
    assert not any(name in differing for name in ("sets", "side", "seed", "null", "name"))
    assert "the recipes and seeds are the same" in text(run(), run())


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        # Binomial, 20 of 20 and 3 of 5: 2 / 2**20, and all that is as likely or less.
        ([True] * 40, [True] * 20 + [False] * 20, "A alone has 20 right, B alone 0: A is better"),
        (
            [False] * 20 + [True] * 20,
            [True] * 40,
            "B is better (McNemar's exact test, p = 1.9e-06)",
        ),
        ([True] * 3 + [False] * 2, [False] * 3 + [True] * 2, "may be chance .*p = 1\\)"),
        ([True] * 5, [True] * 5, "A alone has 0 right, B alone 0: the difference may be chance"),
    ],
)
def test_mcnemar_says_whether_it_may_be_chance(a: list[bool], b: list[bool], said: str) -> None:
    pattern = said if "\\" in said else re.escape(said)
    assert re.search(pattern, mcnemar(run(a), run(b)))


def test_mcnemar_needs_the_same_images_and_which_were_right() -> None:
    right = run([True] * 40)
    assert "different images" in mcnemar(right, run([True] * 40, data="beef"))
    assert mcnemar(right, run()).endswith("train B again")
    assert mcnemar(run(), run()).endswith("train A and B again")


def test_other_classes_are_said_and_totals_compared(tmp_path: Path) -> None:
    other = run(classes=("cat", "cow", "hen"), data="beef", seed=1)
    said = text(run(), other)
    assert "the classes differ, so that totals alone compare: cat, [dog]; cat, cow, hen" in said
    assert "+10.00 points" in said
    assert "0.250" not in said
    assert "different images" in said
    assert len(comparison_figure(run(), other).axes) == 2


@pytest.mark.parametrize("classes", [("a", "b"), [f"class {i}" for i in range(100)], ("$a", "怒")])
def test_the_figure_has_the_curves_and_the_classes(classes, tmp_path: Path) -> None:
    figure = comparison_figure(run(classes=classes), run(classes=classes, seed=1))
    loss, accuracy, f1 = figure.axes
    assert [line.get_label() for line in loss.lines] == [
        *("A, training", "A, validation", "B, training", "B, validation"),
    ]
    assert accuracy.lines[2].get_ydata().tolist() == [1.0, 0.6, 0.4]
    assert [bar.get_height() for bar in f1.patches] == pytest.approx(
        [0.25] * len(classes) + [0.35] * len(classes)
    )
    save_figure(figure, tmp_path / "a.png")
    assert cv2.imread(str(tmp_path / "a.png")).std() > 5
    assert not f1.bbox.overlaps(loss.bbox)


def test_every_report_that_is_shipped_can_be_read(repository: Path) -> None:
    paths = sorted((repository / "models").rglob("*_report.json"))
    assert len(paths) > 5
    for path in paths:
        assert read(str(path)).validation.images > 0


def test_a_run_is_named_by_its_recipe_its_model_or_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "models/mine/mine_report.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(report(seed=7)))
    for named in ("mine", "mine.toml", "models/mine/mine.h5", str(place)):
        assert read(named).seed == 7


@pytest.mark.parametrize(
    "content",
    [
        "", "no JSON", "[]", "{}", "[" * 5000, '{"recipe": {}}', b"\xff\xfe\x00",
        json.dumps(report(history={})),
        json.dumps(report() | {"seed": "x"}),
        json.dumps(report(classes=())),
        json.dumps(report() | {"history": report()["history"] | {"loss": [1.0]}}),
        json.dumps(report() | {"validation": report([True] * 9)["validation"] | {"images": 90}}),
        json.dumps(report() | {"validation": report()["validation"] | {"right": "xyz"}}),
    ],
)  # fmt: skip
def test_what_is_no_report_is_said_in_one_line(content: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "a_report.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReportError, match="expected the report of a training, found: ") as caught:
        read(str(path))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


def compare(repository: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "train", "compare", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command(repository: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 1)):
        content = json.dumps(report([True] * (30 + seed), seed))
        (tmp_path / f"{name}_report.json").write_text(content)
    done = compare(repository, tmp_path, "a.h5", "b_report.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "wrote compare.png" in done.stdout
    assert cv2.imread(str(tmp_path / "compare.png")).shape[2] == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.h5", "none"), "models/none/none_report.json: expected the report .* no such file"),
        (("a.h5", "a.h5", "--output", "a.jpg"), "output: expected a name that ends in .png"),
        (("a.h5", "a.h5", "--output", "/proc/a.png"), "/proc/a.png: expected to use it, found"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], said: str, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "a_report.json").write_text(json.dumps(report()))
    done = compare(repository, tmp_path, *arguments)
    assert done.returncode == 1
    assert re.match(said, done.stderr), done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a_report.json"]
