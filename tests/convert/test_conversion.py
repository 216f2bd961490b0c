"""A conversion writes all files with their contracts, or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.conversion import convert
from convert.errors import ParityError
from convert.parity import LIMITS, check, compare
from convert.quantize import VARIANTS
from convert.variants import variant_path
from edge.contract import Framing, ModelContract
from edge.vision.classifier import load_classifier
from train.artifact import save_model
from train.data import Split
from train.errors import ArtifactError
from train.examples import plain_examples
from train.fit import Training, fit
from train.layout import EXPRESSIONS

FRAMING = Framing(1.2, 0.0, -0.1)


@pytest.fixture(scope="module")
def h5(tiny, train_split, validation_split, tmp_path_factory) -> Path:
    """A network that has learnt the synthetic classes, so that its answers are clear."""
    import dataclasses

    folder = tmp_path_factory.mktemp("models")
    recipe = dataclasses.replace(tiny, dense=(16,), epochs=15, learning_rate=5e-3)
    training = Training(recipe, 0, "float32", folder / "state.npz")
    examples = plain_examples(train_split), plain_examples(validation_split)
    model, history = fit(training, *examples, quiet=True)
    assert history["val_accuracy"][-1] > 0.95
    contract = ModelContract(
        labels=EXPRESSIONS,
        height=48,
        width=48,
        channels=1,
        framings={"blazeface": FRAMING},
        temperature=1.5,
    )
    save_model(model, contract, folder / "m.h5")
    return folder / "m.h5"


@pytest.fixture(scope="module")
def converted(h5: Path, images_folder: Path) -> Path:
    rows = convert(h5, images_folder)
    assert [row.variant for row in rows] == list(VARIANTS)
    return h5


def test_every_file_says_what_it_is(converted: Path, validation_split) -> None:
    import hashlib

    digest = hashlib.sha256(converted.read_bytes()).hexdigest()
    for variant in VARIANTS:
        classifier = load_classifier(variant_path(converted, variant))
        assert classifier.labels == EXPRESSIONS
        assert classifier.contract.framing("blazeface") == FRAMING
        provenance = classifier.contract.provenance
        assert (provenance["variant"], provenance["h5_sha256"]) == (variant, digest)
        predicted = classifier.classify(validation_split.images).argmax(axis=1)
        top1 = (predicted == validation_split.labels).mean()
        assert provenance["validation"]["top1"] == pytest.approx(top1)


def test_probabilities_follow_the_temperature(converted: Path, validation_split) -> None:
    classifier = load_classifier(variant_path(converted, "float32"))
    logits = classifier.logits(validation_split.images)
    expected = np.exp(logits / 1.5)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.classify(validation_split.images), expected, atol=1e-5)


def test_a_failed_gate_changes_nothing(converted: Path, images_folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in converted.parent.iterdir()}

    def broken(model, sample):
        return VARIANTS["float32"](_scrambled(model), sample)

    with pytest.raises(ParityError, match=r"float32: agreement") as caught:
        convert(converted, images_folder, {"float32": broken})
    assert [row.variant for row in caught.value.rows] == ["float32"]
    assert {path.name: path.read_bytes() for path in converted.parent.iterdir()} == before


@pytest.mark.parametrize("name", ["m_parity.json", "m_float16.tflite", "m.tflite"])
def test_a_folder_in_a_files_place_changes_nothing(
    name: str, h5: Path, images_folder: Path, tmp_path: Path
) -> None:
    def never(model, sample):
        raise AssertionError("it was converted first")

    (tmp_path / "m.h5").write_bytes(h5.read_bytes())
    (tmp_path / name).mkdir()
    with pytest.raises(IsADirectoryError):
        convert(tmp_path / "m.h5", images_folder, dict.fromkeys(VARIANTS, never))
    assert {path.name for path in tmp_path.iterdir()} == {"m.h5", name}


def _scrambled(model):
    import keras

    copy = keras.models.clone_model(model)
    weights = model.get_weights()
    weights[-2] = np.roll(weights[-2], 1, axis=1)
    copy.set_weights(weights)
    return copy


def test_a_foreign_h5_is_refused(tmp_path: Path, images_folder: Path) -> None:
    (tmp_path / "m.h5").write_bytes(b"not a model")
    with pytest.raises(ArtifactError):
        convert(tmp_path / "m.h5", images_folder)
    assert [path.name for path in tmp_path.iterdir()] == ["m.h5"]


@pytest.mark.parametrize(("wrong", "passes"), [(0, True), (3, True), (4, False)])
def test_the_gate_stands_where_it_is_stated(wrong: int, passes: bool) -> None:
    """Agreement of at least 97 % on 100 images: the fourth other answer fails."""
    images, labels = np.zeros((100, 48, 48, 1), np.uint8), np.zeros(100, np.int64)
    split = Split("validation", images, labels, ("",) * 100, EXPRESSIONS)
    expected = np.ones(100, np.int64)
    found = expected.copy()
    found[:wrong] = 2
    row = compare("int8", expected, found, split, np.zeros(100, bool))
    assert row.passed is passes
    if not passes:
        with pytest.raises(ParityError, match=r"agreement 96\.00%"):
            check([row])


def test_the_limits_are_those_that_were_asked_for() -> None:
    assert (LIMITS["int8"].agreement, LIMITS["int8"].drop) == (0.97, 0.5)
