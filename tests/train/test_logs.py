"""Every epoch is in the logs once, whatever happened to the run."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest
import tensorflow as tf

from train.checkpoint import read_state
from train.data import Split
from train.examples import Examples, plain_examples
from train.fit import FLOAT32, History, Training, fit
from train.recipe import Recipe


@pytest.fixture(scope="module")
def examples(train_split: Split, validation_split: Split) -> tuple[Examples, Examples]:
    return plain_examples(train_split), plain_examples(validation_split)


@pytest.fixture(scope="module")
def resumed(tiny: Recipe, examples, tmp_path_factory) -> tuple[Path, History]:
    """The folder and the history of a run that had done two epochs of three."""
    root = tmp_path_factory.mktemp("resumed")
    for epochs in (2, 3):
        recipe = dataclasses.replace(tiny, epochs=epochs)
        files = {"log": root / "m_log.csv", "summaries": root / "logs"}
        run = Training(recipe, 0, FLOAT32, root / "state.npz", **files)
        _, history = fit(run, *examples, quiet=True)
    assert read_state(root / "state.npz").history == history
    return root, history


def test_a_resumed_training_has_every_epoch_once(resumed) -> None:
    root, history = resumed
    with (root / "m_log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row.pop("epoch") for row in rows] == ["1", "2", "3"]
    assert {name: [float(row[name]) for row in rows] for name in rows[0]} == history


def test_tensorboard_can_read_them(resumed) -> None:
    root, history = resumed
    for part, before in (("training", ""), ("validation", "val_")):
        found: dict[str, dict[int, float]] = {}
        for path in sorted((root / "logs" / part).iterdir()):
            for record in tf.data.TFRecordDataset(str(path)):
                event = tf.compat.v1.Event.FromString(record.numpy())
                for value in event.summary.value:
                    assert value.metadata.plugin_data.plugin_name == "scalars"
                    at_step = found.setdefault(value.tag, {})
                    assert event.step not in at_step
                    at_step[event.step] = float(tf.make_ndarray(value.tensor))
        assert {"loss", "accuracy"} <= set(found)
        for tag, values in found.items():
            expected = dict(enumerate(history[before + tag], 1))
            assert values == pytest.approx(expected, rel=1e-6)
