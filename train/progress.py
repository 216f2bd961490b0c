"""How far a training is, for people: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Mapping
from typing import Self

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

_EVERY = 15.0
"""Seconds between two lines of an epoch where there is no terminal."""
_BAR = 16
"""Characters."""


class TrainingProgress(keras.callbacks.Callback):
    """Shows epoch, loss, accuracy and the time that is left of the whole training.

    A context manager: an error or Ctrl-C in training takes the bar away as well.
    """

    async_safe = True
    """Keras may call from threads of its own: no step waits for the figures of the last one."""

    def __init__(
        self,
        epochs: int,
        steps: int,
        first: int = 0,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Show a training of ``epochs`` of so many ``steps``, of which ``first`` are done before.

        Where there is no terminal, there is a line at the end of each epoch, and one as soon as a
        step ends 15 seconds after the last.
        """
        super().__init__()
        self._epochs, self._steps, self._epoch, self._step = epochs, steps, first, 0
        self._console, self._clock = console or Console(), clock
        self._lock = threading.Lock()
        self._figures: dict[str, float] = {}
        self._said = clock()
        self._began: tuple[float, int] | None = None
        """When the first step ended, and its number. It is not timed: TensorFlow compiles in it."""
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        """Show the bar where there is a terminal."""
        if self._console.is_terminal:
            text = TextColumn("{task.description}", markup=False, table_column=Column())
            self._bar = Progress(BarColumn(_BAR), text, console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self.line(), total=self._epochs * self._steps)
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away; the lines of the epochs stay."""
        if self._bar:
            self._bar.stop()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Begin to count its steps."""
        with self._lock:
            self._epoch, self._step = epoch, 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Take the figures of the epoch up to this step."""
        with self._lock:
            self._step = max(self._step, batch + 1)
            self._figures |= logs or {}
            if self._began is None:
                self._began = self._clock(), self._done()
            self._show()

    def on_test_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Show that it goes on; what is measured so far is of a part of the validation split."""
        with self._lock:
            self._show()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write a line that stays."""
        with self._lock:
            self._step = self._steps
            self._figures |= logs or {}
            self._print(self.line(whole=True))
            self._show()

    def line(self, whole: bool = False) -> str:
        """Return what is known so far; of a ``whole`` epoch, or of one that is not over."""
        parts = [f"epoch {self._epoch + 1} of {self._epochs}"]
        if not whole:
            parts.append(f"{100 * self._step / self._steps:.0f} %")
        if "loss" in self._figures:
            parts.append(f"loss {self._figures['loss']:.3f}")
        for key, name in (("accuracy", "accuracy"), ("val_accuracy", "validation accuracy")):
            if key in self._figures:
                parts.append(f"{name} {100 * self._figures[key]:.1f} %")
        left = self._left()
        if left is not None:
            parts.append(f"{datetime.timedelta(seconds=round(left))} left")
        return " · ".join(parts)

    def _done(self) -> int:
        return self._epoch * self._steps + self._step

    def _left(self) -> float | None:
        """Seconds until the last epoch ends, validation as well; None where nothing tells yet."""
        if self._began is None or self._done() <= self._began[1]:
            return None
        start, before = self._began
        of_a_step = (self._clock() - start) / (self._done() - before)
        return of_a_step * (self._epochs * self._steps - self._done())

    def _show(self) -> None:
        if self._bar:
            self._bar.update(self._task, completed=self._done(), description=self.line())
        elif self._clock() - self._said >= _EVERY:
            self._print(self.line())

    def _print(self, line: str) -> None:
        self._said = self._clock()
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
