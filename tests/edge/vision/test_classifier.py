"""The classifier obeys the contract and refuses a file that contradicts it."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from edge.contract import ModelContract, embed, extract
from edge.errors import ContractError, ModelFileError
from edge.vision.classifier import ClassifierPool, TFLiteClassifier, softmax

SHIPPED = "models/Finalmodel.tflite"


@pytest.fixture(scope="module")
def shipped(repository) -> bytes:
    return (repository / SHIPPED).read_bytes()


def flatbuffer(content: bytes) -> bytes:
    """The file without its ZIP tail."""
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return content[: min(member.header_offset for member in archive.infolist())]


def with_contract(content: bytes, **changes: object) -> bytes:
    contract = dataclasses.replace(extract(content), **changes)
    return embed(flatbuffer(content), contract)


def test_rows_are_probabilities_in_the_order_of_the_labels(shipped: bytes) -> None:
    classifier = TFLiteClassifier(shipped, "shipped")
    crops = np.random.default_rng(0).integers(0, 256, (5, 48, 48, 1), np.uint8)
    rows = classifier.classify(crops)
    assert rows.shape == (5, len(classifier.labels))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)


def test_no_faces_give_no_rows(shipped: bytes) -> None:
    rows = TFLiteClassifier(shipped, "shipped").classify(np.empty((0, 48, 48, 1), np.uint8))
    assert rows.shape == (0, 7)


def test_each_face_is_classified_on_its_own(shipped: bytes) -> None:
    classifier = TFLiteClassifier(shipped, "shipped")
    crops = np.random.default_rng(1).integers(0, 256, (3, 48, 48, 1), np.uint8)
    alone = np.concatenate([classifier.classify(crop[np.newaxis]) for crop in crops])
    np.testing.assert_array_equal(classifier.classify(crops), alone)


def test_a_higher_temperature_is_less_sure(shipped: bytes) -> None:
    crops = np.random.default_rng(2).integers(0, 256, (4, 48, 48, 1), np.uint8)
    cold, hot = (
        TFLiteClassifier(with_contract(shipped, temperature=value), "m").classify(crops)
        for value in (0.5, 5.0)
    )
    assert (cold.max(axis=1) > hot.max(axis=1)).all()
    np.testing.assert_array_equal(cold.argmax(axis=1), hot.argmax(axis=1))


@pytest.mark.parametrize("changes", [{"height": 64}, {"labels": ("happy", "sad")}])
def test_a_contract_that_the_tensors_contradict_is_refused(
    shipped: bytes, changes: dict[str, object]
) -> None:
    with pytest.raises(ContractError, match=r"m\.tflite: expected .* found .*make convert"):
        TFLiteClassifier(with_contract(shipped, **changes), "m.tflite")


def test_a_model_without_a_contract_is_refused(shipped: bytes) -> None:
    with pytest.raises(ContractError, match="found none"):
        TFLiteClassifier(flatbuffer(shipped), "m.tflite")


def test_a_contract_on_junk_is_refused() -> None:
    contract = ModelContract(labels=("a", "b"), height=48, width=48, channels=1)
    with pytest.raises(ModelFileError):
        TFLiteClassifier(embed(b"\x1c\0\0\0TFL3" + b"\0" * 64, contract), "m.tflite")


def test_softmax_does_not_overflow() -> None:
    rows = softmax(np.array([[1e4, -1e4, 0.0]], np.float32))
    np.testing.assert_array_equal(rows, [[1, 0, 0]])


@pytest.mark.parametrize("faces", range(7))
def test_a_pool_answers_as_one_classifier_does(shipped: bytes, faces: int) -> None:
    crops = np.random.default_rng(3).integers(0, 256, (faces, 48, 48, 1), np.uint8)
    alone = TFLiteClassifier(shipped, "m")
    pool = ClassifierPool(lambda: TFLiteClassifier(shipped, "m"), 4)
    assert (pool.contract, pool.labels, pool.runtime) == (
        alone.contract,
        alone.labels,
        alone.runtime,
    )
    np.testing.assert_array_equal(pool.classify(crops), alone.classify(crops))


@pytest.mark.parametrize(("faces", "expected"), [(0, 1), (1, 1), (2, 2), (4, 3), (9, 3)])
def test_a_pool_opens_what_there_are_faces_for(shipped: bytes, faces: int, expected: int) -> None:
    opened = itertools.count()

    def open_one() -> TFLiteClassifier:
        next(opened)
        return TFLiteClassifier(shipped, "m")

    pool = ClassifierPool(open_one, 3)
    for _ in range(2):
        pool.classify(np.zeros((faces, 48, 48, 1), np.uint8))
    assert next(opened) == expected


@pytest.mark.parametrize("room", [1, 2])
def test_where_no_other_can_be_opened_those_that_are_do_it_all(shipped: bytes, room: int) -> None:
    crops = np.random.default_rng(4).integers(0, 256, (5, 48, 48, 1), np.uint8)
    tries = itertools.count()

    def open_one() -> TFLiteClassifier:
        if next(tries) >= room:
            raise OSError("no memory left")
        return TFLiteClassifier(shipped, "m")

    pool, alone = ClassifierPool(open_one, 4), TFLiteClassifier(shipped, "m")
    for _ in range(2):
        np.testing.assert_array_equal(pool.classify(crops), alone.classify(crops))
    assert next(tries) == room + 1, "it isn't tried again at every frame"


def test_a_face_of_which_no_probabilities_come_is_told(
    floats: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damaged weights may show in some pictures alone."""
    subject = TFLiteClassifier(floats, "m.tflite")
    monkeypatch.setattr(subject, "logits", lambda _: np.full((1, 7), np.inf, np.float32))
    with pytest.raises(ModelFileError, match=r"m\.tflite: expected probabilities, found nan"):
        subject.classify(np.zeros((1, 48, 48, 1), np.uint8))


@pytest.fixture(scope="module")
def floats(repository) -> bytes:
    return (repository / "models/Finalmodel_float32.tflite").read_bytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_a_model_with_damaged_weights_is_refused(floats: bytes, value: float) -> None:
    """Signed again, so that the hash is right."""
    graph = bytearray(flatbuffer(floats))
    middle = len(graph) // 8 * 4
    graph[middle : middle + 4000] = np.full(1000, value, "<f4").tobytes()
    with pytest.raises(ModelFileError, match=r"m\.tflite: expected probabilities, found nan"):
        TFLiteClassifier(embed(bytes(graph), extract(floats)), "m.tflite")
