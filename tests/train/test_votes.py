"""Votes find their image by what it shows, whatever its name and encoding."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from train.data import Split
from train.errors import VotesError
from train.examples import plain_examples, training_examples
from train.layout import EXPRESSIONS
from train.metrics import evaluate_votes, voted_labels
from train.votes import TABLE, Votes, hashes, join, load_votes, majority, shares

COLUMNS = (
    *("surprise", "unknown", "anger", "disgust", "fear", "contempt", "happiness"),
    *("neutral", "sadness", "not_a_face"),
)
"""In another order than that of the shipped table."""
CLASSES = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""In the order of ``EXPRESSIONS``."""


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Smooth random pictures, ``uint8[n, 48, 48, 1]``, each different from the others."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, 8, 8)).astype(np.uint8)
    large = [cv2.resize(image, (48, 48), interpolation=cv2.INTER_CUBIC) for image in small]
    return np.stack(large)[..., np.newaxis]


def table(images: np.ndarray, seed: int = 1) -> Votes:
    counts = np.random.default_rng(seed).integers(0, 11, (len(images), len(COLUMNS)))
    return Votes(hashes(images), counts.astype(np.uint8), COLUMNS)


def of_labels(votes: Votes) -> np.ndarray:
    return votes.counts[:, [COLUMNS.index(name) for name in CLASSES]]


def test_an_image_finds_its_votes_and_another_finds_none() -> None:
    images = pictures(50)
    votes = table(images)
    order = np.random.default_rng(2).permutation(50)
    np.testing.assert_array_equal(join(images[order], votes), of_labels(votes)[order])
    assert join(pictures(50, seed=9), votes).sum() == 0


@pytest.mark.parametrize("quality", [95, 75])
def test_an_image_that_was_encoded_anew_finds_its_votes(quality: int) -> None:
    images = pictures(50)
    votes = table(images)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    again = [cv2.imdecode(cv2.imencode(".jpg", image, options)[1], 0) for image in images]
    np.testing.assert_array_equal(join(np.stack(again)[..., None], votes), of_labels(votes))


def test_brightness_and_contrast_do_not_matter() -> None:
    images = pictures(20)
    dark = (images * 0.6 + 20).astype(np.uint8)
    differ = np.unpackbits(hashes(images) ^ hashes(dark), axis=1).sum(axis=1)
    assert differ.max() <= 4


def test_shares_and_majority() -> None:
    counts = np.zeros((3, len(EXPRESSIONS)), np.float32)
    counts[0, [3, 4]] = 6, 2
    counts[1, [0, 5]] = 4, 4
    np.testing.assert_allclose(shares(counts)[0, [3, 4]], [0.75, 0.25])
    assert np.isnan(shares(counts)[2]).all()
    assert majority(counts).tolist() == [3, -1, -1]


def test_votes_follow_the_labels_in_any_order() -> None:
    images = pictures(20)
    votes = table(images)
    order = np.random.default_rng(3).permutation(len(EXPRESSIONS))
    permuted = join(images, votes, [EXPRESSIONS[i] for i in order])
    np.testing.assert_array_equal(permuted, join(images, votes)[:, order])
    assert not np.array_equal(permuted, join(images, votes))
    happy = join(images, votes, ["happy"])[:, 0]
    np.testing.assert_array_equal(happy, votes.counts[:, COLUMNS.index("happiness")])


def test_a_label_that_nobody_could_choose_is_named() -> None:
    with pytest.raises(VotesError, match=r"found happy, bored; .*RECIPE=own"):
        join(pictures(1), table(pictures(1)), ["happy", "bored"])


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_a_damaged_table_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "table.npz"
    if content is None:
        hashes, counts = np.zeros((2, 3), np.uint8), np.zeros((1, 10), np.uint8)
        np.savez(path, hashes=hashes, counts=counts, columns=np.array(["anger"]))
    else:
        path.write_bytes(content)
    with pytest.raises(VotesError, match="git checkout"):
        load_votes(path)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7])
def test_a_table_with_foreign_bytes_is_named(tmp_path: Path, share: float) -> None:
    content = bytearray(TABLE.read_bytes())
    place = int(share * len(content))
    content[place : place + 64] = bytes(range(64))
    (tmp_path / "table.npz").write_bytes(content)
    with pytest.raises(VotesError, match="git checkout"):
        load_votes(tmp_path / "table.npz")


def test_the_shipped_table_knows_the_public_images() -> None:
    votes = load_votes()
    assert len(votes.hashes) > 30_000
    assert 9 < np.median(votes.counts.sum(axis=1)) < 12


def test_images_that_nobody_tagged_are_not_trained_on_votes(tiny, train_split: Split) -> None:
    recipe = dataclasses.replace(tiny, votes=0.5)
    with pytest.raises(VotesError, match="RECIPE=own"):
        training_examples(train_split, recipe)
    voted = voted_labels(train_split.images)
    assert (voted == -1).all()
    assert evaluate_votes(voted, train_split.labels, voted == 0) == {}


def test_targets_are_the_mean_of_label_and_votes(tiny, train_split: Split) -> None:
    images = pictures(len(train_split.labels))
    votes = table(images)
    votes.counts[3] = 0
    recipe = dataclasses.replace(tiny, votes=0.25)
    split = dataclasses.replace(train_split, images=images)
    targets = training_examples(split, recipe, votes).targets
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-5)
    plain = plain_examples(split).targets
    voted = of_labels(votes)[0] / of_labels(votes)[0].sum()
    np.testing.assert_allclose(targets[0], 0.75 * plain[0] + 0.25 * voted, rtol=1e-5)
    np.testing.assert_array_equal(targets[3], plain[3], "an image without votes keeps its label")


def test_a_small_class_is_shown_again(tiny, train_split: Split) -> None:
    few = np.flatnonzero((train_split.labels != 1) | (np.arange(len(train_split.labels)) < 29))
    split = dataclasses.replace(
        train_split, images=train_split.images[few], labels=train_split.labels[few]
    )
    recipe = dataclasses.replace(tiny, least_per_class=17)
    shown = split.labels[training_examples(split, recipe).rows]
    counts = np.bincount(shown, minlength=len(EXPRESSIONS))
    assert counts[1] == 17
    assert (counts[[0, 2, 3, 4, 5, 6]] == 24).all()
    rows = training_examples(split, recipe).rows
    own = np.bincount(rows[shown == 1])
    assert set(own[own > 0]) == {3, 4}, "each about equally often"
