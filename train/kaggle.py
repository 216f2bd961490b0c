"""Fetches a data set from Kaggle."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from train.errors import DownloadError


def download(handle: str, fetch: Callable[[str], str] | None = None) -> Path:
    """Fetch the data set ``owner/name`` and return the folder where kagglehub keeps it.

    Public data sets need no account. Raises ``DownloadError``.
    """
    import kagglehub  # noqa: PLC0415 - slow, and of no use to the other commands
    import requests  # noqa: PLC0415
    from kagglehub import exceptions as kaggle  # noqa: PLC0415

    try:
        return Path((fetch or kagglehub.dataset_download)(handle))
    except (
        OSError,  # the network, the disk, and all that requests and kagglehub raise over HTTP
        ValueError,  # not a handle
        zipfile.BadZipFile,
        kaggle.BackendError,
        kaggle.CredentialError,
        kaggle.DataCorruptionError,
        kaggle.KaggleEnvironmentError,
        kaggle.NotFoundError,
        kaggle.UnauthenticatedError,
    ) as error:
        lost = isinstance(error, requests.ConnectionError | requests.Timeout)
        reason = "no connection" if lost else " ".join(str(error).split()) or type(error).__name__
        raise DownloadError(
            f"Kaggle data set {handle!r}: expected to download it, found: {reason[:160]}; check "
            "the network and the handle, or download its ZIP in a browser and run "
            "'make data ARCHIVE=path.zip'"
        ) from error
