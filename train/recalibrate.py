"""How sure a trained model may be, by images that it has not learnt from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from train import provenance
from train.artifact import change_contract, load_model
from train.data import check_classes, fingerprint, load_splits
from train.errors import DatasetError
from train.metrics import LEAST_FITTED, calibrate, judged_by, voted_where_known
from train.model import predict_logits


def recalibrate(path: Path, images: Path) -> dict[str, float]:
    """Write temperature and threshold, fitted on the validation split of ``images``, into a model.

    A model that learnt votes is calibrated to them, where the split has them. Returns what
    ``calibrate`` does; raises ``ArtifactError`` and ``DatasetError``.
    """
    model, contract = load_model(path)
    validation = load_splits(images, contract.height)["validation"]
    check_classes(validation, contract.labels, str(path))
    votes = contract.provenance.get("recipe", {}).get("votes", 0)
    judges = judged_by(validation.labels, voted_where_known(validation), votes)
    if (known := (judges >= 0).sum()) < LEAST_FITTED:
        raise DatasetError(
            f"{images}: expected {LEAST_FITTED} labelled images to calibrate by, found {known} in "
            "validation/; give more"
        )
    fitted = calibrate(predict_logits(model, validation.images), judges)
    contract = dataclasses.replace(
        contract,
        temperature=round(fitted["temperature"], 4),
        uncertain_below=round(fitted["uncertain_below"], 3),
        provenance={
            **contract.provenance,
            "calibrated": {"data": fingerprint(validation), "commit": provenance.commit()},
        },
    )
    change_contract(path, contract)
    return fitted
