"""What an archive may hold, and that everything else is refused before anything is written."""

from __future__ import annotations

import stat
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.train.archives import PUBLIC_LAYOUTS, dataset, noise, write_files, write_zip
from train.archive import FolderSource, Limits, ZipSource, plan
from train.data import LABELS
from train.errors import ArchiveError
from train.install import install


@pytest.mark.parametrize("folders", PUBLIC_LAYOUTS.values(), ids=PUBLIC_LAYOUTS)
def test_both_public_layouts(folders: tuple[str, str], tmp_path: Path) -> None:
    files = dataset(*folders)
    with ZipSource(write_zip(tmp_path / "a.zip", files)) as source:
        found = plan(source)
        for name, target in found.targets.items():
            assert source.read(name) == files[name]
            assert target.startswith(("train/", "validation/"))
    assert len(found.targets) == len(files)
    assert f"{folders[1]} → validation" in str(found)


def test_the_second_copy_and_other_files_are_left_out(tmp_path: Path) -> None:
    files = dataset()
    more = {f"images/{name}": content for name, content in files.items()}
    more |= {"README.txt": b"", "images/train/angry/Thumbs.db": b"", "images/train/x.png": b""}
    more |= {"images/train/contempt/1.png": noise(9), "images/train/angry/deep/1.png": noise(8)}
    with ZipSource(write_zip(tmp_path / "a.zip", files | more)) as source:
        found = plan(source)
    assert set(found.targets) == set(files)
    assert found.others == len(more)


def test_a_folder_of_an_unpacked_archive(tmp_path: Path) -> None:
    files = dataset("train", "test")
    source = FolderSource(write_files(tmp_path, files))
    assert {name: source.read(name) for name in plan(source).targets} == files


def test_a_class_without_images_is_named(tmp_path: Path) -> None:
    files = {name: content for name, content in dataset().items() if "/fear/" not in name}
    with (
        ZipSource(write_zip(tmp_path / "a.zip", files)) as source,
        pytest.raises(ArchiveError, match="images/train/fear, images/validation/fear"),
    ):
        plan(source)


def _member(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


HOSTILE = {
    "parent": _member("images/train/angry/../../../../evil.png"),
    "absolute": _member("/etc/evil.png"),
    "drive": _member("C:/evil.png"),
    "backslash": _member("images\\train\\angry\\..\\evil.png"),
    "control": _member("images/train/angry/\x1b[2J.png"),
    "link": _member("images/train/angry/link.png", stat.S_IFLNK | 0o777),
    "device": _member("images/train/angry/device.png", stat.S_IFCHR | 0o666),
}


@pytest.mark.parametrize("info", HOSTILE.values(), ids=HOSTILE)
def test_hostile_members(info: zipfile.ZipInfo, tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", dataset(), [(info, b"/etc/passwd")])
    _refused(archive, tmp_path, "expected plain files and folders")


@pytest.mark.filterwarnings("ignore:Duplicate name")  # from zipfile, as it writes the archive
@pytest.mark.parametrize("again", ["images/train/angry/0.png", "images/train/angry/0.PNG"])
def test_a_name_twice(again: str, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dataset(), [(_member(again), noise(5))])
    _refused(path, tmp_path, "expected each name once")


def test_encrypted(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dataset())
    content = bytearray(path.read_bytes())
    first = content.index(b"PK\x01\x02")
    content[first + 8] |= 1
    path.write_bytes(content)
    _refused(path, tmp_path, "encrypted")


def test_unusual_compression(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dataset(), compression=zipfile.ZIP_LZMA)
    _refused(path, tmp_path, "compression method")


def test_too_many_members(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dataset())
    _refused(path, tmp_path, "at most 10 members", replace(Limits(), members=10))


def test_too_long_a_list_of_members(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dataset())
    _refused(path, tmp_path, "list of members", replace(Limits(), directory_bytes=1000))


def test_too_large(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dataset())
    _refused(path, tmp_path, "unpacked", replace(Limits(), total_bytes=50_000))


def test_a_bomb(tmp_path: Path) -> None:
    bomb = {"images/train/angry/bomb.png": bytes(200_000)}
    path = write_zip(tmp_path / "a.zip", bomb | {f"{i}": bytes(10**6) for i in range(9)})
    _refused(path, tmp_path, "20 times its packed size")


def test_an_image_that_is_too_large(tmp_path: Path) -> None:
    files = dataset() | {"images/train/angry/large.png": noise(0, 600)}
    _refused(write_zip(tmp_path / "a.zip", files), tmp_path, "expected a small image")


@pytest.mark.parametrize("lie", [100, 3000])
def test_a_lying_size(lie: int, tmp_path: Path) -> None:
    """The directory declares fewer or more bytes than a member has."""
    path = write_zip(tmp_path / "a.zip", dataset())
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, lie)
    path.write_bytes(content)
    _refused(path, tmp_path, "images/train/angry/0.png")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" * 99])
def test_not_an_archive(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    _refused(path, tmp_path, "expected")


def test_a_missing_archive(tmp_path: Path) -> None:
    _refused(tmp_path / "none.zip", tmp_path, "found no such file")


def test_a_truncated_archive(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dataset())
    path.write_bytes(path.read_bytes()[:-30])
    _refused(path, tmp_path, "expected a whole ZIP archive")


def test_a_link_in_a_folder(tmp_path: Path) -> None:
    root = write_files(tmp_path / "in", dataset())
    (root / "images/train/angry/link.png").symlink_to("/etc/passwd")
    _refused(root, tmp_path, "found a link")


def test_too_many_files_in_a_folder(tmp_path: Path) -> None:
    root = write_files(tmp_path / "in", dataset())
    _refused(root, tmp_path, "at most 10 files", replace(Limits(), members=10))


def test_a_damaged_name_is_refused(tmp_path: Path) -> None:
    name = "images/train/angry/é.png"
    path = write_zip(tmp_path / "a.zip", dataset() | {name: noise(1)})
    whole = path.read_bytes()
    damaged = name.encode().replace("é".encode(), b"\xff\xff")
    path.write_bytes(whole.replace(name.encode(), damaged, 1))  # where the member begins
    with ZipSource(path) as source, pytest.raises(ArchiveError, match="found damage in"):
        source.read(name)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damage_is_refused_or_harmless(data: st.DataObject, tmp_path_factory) -> None:
    """Whatever bytes change, either an ArchiveError comes or every member is an image's size."""
    folder = tmp_path_factory.mktemp("damage")
    content = bytearray(write_zip(folder / "a.zip", dataset(each=1)).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    (folder / "a.zip").write_bytes(content)
    try:
        with ZipSource(folder / "a.zip") as source:
            targets = plan(source).targets
            contents = [source.read(name) for name in targets]
    except ArchiveError:
        return
    assert len(targets) >= 2 * len(LABELS)
    assert all(len(content) <= Limits().image_bytes for content in contents)


def _refused(path: Path, folder: Path, match: str, limits: Limits | None = None) -> None:
    """Refused, with one line, and without anything in the images folder but what was there."""
    images = folder / "images"
    images.mkdir()
    (images / "README.md").write_text("mine")
    with pytest.raises(ArchiveError, match=match) as caught:
        install(path, images, lambda _: None, limits)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert [p.name for p in images.iterdir()] == ["README.md"]
    assert not list(folder.rglob("evil*"))
