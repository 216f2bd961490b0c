"""Random changes to a batch of faces: what the edge sees, seen in training.

Framing errors and head roll, light, blur, sensor noise and compression, and covered parts. All
random numbers are functions of the seed that is passed in, so that a run that resumes sees the same
images.
"""

from __future__ import annotations

import math

import tensorflow as tf

from train.recipe import Augmentation

_ERASED = (1 / 8, 5 / 12)
"""Sides of the erased rectangle, as parts of the image's."""
_QUALITIES = (10.0, 90.0)
"""Of the JPEG encoder, from what a poor stream shows to what nobody sees."""
_BINOMIAL = (0.25, 0.5, 0.25)


def augment(images: tf.Tensor, seed: tf.Tensor, options: Augmentation) -> tf.Tensor:
    """Return changed copies of ``images`` (``[n, h, w, 1]`` in 0…255) as float32 in 0…255.

    ``seed`` is ``int32[2]``; equal seeds give equal changes.
    """
    keys = tf.unstack(tf.random.experimental.stateless_split(seed, 6))
    x = _move(tf.cast(images, tf.float32), keys[0], options)
    x = _blur(x, keys[1], options.blur)
    x = _light(x, keys[2], options)
    x = tf.clip_by_value(_noise(x, keys[3], options.noise), 0.0, 255.0)
    return _erase(_compress(x, keys[5], options.jpeg), keys[4], options.erase)


def mix(
    images: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor, share: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mix a ``share`` of the ``images`` (``[n, h, w, 1]``) with another one of the batch each.

    Returns them with ``targets`` (``[n, classes]``) mixed likewise; an image keeps half of itself
    or more (mixup: Zhang et al. 2017, arXiv 1710.09412). ``seed`` is ``int32[2]``.
    """
    images = tf.cast(images, tf.float32)
    which, amount = _uniform(seed, tf.shape(images)[0], 2)
    amount = tf.where(_chosen(which, share), (amount + 1) / 4, 0.0)
    other = tf.reverse(images, [0]), tf.reverse(targets, [0])  # the batches come shuffled
    return (
        images + _each(amount) * (other[0] - images),
        targets + amount[:, None] * (other[1] - targets),
    )


def _uniform(key: tf.Tensor, count: tf.Tensor, draws: int) -> list[tf.Tensor]:
    """``draws`` tensors ``[n]``, each uniform in -1…1."""
    return list(tf.unstack(tf.random.stateless_uniform([draws, count], key, -1.0, 1.0)))


def _chosen(draw: tf.Tensor, share: float) -> tf.Tensor:
    """``bool[n]``: true for ``share`` of the images, from a uniform ``draw``."""
    return draw < 2 * share - 1


def _each(values: tf.Tensor) -> tf.Tensor:
    """``[n]`` → ``[n, 1, 1, 1]``, a value for each image."""
    return values[:, None, None, None]


def _move(x: tf.Tensor, key: tf.Tensor, options: Augmentation) -> tf.Tensor:
    """Mirror half of the images, rotate, scale and shift around the centre; edges repeat."""
    count, size = tf.shape(x)[0], x.shape[1]
    mirror, angle, scale, right, down = _uniform(key, count, 5)
    angle *= math.radians(options.rotation)
    scale = tf.exp(scale * options.scale)
    flip = tf.where(mirror < 0, -scale, scale)
    cos, sin = tf.cos(angle), tf.sin(angle)
    centre, reach = (size - 1) / 2, options.shift * size
    a, b, d, e = cos * flip, -sin * scale, sin * flip, cos * scale
    zero = tf.zeros_like(a)
    rows = (
        *(a, b, centre - (a + b) * centre + right * reach),
        *(d, e, centre - (d + e) * centre + down * reach),
        *(zero, zero),
    )
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=x,
        transforms=tf.stack(rows, axis=1),
        output_shape=[size, size],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )


def _blur(x: tf.Tensor, key: tf.Tensor, share: float) -> tf.Tensor:
    which, amount = _uniform(key, tf.shape(x)[0], 2)
    amount = tf.where(_chosen(which, share), (amount + 1) / 2, 0.0)
    return x + _each(amount) * (_smooth(_smooth(x)) - x)


def _smooth(x: tf.Tensor) -> tf.Tensor:
    """A binomial filter of 3×3."""
    left, middle, right = _BINOMIAL
    x = tf.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "SYMMETRIC")
    x = left * x[:, :-2] + middle * x[:, 1:-1] + right * x[:, 2:]
    return left * x[:, :, :-2] + middle * x[:, :, 1:-1] + right * x[:, :, 2:]


def _light(x: tf.Tensor, key: tf.Tensor, options: Augmentation) -> tf.Tensor:
    contrast, brightness = _uniform(key, tf.shape(x)[0], 2)
    mean = tf.reduce_mean(x, (1, 2, 3), keepdims=True)
    factor = tf.exp(_each(contrast) * options.contrast)
    return (x - mean) * factor + mean + _each(brightness) * options.brightness


def _noise(x: tf.Tensor, key: tf.Tensor, deviation: float) -> tf.Tensor:
    own, shared = tf.unstack(tf.random.experimental.stateless_split(key, 2))
    (amount,) = _uniform(shared, tf.shape(x)[0], 1)
    return x + _each(tf.nn.relu(amount)) * deviation * tf.random.stateless_normal(tf.shape(x), own)


def _compress(x: tf.Tensor, key: tf.Tensor, share: float) -> tf.Tensor:
    """Encode a share of the images (0…255) as JPEG and decode them again."""
    which, quality = _uniform(key, tf.shape(x)[0], 2)
    worst, best = _QUALITIES
    quality = tf.cast(worst + (quality + 1) / 2 * (best - worst), tf.int32)
    rows = tf.where(_chosen(which, share))
    changed = tf.map_fn(
        lambda image_and_quality: tf.image.adjust_jpeg_quality(*image_and_quality),
        (tf.cast(tf.round(tf.gather_nd(x, rows)), tf.uint8), tf.gather_nd(quality, rows)),
        fn_output_signature=tf.TensorSpec(x.shape[1:], tf.uint8),
    )
    return tf.tensor_scatter_nd_update(x, rows, tf.cast(changed, tf.float32))


def _erase(x: tf.Tensor, key: tf.Tensor, share: float) -> tf.Tensor:
    count, size = tf.shape(x)[0], x.shape[1]
    which, top, left, height, width, grey = _uniform(key, count, 6)
    least, most = (size * part for part in _ERASED)
    along = tf.range(size, dtype=tf.float32)[None]

    def inside(place: tf.Tensor, side: tf.Tensor) -> tf.Tensor:
        half = (least + (side + 1) / 2 * (most - least)) / 2
        return tf.abs(along - (place[:, None] + 1) / 2 * size) < half[:, None]

    erased = inside(top, height)[:, :, None] & inside(left, width)[:, None, :]
    erased &= _chosen(which, share)[:, None, None]
    return tf.where(erased[..., None], _each((grey + 1) / 2 * 255), x)
