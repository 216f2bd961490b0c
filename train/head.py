"""A new layer of logits on the features of a network that has learnt other classes."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from train.data import Split
from train.model import LOGITS

_STRENGTH = 1.0
"""Of L2 regularisation, inverse: scikit-learn's ``C``, with features of unit variance."""


def fit_head(model: keras.Model, weights: Sequence[np.ndarray], split: Split) -> list[np.ndarray]:
    """Return the ``weights`` of ``model`` with a last layer that knows the classes of ``split``.

    Logistic regression on the features of the images and their mirror images, which count alike for
    each class.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow to load
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    model.set_weights(weights)
    features = keras.Model(model.input, model.get_layer(LOGITS).input)
    images = np.concatenate([split.images, split.images[:, :, ::-1]])
    found = features.predict(images, batch_size=256, verbose=0)
    scaler = StandardScaler().fit(found)
    fitted = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=1000)
    fitted.fit(scaler.transform(found), np.tile(split.labels, 2))
    coefficients, intercept = fitted.coef_, fitted.intercept_
    if len(coefficients) == 1:  # of two classes it tells the second from the first
        coefficients = np.concatenate([-coefficients / 2, coefficients / 2])
        intercept = np.concatenate([-intercept / 2, intercept / 2])
    kernel = coefficients / scaler.scale_
    bias = intercept - kernel @ scaler.mean_
    return [*weights[:-2], kernel.T.astype(np.float32), bias.astype(np.float32)]
