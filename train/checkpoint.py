"""The state of a training after its last whole epoch, in one file that is replaced at once.

Keras' ``BackupAndRestore`` writes the weights, then the number of the epoch, and nothing of
``ReduceLROnPlateau``: killed in between, it trains an epoch twice, and resumed, it forgets when the
learning rate is due to fall.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edge.contract import ZIP_DAMAGE
from edge.errors import first_line
from edge.files import replace_with
from train.errors import CheckpointError

_PLATEAU = ("best", "wait", "cooldown_counter")


@dataclass(frozen=True, slots=True)
class State:
    """All that the next epoch depends on; ``arrays`` are the network's and optimiser's variables.

    ``plateau`` is the memory of ``ReduceLROnPlateau``, empty without one.
    """

    precision: str
    history: dict[str, list[float]]
    plateau: dict[str, float]
    arrays: list[np.ndarray]


def read_state(path: Path) -> State | None:
    """Return the state at ``path``, or nothing where there is none; raises ``CheckpointError``."""
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            about = json.loads(str(stored["about"]))
            arrays = [stored[f"v{index}"] for index in range(len(stored.files) - 1)]
            return State(about["precision"], about["history"], about["plateau"], arrays)
    except (*ZIP_DAMAGE, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: expected the state of an interrupted training, found damage "
            f"({first_line(error)}); delete the file to start anew"
        ) from error


class Checkpoint(keras.callbacks.Callback):
    """Writes the state of the network that is trained after each epoch.

    Stands behind ``plateau`` in the list of callbacks: Keras resets that one when training begins.
    """

    def __init__(
        self, path: Path, precision: str, plateau: keras.callbacks.ReduceLROnPlateau | None
    ) -> None:
        """Keep the state of a training in ``precision`` at ``path``."""
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self._path, self._precision, self._plateau = path, precision, plateau
        self._memory: dict[str, float] = {}
        self._epoch_began = 0.0

    def restore(self, network: keras.Model) -> int:
        """Load what is there into ``network``, and return how many epochs are done.

        Raises ``CheckpointError``.
        """
        state = read_state(self._path)
        if state is None:
            return 0
        network.optimizer.build(network.trainable_variables)
        for variable, array in zip(_variables(network), state.arrays, strict=True):
            variable.assign(array)
        self.history, self._memory = state.history, state.plateau
        return len(self.history["loss"])

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Give the plateau its memory back."""
        for name, value in self._memory.items():
            setattr(self._plateau, name, value)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the time."""
        self._epoch_began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write everything that the next epoch depends on."""
        seconds = time.monotonic() - self._epoch_began
        for name, value in {**(logs or {}), "seconds": seconds}.items():
            self.history.setdefault(name, []).append(float(value))
        names = _PLATEAU if self._plateau else ()
        about = {
            "precision": self._precision,
            "history": self.history,
            "plateau": {name: float(getattr(self._plateau, name)) for name in names},
        }
        arrays: dict[str, Any] = {"about": np.array(json.dumps(about))}
        arrays |= {f"v{i}": np.asarray(value) for i, value in enumerate(_variables(self.model))}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replace_with(self._path) as file:
            np.savez(file, **arrays)


def _variables(network: keras.Model) -> list[keras.Variable]:
    return [*network.variables, *network.optimizer.variables]
