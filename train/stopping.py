"""Whether a teacher is worth its hours: its accuracy on the validation split, mirrored, early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras

from train.errors import StoppedLineError
from train.examples import Examples
from train.mirror import mirrored_probabilities
from train.recipe import Recipe

CHECKED_AFTER = 30
"""Epochs."""
MIRRORED = "val_mirrored"
"""The name of the accuracy in the history."""


class EarlyCheck(keras.callbacks.Callback):
    """Measures the network after ``CHECKED_AFTER`` epochs, and ends the training below ``least``.

    Stands before ``Checkpoint`` in the list of callbacks, so that the state knows the accuracy.
    """

    def __init__(self, validation: Examples, least: float) -> None:
        """Measure on ``validation``; ``least`` is a share of its images."""
        super().__init__()
        self._validation, self._least = validation, least

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the accuracy of the averaged weights to ``logs``."""
        if epoch + 1 != CHECKED_AFTER or logs is None:
            return
        now = self.model.get_weights()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        _, both = mirrored_probabilities(self._logits, self._validation.images)
        self.model.set_weights(now)
        right = both.argmax(axis=1) == self._validation.targets.argmax(axis=1)
        logs[MIRRORED] = float(right.mean())
        self.model.stop_training = logs[MIRRORED] < self._least

    def _logits(self, images):  # type: ignore[no-untyped-def]
        return self.model.predict(images, batch_size=256, verbose=0)


def expect_good(recipe: Recipe, history: Mapping[str, Sequence[float]], least: float) -> None:
    """Raise ``StoppedLineError`` where the early check of ``history`` found less than ``least``."""
    for found in history.get(MIRRORED, ()):
        if found < least:
            raise StoppedLineError(
                f"recipe {recipe.name}: expected {least:.1%} of the validation images right, asked "
                f"mirrored too, after {CHECKED_AFTER} epochs, found {found:.1%}; the line is "
                f"stopped (its state is kept: 'make train RECIPE={recipe.name}' goes on anyway)"
            )
