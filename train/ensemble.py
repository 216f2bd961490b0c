"""Several teachers asked together: how good each of them is, and with which weight it counts."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.files import write_text
from train import provenance
from train.data import Split, check_classes, fingerprint, load_split
from train.errors import ArtifactError
from train.metrics import voted_where_known
from train.mirror import mirrored_probabilities
from train.recipes import model_path
from train.results import read_result
from train.tables import markdown

RESULT = Path("models/ensemble.json")
_ROUNDS = 500


def weigh(
    probabilities: Sequence[NDArray[np.float32]], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the weights, which sum to 1, under which the mean of ``probabilities`` is likeliest.

    ``probabilities`` are ``float32[n, k]``, one a teacher; ``labels`` ``int64[n]``. Expectation
    maximisation for the weights of a mixture (Dempster et al. 1977); there is one maximum.
    """
    rows = np.arange(len(labels))
    likelihoods = np.stack([each[rows, labels] for each in probabilities], axis=1, dtype=np.float64)
    likelihoods += np.finfo(np.float32).tiny
    weights = np.full(len(probabilities), 1 / len(probabilities))
    for _ in range(_ROUNDS):
        parts = weights * likelihoods
        weights = (parts / parts.sum(axis=1, keepdims=True)).mean(axis=0)
    return weights


def measure(names: Sequence[str], images: Path) -> dict[str, Any]:
    """Return how good the models of the recipes ``names`` are on the validation split, and all.

    The weights of ``"labels"`` are fitted on its labels, those of ``"votes"`` on what most taggers
    say. Raises ``ArtifactError``, also for models of different sizes, and ``DatasetError``.
    """
    from train.artifact import load_model  # noqa: PLC0415 - the table needs no TensorFlow
    from train.model import predict_logits  # noqa: PLC0415

    loaded = {name: load_model(model_path(name)) for name in names}
    sides = {contract.height for _, contract in loaded.values()}
    if len(sides) != 1:
        raise ArtifactError(
            f"models: expected some for images of one size, found {sorted(sides)}; name others"
        )
    split = load_split(images, "validation", *sides)
    for name, (_, contract) in loaded.items():
        check_classes(split, contract.labels, name)
    answers = {
        name: mirrored_probabilities(functools.partial(predict_logits, model), split.images)
        for name, (model, _) in loaded.items()
    }
    mirrored = [both for _, both in answers.values()]
    voted = voted_where_known(split)
    result: dict[str, Any] = {
        "teachers": {
            name: {
                "graph_sha256": contract.graph_sha256,
                "plain": _accuracy(answers[name][0], split, voted),
                "mirrored": _accuracy(answers[name][1], split, voted),
            }
            for name, (_, contract) in loaded.items()
        },
        "mean": _accuracy(np.mean(mirrored, axis=0), split, voted),
    }
    for target, labels in (("labels", split.labels), ("votes", voted)):
        if (known := labels >= 0).any():
            weights = weigh([each[known] for each in mirrored], labels[known])
            result[target] = {
                "weights": {name: round(w, 3) for name, w in zip(names, weights, strict=True)},
                **_accuracy(np.tensordot(weights, np.stack(mirrored), 1), split, voted),
            }
    return result | {"validation": fingerprint(split), **provenance.origin()}


def write(names: Sequence[str], images: Path, path: Path = RESULT) -> dict[str, Any]:
    """Write what ``measure`` returns to ``path`` as JSON, and return it."""
    result = measure(names, images)
    write_text(path, json.dumps(result, indent=1) + "\n")
    return result


def read(path: Path) -> dict[str, Any]:
    """Read what ``write`` wrote; raises ``ReportError``."""
    return dict(read_result(path, "ensemble", table))


def table(result: Mapping[str, Any]) -> str:
    """Return ``result`` as a Markdown table with a line that says how it was made."""
    weighed = [target for target in ("labels", "votes") if target in result]
    rows = [
        (
            *(name, f"{one['plain']['top1']:.2%}", *_cells(one["mirrored"])),
            *(f"{result[target]['weights'][name]:.3f}" for target in weighed),
        )
        for name, one in result["teachers"].items()
    ]
    for name, mean in (("mean", "mean"), *((f"weights for {each}", each) for each in weighed)):
        rows.append((name, "", *_cells(result[mean]), *("" for _ in weighed)))
    columns = ("teacher", "top-1, plain", "mirrored", "FER+ top-1, mirrored")
    text = markdown((*columns, *(f"weight for {each}" for each in weighed)), rows)
    return (
        f"{text}\n\nThe weights are fitted on the same images. Written by `python -m train "
        f"ensemble` on {result['machine']} (commit {result['commit']}, {result['date']})."
    )


def _cells(figures: Mapping[str, float | None]) -> tuple[str, str]:
    votes = figures["votes_top1"]
    return f"{figures['top1']:.2%}", "–" if votes is None else f"{votes:.2%}"


def _accuracy(
    probabilities: NDArray[np.floating], split: Split, voted: NDArray[np.int64]
) -> dict[str, float | None]:
    right, known = probabilities.argmax(axis=1), voted >= 0
    return {
        "top1": float((right == split.labels).mean()),
        "votes_top1": float((right == voted)[known].mean()) if known.any() else None,
    }
