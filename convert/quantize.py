"""From the Keras model to TFLite flatbuffers, one function for each scheme.

All take the network up to its logits: softmax belongs to the runtime, which divides by the
temperature first, and int8 probabilities would lose the small ones.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.python.convert_phase import ConverterError

from convert.equalise import correct_bias, equalise
from convert.errors import OperatorError
from convert.variants import NAMES
from edge.errors import first_line
from train.model import logits_model
from train.native import native_stderr_hidden

Convert = Callable[[keras.Model, NDArray[np.uint8]], bytes]


def float32(model: keras.Model, sample: NDArray[np.uint8]) -> bytes:
    """Weights and activations in float32."""
    del sample
    return _run(_converter(model))


def float16(model: keras.Model, sample: NDArray[np.uint8]) -> bytes:
    """Weights stored in float16, computed in float32."""
    del sample
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return _run(converter)


def dynamic(model: keras.Model, sample: NDArray[np.uint8]) -> bytes:
    """Weights in int8, activations quantised while it runs."""
    del sample
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return _run(converter)


def int8(model: keras.Model, sample: NDArray[np.uint8]) -> bytes:
    """Full integer: uint8 pixels in, int8 weights (per channel), activations and logits.

    ``sample`` is the representative dataset, ``uint8[n, h, w, 1]`` (Jacob et al. 2018,
    arXiv 1712.05877). The network is equalised first and its bias corrected after.
    """
    balanced = equalise(model, sample)
    return plain_int8(correct_bias(balanced, plain_int8(balanced, sample), sample), sample)


def plain_int8(model: keras.Model, sample: NDArray[np.uint8]) -> bytes:
    """The same of the network as it is, neither equalised nor corrected."""
    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _feed(sample)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.int8
    return _run(converter)


VARIANTS: dict[str, Convert] = dict(zip(NAMES, (float32, float16, dynamic, int8), strict=True))


def _feed(sample: NDArray[np.uint8]) -> Iterator[list[NDArray[np.float32]]]:
    for image in sample:
        yield [image[np.newaxis].astype(np.float32)]


def _converter(model: keras.Model) -> tf.lite.TFLiteConverter:
    """A converter of the network from the pixels of one image to its logits."""
    logits = logits_model(model)
    pixels = keras.Input(batch_shape=(1, *model.input.shape[1:]), name="pixels")
    return tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, logits(pixels)))


def _run(converter: tf.lite.TFLiteConverter) -> bytes:
    """Convert without what Keras and the converter print, and a warning that is none.

    Full-integer conversion measures its statistics on the representative dataset.
    """
    with (
        contextlib.redirect_stdout(io.StringIO()),
        native_stderr_hidden(),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Statistics for quantized inputs were expected")
        try:
            return bytes(converter.convert())
        except (ConverterError, RuntimeError, ValueError) as error:
            raise OperatorError(
                f"conversion: expected layers that TFLite has, found: {first_line(error)}; "
                "use others"
            ) from error
