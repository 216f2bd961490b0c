"""What a training shows of itself: a bar on a terminal, lines in a pipe."""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from train.data import Split
from train.examples import plain_examples
from train.fit import FLOAT32, Training, fit
from train.progress import TrainingProgress


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def steps(progress: TrainingProgress, clock: Clock, epoch: int, count: int, each: float) -> None:
    progress.on_epoch_begin(epoch)
    for step in range(count):
        clock.now += each
        progress.on_train_batch_end(step, {"loss": 1.2 + step / 100, "accuracy": 0.612})


def test_a_pipe_gets_a_line_an_epoch_and_every_15_seconds() -> None:
    text, clock = io.StringIO(), Clock()
    with TrainingProgress(3, 20, 0, Console(file=text), clock) as progress:
        steps(progress, clock, 0, 20, each=2)
        clock.now += 20
        progress.on_test_batch_end(0, {"loss": 9.0, "accuracy": 0.0})
        progress.on_epoch_end(0, {"loss": 1.0, "accuracy": 0.65, "val_accuracy": 0.583})
        steps(progress, clock, 1, 1, each=2)
    # The first step is not timed: after the eighth, 7 took 14 s, so that 52 take 104 s.
    assert text.getvalue().splitlines() == [
        "epoch 1 of 3 · 40 % · loss 1.270 · accuracy 61.2 % · 0:01:44 left",
        "epoch 1 of 3 · 80 % · loss 1.350 · accuracy 61.2 % · 0:01:28 left",
        "epoch 1 of 3 · 100 % · loss 1.390 · accuracy 61.2 % · 0:02:02 left",
        "epoch 1 of 3 · loss 1.000 · accuracy 65.0 % · validation accuracy 58.3 % · 0:02:02 left",
    ]


def test_a_resumed_run_times_its_own_epochs() -> None:
    text, clock = io.StringIO(), Clock()
    with TrainingProgress(10, 11, 8, Console(file=text), clock) as progress:
        steps(progress, clock, 8, 11, each=1)
        progress.on_epoch_end(8, {"loss": 1.0})
    assert text.getvalue() == "epoch 9 of 10 · loss 1.000 · accuracy 61.2 % · 0:00:11 left\n"


def test_nothing_is_said_of_a_time_that_nothing_tells() -> None:
    progress = TrainingProgress(2, 1, 0, Console(file=io.StringIO()), Clock())
    assert progress.line() == "epoch 1 of 2 · 0 %"
    progress.on_train_batch_end(0, {"loss": 1.0})
    assert progress.line() == "epoch 1 of 2 · 100 % · loss 1.000"


@pytest.mark.parametrize("width", [60, 120])
def test_a_terminal_has_a_bar_that_goes_away(width: int) -> None:
    text, clock = io.StringIO(), Clock()
    terminal = Console(file=text, force_terminal=True, width=width, color_system=None)
    with TrainingProgress(2, 4, 0, terminal, clock) as progress:
        steps(progress, clock, 0, 4, each=10)
        progress.on_epoch_end(0, {"val_accuracy": 0.5})
        shown = text.getvalue()
        assert "epoch 1 of 2 · loss 1.230 · accuracy 61.2 % · validation" in shown.replace(
            "\n", " "
        )
    rest = text.getvalue()[len(shown) :]
    assert "━" in rest
    assert "left" in rest, "a narrow terminal cuts nothing off"
    assert rest.endswith("\x1b[2K"), "the line of the bar is erased"


def test_a_training_shows_it_unless_it_is_quiet(
    tiny, train_split: Split, validation_split: Split, tmp_path: Path, capsys
) -> None:
    recipe = dataclasses.replace(tiny, epochs=2)
    examples = plain_examples(train_split), plain_examples(validation_split)
    fit(Training(recipe, 0, FLOAT32, tmp_path / "a.npz"), *examples, quiet=True)
    assert capsys.readouterr().out == ""
    fit(Training(recipe, 0, FLOAT32, tmp_path / "b.npz"), *examples)
    lines = capsys.readouterr().out.splitlines()
    figures = (
        r"loss \d\.\d{3} · accuracy \d+\.\d % · validation accuracy \d+\.\d % · 0:00:\d\d left"
    )
    assert [bool(re.fullmatch(rf"epoch [12] of 2 · {figures}", line)) for line in lines] == [
        True
    ] * 2
