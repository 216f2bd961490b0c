"""The files that are shipped are what their contracts say, on the real validation split."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from convert.operators import check_integer_only
from convert.variants import DEPLOYED, NAMES, variant_path
from edge.vision.classifier import load_classifier
from train import fetch
from train.archive import open_source
from train.artifact import load_model
from train.data import Split, load_split
from train.layout import find_layout
from train.model import predict_logits
from train.recipes import COMPARED, DLIB, RECIPES, TEACHERS, find_recipe, model_path
from train.recipes import DEPLOYED as FINAL

MOST_BYTES = 20_000_000
POINT = 0.01
TRAINED = [*RECIPES, *(name for name in TEACHERS if Path(model_path(name)).exists())]
needs_archive = pytest.mark.skipif(
    "FER_ARCHIVE" not in os.environ,
    reason="needs the data set: set FER_ARCHIVE to the path of a FER2013 archive",
)


@pytest.fixture(scope="module", params=COMPARED)
def h5(request, repository: Path) -> Path:
    return repository / model_path(request.param)


@pytest.fixture(scope="module")
def validation(tmp_path_factory: pytest.TempPathFactory) -> Split:
    folder = tmp_path_factory.mktemp("images")
    with open_source(Path(os.environ["FER_ARCHIVE"])) as source:
        layout = find_layout(source.names, source.description, expressions=True)
        for name, place in layout.places.items():
            target = folder.joinpath(*place)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read(name))
    return load_split(folder, "validation")


def top1(logits: np.ndarray, split: Split) -> float:
    return float((logits.argmax(axis=1) == split.labels).mean())


def test_all_files_belong_together(h5: Path) -> None:
    import hashlib

    digest = hashlib.sha256(h5.read_bytes()).hexdigest()
    _, contract = load_model(h5)
    for variant in NAMES:
        path = variant_path(h5, variant)
        other = load_classifier(path).contract
        assert path.stat().st_size < MOST_BYTES
        assert other.framing("blazeface").scale > 1
        assert other.provenance["h5_sha256"] == digest
        assert other.provenance["variant"] == variant
        assert (other.labels, other.framings, other.temperature) == (
            *(contract.labels, contract.framings, contract.temperature),
        )


def test_the_reports_are_those_of_the_files(h5: Path, repository: Path) -> None:
    import hashlib
    import json

    _, contract = load_model(h5)
    report = json.loads(h5.with_name(f"{h5.stem}_report.json").read_text())
    for name in ("recipe", "seed", "data", "commit"):
        assert report[name] == contract.provenance[name]
    assert report["validation"]["top1"] == contract.provenance["validation"]["top1"]
    assert len(report["history"]["seconds"]) == report["recipe"]["epochs"]
    parity = json.loads(h5.with_name(f"{h5.stem}_parity.json").read_text())
    assert parity["h5_sha256"] == hashlib.sha256(h5.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", TRAINED)
def test_a_model_comes_from_those_that_are_shipped(name: str, repository: Path) -> None:
    _, contract = load_model(repository / model_path(name))
    recipe, provenance = find_recipe(name), contract.provenance
    parents = {f"teacher {teacher}": teacher for teacher, _ in recipe.teachers}
    parents |= {"warm_start": recipe.warm_start} if recipe.warm_start else {}
    roles = {role for role in provenance if role.split()[0] in ("warm_start", "teacher")}
    assert roles == set(parents)
    for role, parent in parents.items():
        if parent == DLIB:
            assert provenance[role] == {"package": fetch.PACKAGE, "sha256": fetch.SHA256}
            continue
        _, begun = load_model(repository / model_path(parent))
        assert provenance[role]["recipe"] == parent
        assert provenance[role]["graph_sha256"] == begun.graph_sha256


@pytest.mark.parametrize("name", TRAINED)
def test_the_shipped_models_are_those_of_the_recipes(name: str, repository: Path) -> None:
    _, contract = load_model(repository / model_path(name))
    trained = contract.provenance["recipe"]
    assert trained == find_recipe(trained["name"]).to_dict()


def test_the_deployed_file_is_integer_only(h5: Path) -> None:
    check_integer_only(variant_path(h5, DEPLOYED).read_bytes())


@needs_archive
def test_accuracy_of_the_int8_file_is_what_its_contract_says(h5: Path, validation: Split) -> None:
    assert_accuracy(variant_path(h5, DEPLOYED), validation)


@pytest.mark.slow
@needs_archive
@pytest.mark.parametrize("variant", sorted({*NAMES} - {DEPLOYED}))
def test_accuracy_of_the_other_variants_is_what_their_contracts_say(
    variant: str, validation: Split, repository: Path
) -> None:
    assert_accuracy(variant_path(repository / model_path(FINAL), variant), validation)


def assert_accuracy(path: Path, validation: Split) -> None:
    classifier = load_classifier(path, threads=2)
    expected = classifier.contract.provenance["validation"]["top1"]
    found = top1(classifier.logits(validation.images), validation)
    assert found == pytest.approx(expected, abs=0.1 * POINT)


@pytest.mark.slow
@needs_archive
def test_accuracy_of_the_h5_is_what_its_contract_says(validation: Split, repository: Path) -> None:
    model, contract = load_model(repository / model_path(FINAL))
    found = top1(predict_logits(model, validation.images), validation)
    assert found == pytest.approx(contract.provenance["validation"]["top1"], abs=0.1 * POINT)
