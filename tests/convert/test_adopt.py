"""A model that something else wrote gives the same answers in the runtime, or is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from convert.adopt import adopt, parse_labels
from convert.conversion import convert, convert_unmeasured
from convert.foreign import open_foreign
from convert.quantize import VARIANTS
from convert.variants import variant_path
from edge import Recognizer
from edge.contract import embed
from edge.vision.blazeface import BlazeFace
from edge.vision.classifier import TFLiteClassifier, load_classifier, softmax
from tests.convert import foreign
from tests.convert.foreign import LABELS, refused
from tests.train.detectors import WholeImage
from train.artifact import load_model
from train.errors import DatasetError
from train.framing import USUAL
from train.layout import EXPRESSIONS
from train.model import predict_logits

HERE = Path(__file__).parent
ORDER = [1, 0, 2]
"""Places of the labels when they are sorted."""
SCALES = {"0..1": (255, 0), "0..255": (1, 0), "-1..1": (127.5, -1)}


def mixed_precision() -> keras.Model:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return foreign.plain()
    finally:
        keras.config.set_dtype_policy("float32")


NETWORKS: dict[str, tuple[Callable[[], keras.Model], str, str]] = {
    "sequential": (foreign.plain, ".h5", "0..1"),
    "sequential .keras": (foreign.plain, ".keras", "-1..1"),
    "colours .h5": (foreign.branched, ".hdf5", "0..255"),
    "colours .keras": (foreign.branched, ".keras", "0..255"),
    "nested .h5": (foreign.nested, ".h5", "0..1"),
    "nested .keras": (foreign.nested, ".keras", "-1..1"),
    "normalised": (foreign.normalised, ".keras", "0..255"),
    "seed": (foreign.seed, ".h5", "0..1"),
    "mixed precision": (mixed_precision, ".keras", "0..1"),
    "224 pixels": (lambda: foreign.plain(224, 3), ".h5", "0..1"),
}
KERAS2 = {
    "keras2.h5": [0.14774362742900848, 0.007464001886546612, 0.844792366027832],
    "keras2.keras": [0.23636946082115173, 0.0006798288668505847, 0.7629506587982178],
}
"""What Keras 2 answers: write_keras2.py."""


def photographs(side: int, count: int = 12) -> np.ndarray:
    """``uint8[count, side, side, 1]``: grey parts of a photograph."""
    grey = cv2.imread("models/assets/astronaut.png", cv2.IMREAD_GRAYSCALE)
    parts = [grey[20 * i : 20 * i + 200, 15 * i : 15 * i + 200] for i in range(count)]
    return np.stack([cv2.resize(part, (side, side)) for part in parts])[..., np.newaxis]


def answers(network: keras.Model, images: np.ndarray, values: str) -> np.ndarray:
    """Probabilities of the labels in alphabetical order, as its owner would compute them."""
    divisor, summand = SCALES[values]
    given = images / divisor + summand
    found = network.predict(np.repeat(given, network.inputs[0].shape[-1], -1), verbose=0)
    return (found if np.allclose(found.sum(axis=1), 1, atol=0.01) else softmax(found))[:, ORDER]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return foreign.save_plain(tmp_path_factory.mktemp("theirs"))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_stays_what_it_is(name: str, tmp_path: Path) -> None:
    build, suffix, values = NETWORKS[name]
    network = build()
    source = tmp_path / f"theirs{suffix}"
    network.save(source)
    before = source.read_bytes()
    h5 = adopt(source, LABELS, values, None, WholeImage())
    assert {path.name for path in tmp_path.iterdir()} == {source.name, "theirs_adopted.h5"}
    assert source.read_bytes() == before
    model, contract = load_model(h5)
    assert contract.labels == tuple(sorted(LABELS))
    assert contract.framings == {"whole": USUAL}
    assert contract.provenance["adopted"]["file"] == source.name
    images = photographs(contract.height)
    expected = answers(network, images, values)
    assert np.ptp(expected, axis=0).max() > 0.002
    tolerance = 0.05 if name == "mixed precision" else 1e-4
    np.testing.assert_allclose(softmax(predict_logits(model, images)), expected, atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sequential", "colours .h5", "nested .keras", "seed"])
def test_the_runtime_runs_it(name: str, tmp_path: Path) -> None:
    build, suffix, values = NETWORKS[name]
    network = build()
    network.save(tmp_path / f"theirs{suffix}")
    h5 = adopt(tmp_path / f"theirs{suffix}", LABELS, values, None, BlazeFace())
    written = convert_unmeasured(h5)
    assert [path.name for path in written] == [
        f"theirs_adopted_{variant}.tflite" for variant in ("float32", "float16", "dynamic")
    ]
    classifier = load_classifier(written[0])
    images = photographs(classifier.contract.height)
    expected = answers(network, images, values)
    np.testing.assert_allclose(classifier.classify(images), expected, atol=1e-4)
    face = Recognizer(written[0])(cv2.imread("models/assets/astronaut.png")).faces[0]
    assert set(face.expression.probabilities) == set(LABELS)


@pytest.mark.parametrize("name", KERAS2)
def test_what_keras_2_wrote_answers_as_there(name: str, tmp_path: Path) -> None:
    network = open_foreign(HERE / name)
    side, channels = network.inputs[0].shape[2:]
    values = np.arange(side * side * channels) % 251 / 250
    found = network.predict(values.reshape(1, side, side, channels), verbose=0)[0]
    np.testing.assert_allclose(found, KERAS2[name], atol=1e-5)
    (tmp_path / name).write_bytes((HERE / name).read_bytes())
    model, _ = load_model(adopt(tmp_path / name, LABELS, "0..1", None, WholeImage()))
    images = photographs(side)
    expected = answers(network, images, "0..1")
    np.testing.assert_allclose(softmax(predict_logits(model, images)), expected, atol=1e-4)


class Faces(WholeImage):
    """Frames its boxes as the runtime's detector says it does."""

    framing = "blazeface"


def learnt(network: keras.Model, split, labels: tuple[str, ...], path: Path) -> Path:
    """Write ``network``, which has learnt ``split`` with its classes in the order of ``labels``."""
    height, _, channels = network.inputs[0].shape[1:]
    images = np.stack([cv2.resize(image, (height, height)) for image in split.images])
    images = np.repeat(images[..., np.newaxis], channels, axis=-1) / np.float32(255)
    targets = [labels.index(split.classes[label]) for label in split.labels]
    network.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    network.fit(images, np.array(targets), batch_size=16, epochs=25, verbose=0)
    network.save(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("side", "channels"), [(48, 1), (112, 3)])
def test_with_images_it_passes_the_gate(
    side: int, channels: int, train_split, images_folder: Path, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(0)
    by_number = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    network = keras.models.clone_model(foreign.plain(side, channels, 7))
    source = learnt(network, train_split, by_number, tmp_path / "theirs.keras")
    h5 = adopt(source, by_number, "0..1", images_folder, Faces())
    _, contract = load_model(h5)
    assert contract.labels == EXPRESSIONS
    assert contract.provenance["validation"]["top1"] > 0.8
    assert contract.framings["blazeface"] != USUAL
    assert (contract.temperature, contract.uncertain_below) == (1, 0.5), "few images: not fitted"
    assert all(row.passed for row in convert(h5, images_folder))
    int8 = load_classifier(variant_path(h5, "int8"))
    images = photographs(side)
    np.testing.assert_array_equal(
        int8.logits(images).argmax(axis=1), predict_logits(load_model(h5)[0], images).argmax(axis=1)
    )
    face = Recognizer(variant_path(h5, "int8"))(cv2.imread("models/assets/astronaut.png")).faces[0]
    assert set(face.expression.probabilities) == set(EXPRESSIONS)


def test_other_classes_than_those_of_the_images(images_folder: Path, tmp_path: Path) -> None:
    foreign.plain().save(tmp_path / "theirs.keras")
    with pytest.raises(DatasetError, match=r"expected the classes of LABELS, angry, sad, very"):
        adopt(tmp_path / "theirs.keras", LABELS, "0..1", images_folder, WholeImage())
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.keras"]


@pytest.mark.parametrize(
    ("labels", "values", "found"),
    [
        (("a", "a", "b"), "0..1", "LABELS: expected a different name"),
        (("a", "", "b"), "0..1", "LABELS: expected a different name"),
        (("a", "b", "c\n"), "0..1", "LABELS: expected a different name"),
        (("",), "0..1", "found nothing; separate"),
        (("a", "b"), "0..1", "expected 3 names, one for each output, found 2"),
        (LABELS, "banana", "INPUT: expected one of 0..1, 0..255, -1..1, .*found banana"),
        (LABELS, "", "found nothing; give the one"),
    ],
)
def test_wrong_options(labels: tuple[str, ...], values: str, found: str, saved: Path) -> None:
    refused(saved / "theirs.keras", found, labels, values)


def test_weights_that_are_no_numbers(saved: Path, tmp_path: Path) -> None:
    model = keras.models.load_model(saved / "theirs.keras")
    kernel, *others = model.get_weights()
    model.set_weights([np.where(kernel == kernel.max(), np.nan, kernel), *others])
    model.save(tmp_path / "theirs.keras")
    refused(tmp_path / "theirs.keras", "expected weights that are numbers, found NaN")


def test_labels_are_separated_by_commas() -> None:
    assert parse_labels("angry, very happy ,sad") == ("angry", "very happy", "sad")


def test_a_file_of_the_user_is_not_replaced(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs.h5").write_bytes((saved / "theirs.h5").read_bytes())
    other = tmp_path / "theirs_adopted.h5"
    for content in (b"mine", (saved / "theirs.h5").read_bytes()):
        other.write_bytes(content)
        refused(tmp_path / "theirs.h5", "expected a model of ours to replace")
        assert other.read_bytes() == content
    other.unlink()
    for _ in range(2):  # one of ours is
        assert adopt(tmp_path / "theirs.h5", LABELS, "0..1", None, WholeImage()) == other


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "convert", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_the_command_says_what_was_not_done(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "my model.keras"
    path.write_bytes((saved / "theirs.keras").read_bytes())
    done = run("--model", str(path), "--labels", ",".join(LABELS), "--input-range=-1..1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The parity gate was not run, and there is no int8 file" in done.stdout
    assert "my model_adopted_float32.tflite" in done.stdout
    done = run("--model", str(path), "--labels", ",".join(LABELS), "--input-range=banana")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    done = run("--labels", ",".join(LABELS))
    assert (done.returncode, "H5: expected the model" in done.stderr) == (1, True)


@pytest.mark.slow
def test_int8_has_operators_that_compute_in_float(tmp_path: Path) -> None:
    """TFLite has no integer ELU: the file has it all the same, and answers nearly as the h5."""
    (tmp_path / "keras2.h5").write_bytes((HERE / "keras2.h5").read_bytes())
    model, contract = load_model(adopt(tmp_path / "keras2.h5", LABELS, "0..1", None, WholeImage()))
    images = photographs(64)
    images[0, 0, 0], images[0, -1, -1] = 0, 255
    content = embed(VARIANTS["int8"](model, images), contract)
    found = TFLiteClassifier(content, "int8").logits(images)
    expected = predict_logits(model, images)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


@pytest.mark.slow
def test_an_older_int8_file_is_named(
    saved: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "theirs.h5").write_bytes((saved / "theirs.h5").read_bytes())
    h5 = adopt(tmp_path / "theirs.h5", LABELS, "0..1", None, WholeImage())
    variant_path(h5, "int8").write_bytes(b"older")
    convert_unmeasured(h5)
    assert "theirs_adopted.tflite is there still" in caplog.text
    assert variant_path(h5, "int8").read_bytes() == b"older"
