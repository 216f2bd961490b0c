"""State between epochs, kept so that a training killed at any moment goes on."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from edge import zips
from edge.errors import first_line
from edge.files import replace_with
from train import provenance
from train.errors import CheckpointError

_DAMAGE = (*zips.DAMAGE, KeyError, TypeError, AttributeError)
_ESTIMATE_SECONDS = 600
_PLATEAU = ("best", "wait", "cooldown_counter")


@dataclass(frozen=True, slots=True)
class State:
    """What a training has reached: everything that its next epoch depends on.

    ``origin`` is the machine, commit and date of the process that trained the last epoch.
    """

    precision: str
    origin: dict[str, str]
    history: dict[str, list[float]]
    plateau: dict[str, float]
    arrays: list[np.ndarray]


def read_state(path: Path) -> State | None:
    """Return the state at ``path``, or nothing where there is none; raises ``CheckpointError``."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            state = json.loads(str(arrays["state"]))
            return State(
                str(state["precision"]),
                {name: str(state["origin"][name]) for name in ("machine", "commit", "date")},
                {name: list(values) for name, values in state["history"].items()},
                {name: float(value) for name, value in state["plateau"].items()},
                [arrays[f"v{index}"] for index in range(len(arrays.files) - 1)],
            )
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path}: expected the state of an interrupted training, found damage "
        f"({first_line(error)}); delete the file to start anew"
    )


class Checkpoint(keras.callbacks.Callback):
    """Saves weights, optimiser, plateau state and history after each epoch, atomically.

    Stands behind ``plateau`` in the list of callbacks: Keras resets that one when training begins.
    """

    def __init__(
        self,
        path: Path,
        network: keras.Model,
        plateau: keras.callbacks.ReduceLROnPlateau | None,
        precision: str,
    ) -> None:
        """Keep the state of ``network``, trained in ``precision``, and ``plateau`` at ``path``."""
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self._path = path
        self._precision = precision
        self._origin = provenance.origin()
        self._network = network
        self._plateau = plateau
        self._memory = _PLATEAU if plateau else ()
        self._plateau_state: dict[str, float] = {}
        self._epoch_began = 0.0

    def restore(self) -> int:
        """Load what is there, and return how many epochs are done.

        Raises ``CheckpointError`` where the file is not one that this run wrote.
        """
        state = read_state(self._path)
        if state is None:
            return 0
        if set(state.plateau) != set(self._memory):
            found = ", ".join(state.plateau) or "none"
            raise _damaged(self._path, ValueError(f"a plateau's memory of {found}"))
        self._network.optimizer.build(self._network.trainable_variables)
        try:
            for variable, array in zip(self._variables(), state.arrays, strict=True):
                variable.assign(array)
        except ValueError as error:
            raise _damaged(self._path, error) from error
        self.history = state.history
        self._plateau_state = state.plateau
        return len(self.history["loss"])

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Give the plateau its memory back."""
        for name, value in self._plateau_state.items():
            setattr(self._plateau, name, value)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the time."""
        self._epoch_began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write everything that the next epoch depends on."""
        seconds = time.monotonic() - self._epoch_began
        for name, value in {**(logs or {}), "seconds": seconds}.items():
            self.history.setdefault(name, []).append(float(value))
        state: dict[str, Any] = {
            "history": self.history,
            "precision": self._precision,
            "origin": self._origin,
            "plateau": {name: float(getattr(self._plateau, name)) for name in self._memory},
        }
        arrays: dict[str, Any] = {f"v{i}": np.asarray(v) for i, v in enumerate(self._variables())}
        arrays["state"] = np.array(json.dumps(state))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replace_with(self._path) as file:
            np.savez(file, **arrays)

    def _variables(self) -> list[keras.Variable]:
        return [*self._network.variables, *self._network.optimizer.variables]


class Progress(keras.callbacks.Callback):
    """Epoch, time left and metrics: a bar on a terminal, a line per epoch elsewhere.

    ``bar`` is a context manager: entered around the training, it leaves the terminal as it was.
    """

    def __init__(self, epochs: int, done: int, quiet: bool) -> None:
        """Expect ``epochs`` in all, of which ``done`` are behind."""
        super().__init__()
        self._console = Console(file=sys.stdout, quiet=quiet)
        self._epochs = epochs
        self._done = done
        self._started = time.monotonic()
        self.bar = Bar(
            TextColumn("epoch {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[metrics]}"),
            console=self._console,
            speed_estimate_period=_ESTIMATE_SECONDS,
            disable=quiet or not self._console.is_terminal,
        )

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Start counting."""
        if self._done:
            self._console.print(f"going on after epoch {self._done} of {self._epochs}")
        steps = self.params["steps"]
        self._task = self.bar.add_task(
            "", total=self._epochs * steps, completed=self._done * steps, metrics=""
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Name the epoch."""
        self.bar.update(self._task, description=f"{epoch + 1}/{self._epochs}")

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Move on by a step."""
        self.bar.update(self._task, advance=1, metrics=_line(logs))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the epoch's line."""
        each = (time.monotonic() - self._started) / (epoch + 1 - self._done)
        left = each * (self._epochs - epoch - 1)
        self._console.print(
            f"epoch {epoch + 1}/{self._epochs} · {_line(logs)} · {each:.0f} s an epoch, "
            f"{left / 60:.0f} min left",
            highlight=False,
            soft_wrap=True,
        )


def _line(logs: dict[str, float] | None) -> str:
    return " ".join(f"{name} {float(value):.4g}" for name, value in (logs or {}).items())
