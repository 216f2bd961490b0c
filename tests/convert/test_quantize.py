"""Every scheme gives a graph of the operators and types that it promises."""

from __future__ import annotations

from collections import Counter

import keras
import numpy as np
import pytest

from convert.errors import OperatorError
from convert.operators import Operator, check_integer_only, operators
from convert.quantize import VARIANTS
from edge.vision.interpreter import open_model
from train.model import LOGITS, build


@pytest.fixture(scope="module")
def model(tiny) -> keras.Model:
    keras.utils.set_random_seed(0)
    return build(tiny)


@pytest.fixture(scope="module")
def flatbuffers(model, train_split) -> dict[str, bytes]:
    return {name: scheme(model, train_split.images) for name, scheme in VARIANTS.items()}


def test_normalisation_and_relu_are_folded_away(flatbuffers) -> None:
    """Rescaling → conv → BN → ReLU is one operator."""
    expected = {"CONV_2D": 3, "MAX_POOL_2D": 3, "FULLY_CONNECTED": 4, "RESHAPE": 1}
    counts = {
        name: Counter(operator.name for operator in operators(content))
        for name, content in flatbuffers.items()
    }
    assert counts["int8"] == expected | {"QUANTIZE": 1}
    assert counts["float32"] == expected


def test_a_normalised_dense_layer_is_folded_too(deep, train_split) -> None:
    keras.utils.set_random_seed(0)
    content = VARIANTS["int8"](build(deep), train_split.images)
    assert Counter(operator.name for operator in operators(content)) == {
        "CONV_2D": 5, "MAX_POOL_2D": 3, "FULLY_CONNECTED": 2, "RESHAPE": 1, "QUANTIZE": 1,
    }  # fmt: skip


def test_int8_graph_takes_raw_pixels_exactly(flatbuffers) -> None:
    check_integer_only(flatbuffers["int8"])
    opened = open_model(flatbuffers["int8"], "int8")
    pixels, logits = opened.inputs[0], opened.outputs[0]
    assert (pixels.dtype, pixels.scale, pixels.zero_point) == (np.uint8, 1, 0)
    assert logits.dtype == np.int8


@pytest.mark.parametrize("variant", ["float32", "float16", "dynamic"])
def test_a_float_graph_is_no_integer_graph(flatbuffers, variant) -> None:
    with pytest.raises(OperatorError, match="FLOAT32"):
        check_integer_only(flatbuffers[variant])


def test_float32_computes_the_logits_of_the_h5(flatbuffers, model, validation_split) -> None:
    opened = open_model(flatbuffers["float32"], "float32")
    logits = keras.Model(model.input, model.get_layer(LOGITS).output)
    images = validation_split.images[:8].astype(np.float32)
    found = np.concatenate([opened.run(image[np.newaxis])[0] for image in images])
    np.testing.assert_allclose(found, logits(images).numpy(), atol=1e-4)


def test_conversion_is_reproducible(flatbuffers, model, train_split, validation_split) -> None:
    """The flatbuffer's layout varies from run to run; what it computes does not."""
    again = open_model(VARIANTS["int8"](model, train_split.images), "again")
    first = open_model(flatbuffers["int8"], "first")
    for image in validation_split.images:
        pixels = image[np.newaxis]
        np.testing.assert_array_equal(first.run(pixels)[0], again.run(pixels)[0])


def test_operators_name_their_types(flatbuffers) -> None:
    assert operators(flatbuffers["int8"])[0] == Operator("QUANTIZE", frozenset({"UINT8", "INT8"}))
