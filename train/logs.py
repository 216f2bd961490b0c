"""Every epoch for other programs, while a training runs: a CSV file, events for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from train.report import write_csv

_VALIDATION = "val_"
_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"),
    data_class="DATA_CLASS_SCALAR",
)


class CsvLog(keras.callbacks.Callback):
    """Writes the whole ``history`` to ``path`` after each epoch, so that each is there once.

    Keras' ``CSVLogger`` appends: an epoch that a kill parted from its checkpoint is there twice.
    Stands behind the ``Checkpoint`` that keeps ``history``.
    """

    def __init__(self, path: Path, history: Mapping[str, Sequence[float]]) -> None:
        """Write to ``path``, whose folder is there."""
        super().__init__()
        self._path, self._history = path, history

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Replace the file."""
        write_csv(self._path, self._history)


class Summaries(keras.callbacks.Callback):
    """Writes each epoch of ``history`` below ``folder`` as events that TensorBoard reads.

    Keras' callback and ``tf.summary.scalar`` need TensorBoard's package, which TensorFlow no longer
    brings. Stands behind the ``Checkpoint`` that keeps ``history``.
    """

    def __init__(self, folder: Path, history: Mapping[str, Sequence[float]]) -> None:
        """Write to ``folder``/training and ``folder``/validation, made where they are missing."""
        super().__init__()
        self._history = history
        self._writers = {
            part: tf.summary.create_file_writer(str(folder / part))
            for part in ("training", "validation")
        }

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Write the last epoch, so that it can be looked at now."""
        for name, values in self._history.items():
            part = "validation" if name.startswith(_VALIDATION) else "training"
            with self._writers[part].as_default(step=epoch + 1):
                tag = name.removeprefix(_VALIDATION)
                tf.summary.write(tag, tf.constant(values[-1], tf.float32), metadata=_SCALAR)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()
