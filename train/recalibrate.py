"""How sure a trained model may be, by images that it has not learnt from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from train import provenance
from train.artifact import change_contract, load_model
from train.data import check_classes, fingerprint, load_unseen
from train.errors import DatasetError
from train.metrics import (
    LEAST_FITTED,
    calibrate,
    can_calibrate,
    judged_by,
    rounded,
    voted_where_known,
)
from train.model import predict_logits


def recalibrate(path: Path, images: Path) -> dict[str, float]:
    """Write temperature and threshold, fitted on ``images``, into the model at ``path``.

    Of a data set that is divided they are those of the validation split. A model that learnt votes
    is calibrated to them on FER2013's images. Returns what ``calibrate`` does; raises
    ``ArtifactError`` and ``DatasetError``.
    """
    model, contract = load_model(path)
    validation = load_unseen(images, contract.height)
    check_classes(validation, contract.labels, str(path))
    voted = voted_where_known(validation)
    judges = judged_by(validation.labels, voted, contract.provenance)
    logits = predict_logits(model, validation.images)
    if not can_calibrate(logits, judges):
        known, right = (judges >= 0).sum(), (judges == logits.argmax(axis=1)).sum()
        raise DatasetError(
            f"{images}: expected {LEAST_FITTED} labelled images or more, of which {path} has some "
            f"wrong, found {known}, {right} of them right; give more"
        )
    fitted = calibrate(logits, judges)
    contract = dataclasses.replace(
        contract,
        **rounded(fitted),
        provenance={
            **contract.provenance,
            "calibrated": {"data": fingerprint(validation), "commit": provenance.commit()},
        },
    )
    change_contract(path, contract)
    return fitted
