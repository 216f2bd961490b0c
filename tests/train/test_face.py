"""dlib's network is read from its file and computes here what it computes there."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from edge.errors import AssetError
from train.errors import ArtifactError
from train.face import face_start, fit_normalisation, insert, read_face_weights, tensors
from train.fetch import FACE_WEIGHTS, fetch
from train.model import build, build_for_training
from train.recipe import Recipe, Residual
from train.recipes import DLIB, TEACHERS
from train.residual import features

NETWORK = Residual(((4, 1), (6, 2)), stem=4, side=48, dlib=True)
RECIPE = Recipe("small", sets=(), dense=(), residual=NETWORK, warm_start=DLIB)
SIZES = ((4, 3, 7), (4, 4, 3), (4, 4, 3), (6, 4, 3), (6, 6, 3), (6, 6, 3), (6, 6, 3))
"""Output, input and side of the kernels of ``NETWORK``."""


def integer(value: int) -> bytes:
    """As dlib writes it: how many bytes, then these, the lowest first."""
    content = value.to_bytes((value.bit_length() + 7) // 8 or 1, "little")
    return bytes([len(content)]) + content


def name(text: str) -> bytes:
    return integer(len(text))[1:] + text.encode()


def tensor(values: np.ndarray) -> bytes:
    dimensions = (*values.shape, 1, 1, 1)[:4]
    return b"".join(map(integer, (2, *dimensions))) + values.astype("<f4").tobytes()


def made_up(seed: int = 0) -> list[np.ndarray]:
    """Flat weights of ``NETWORK``: kernel and biases, then scales and biases, for each of it."""
    rng = np.random.default_rng(seed)
    weights = []
    for output, inputs, side in SIZES:
        count = output * inputs * side**2
        weights.append(rng.normal(0, (2 / inputs / side**2) ** 0.5, count + output))
        weights.append(np.concatenate([rng.uniform(0.5, 2, output), rng.normal(size=output)]))
    return [each.astype(np.float32) for each in weights]


def test_tensors_are_found_behind_their_dimensions() -> None:
    convolution, affine, dense = (np.random.default_rng(0).normal(size=s) for s in (300, 8, (3, 5)))
    content = (
        *(b"\x01\x01\x0dloss_metric_2\x18\x01\x02", name("con_4"), tensor(convolution)),
        *(b"\x01\x03\x01\x03\x00\x01", name("affine_"), tensor(affine), name("relu_"), b"\x01"),
        *(name("max_pool_2"), b"\x01\x03", name("fc_2"), integer(5), integer(300), tensor(dense)),
        b"\x01\x02\x01\x00",
    )
    found = tensors(b"".join(content))
    assert [each.shape for each in found] == [(300,), (8,), (15,)]
    for each, expected in zip(found, (convolution, affine, dense), strict=True):
        np.testing.assert_array_equal(each, expected.astype(np.float32).ravel())


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.dat"
    with pytest.raises(ArtifactError, match=r"found No such file.*make face-weights"):
        read_face_weights(path)
    path.write_bytes(b"another")
    with pytest.raises(ArtifactError, match=r"found SHA-256 .*make face-weights"):
        read_face_weights(path)
    assert read_face_weights(path, hashlib.sha256(b"another").hexdigest()) == []


def test_the_first_convolution_sees_grey_as_dlib_sees_colours() -> None:
    """By hand: the first affine output of an image of one grey."""
    weights = made_up()
    model = build(RECIPE)
    insert(model, weights)
    norm = next(x for x in model.layers if isinstance(x, keras.layers.BatchNormalization))
    found = keras.Model(model.input, norm.output)(np.full((1, 48, 48, 1), 200.0))[0, 5, 5]
    kernel = weights[0][:-4].reshape(4, 3, 49).sum(axis=2)
    colours = (200 - np.array((122.782, 117.001, 104.298))) / 256
    expected = weights[1][:4] * (kernel @ colours + weights[0][-4:]) + weights[1][4:]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_normalising_by_a_batch_changes_nothing(train_split) -> None:
    images = train_split.images
    model = build(RECIPE)
    insert(model, made_up())
    before = model.predict(images, verbose=0)
    network = build_for_training(RECIPE, "float32")
    network.set_weights(fit_normalisation(model, images))
    np.testing.assert_allclose(model.predict(images, verbose=0), before, atol=1e-4)
    # dropout is 0 here, so that what is left of training is the batch's statistics
    trained = keras.ops.softmax(network(images.astype(np.float32), training=True))
    np.testing.assert_allclose(trained, before, atol=1e-3)


def test_a_training_begins_there(train_split) -> None:
    weights = face_start(RECIPE, made_up(), train_split)
    assert [each.shape for each in weights] == [tuple(x.shape) for x in build(RECIPE).weights]
    mean = next(each for each in weights[1:] if each.shape == (4,))
    assert mean.any()


needs_weights = pytest.mark.skipif(
    not FACE_WEIGHTS.exists(), reason="needs dlib's network: 'make face-weights'"
)


@needs_weights
def test_dlibs_network_tells_people_apart(repository: Path) -> None:
    """All of it, up to the numbers whose distance says who is who (dlib's threshold is 0.6)."""
    whole = Residual((*TEACHERS["face"].residual.stages, (256, 1)), side=150, dlib=True)
    pixels = keras.Input((150, 150, 1))
    model = keras.Model(pixels, features(pixels, whole, "float32", keras.layers.BatchNormalization))
    weights = read_face_weights()
    insert(model, weights)
    faces = [
        portrait(repository / "models/assets" / file, *place)
        for file, place in (("astronaut.png", (150, 40, 160)), ("grace_hopper.jpg", (170, 90, 230)))
    ]
    views = np.stack([view for face in faces for view in (face, face[:, ::-1])])
    numbers = model.predict(views[..., None], verbose=0) @ weights[-1].reshape(256, 128)
    apart = np.linalg.norm(numbers[:, None] - numbers[None], axis=2)
    # As dlib 20.0.1 itself has it for the same pixels.
    np.testing.assert_allclose(apart[0], (0, 0.354, 0.555, 0.608), atol=0.002)
    np.testing.assert_allclose(apart[2], (0.555, 0.564, 0, 0.375), atol=0.002)


def portrait(path: Path, left: int, top: int, side: int) -> np.ndarray:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)[top : top + side, left : left + side]
    return cv2.resize(grey, (150, 150), interpolation=cv2.INTER_AREA)


def archive(folder: Path, content: bytes) -> Path:
    path = folder / "package.tar.gz"
    with tarfile.open(path, "w:gz") as opened:
        member = tarfile.TarInfo("package/weights.dat")
        member.size = len(content)
        opened.addfile(member, io.BytesIO(content))
    return path


def test_the_file_is_fetched_once(tmp_path: Path) -> None:
    content = struct.pack("<3f", 1, 2, 3)
    path, sha256 = tmp_path / "assets/weights.dat", hashlib.sha256(content).hexdigest()

    def get(member: str = "package/weights.dat", content: bytes = content) -> bool:
        return fetch(path, lambda folder: archive(folder, content), member, sha256)

    with pytest.raises(AssetError, match="expected an archive with other"):
        get(member="other")
    with pytest.raises(AssetError, match="package index"):
        get(content=b"damaged")
    assert not path.exists()
    assert get()
    assert path.read_bytes() == content
    assert not get(content=b"the network is not asked again")
    assert [entry.name for entry in path.parent.iterdir()] == ["weights.dat"]
