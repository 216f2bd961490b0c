"""A recipe can begin with the weights of another one's model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.train.test_session import WholeImage
from train.artifact import load_model
from train.errors import ArtifactError
from train.recipes import DEPLOYED, RECIPES, model_path
from train.session import train
from train.start import find_start


@pytest.fixture
def first(tiny, images_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = model_path(tiny.name)
    return train(tiny, 3, images_folder, path, WholeImage(), quiet=True).path


def test_it_goes_on_from_there(tiny, first: Path, images_folder: Path) -> None:
    still = dataclasses.replace(tiny, name="still", start="tiny", learning_rate=0.0, epochs=1)
    outcome = train(still, 4, images_folder, Path("m.h5"), WholeImage(), quiet=True)
    (begun, contract), (ended, further) = load_model(first), load_model(outcome.path)
    for before, after in zip(begun.trainable_weights, ended.trainable_weights, strict=True):
        np.testing.assert_array_equal(before, after)
    expected = {"recipe": "tiny", "seed": 3, "graph_sha256": contract.graph_sha256}
    assert further.provenance["start"] == expected
    assert outcome.report["start"] == expected


def test_a_missing_model_is_named_before_images_are_read(
    tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = dataclasses.replace(tiny, start="fer2013")
    with pytest.raises(ArtifactError, match=r"recipe tiny begins .* RECIPE=fer2013.* no such"):
        train(recipe, 0, tmp_path / "none", tmp_path / "m.h5", WholeImage(), quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_another_network_is_refused(tiny, first: Path) -> None:
    wider = dataclasses.replace(tiny, name="wider", start="tiny", dense=(9, 8, 8))
    with pytest.raises(ArtifactError, match=f"{first}: expected the network of recipe wider"):
        find_start(wider)


def test_the_deployed_model_begins_with_one_that_has_seen_no_votes() -> None:
    start = RECIPES[RECIPES[DEPLOYED].start]
    assert not start.votes
    assert not start.start
