"""What an archive may hold, and that everything else is refused before anything is written."""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.train.archives import PUBLIC_LAYOUTS, dataset, noise, write_files, write_zip
from train.archive import MAX_BYTES, MAX_IMAGE_BYTES, open_source, plan
from train.data import LABELS
from train.errors import ArchiveError
from train.install import install


@pytest.mark.parametrize("folders", PUBLIC_LAYOUTS.values(), ids=PUBLIC_LAYOUTS)
def test_both_public_layouts(folders: tuple[str, str], tmp_path: Path) -> None:
    files = dataset(*folders)
    with open_source(write_zip(tmp_path / "a.zip", files)) as source:
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
    with open_source(write_zip(tmp_path / "a.zip", files | more)) as source:
        found = plan(source)
    assert set(found.targets) == set(files)
    assert found.others == len(more)


def test_a_folder_of_an_unpacked_archive(tmp_path: Path) -> None:
    files = dataset("train", "test")
    with open_source(write_files(tmp_path, files)) as source:
        assert {name: source.read(name) for name in plan(source).targets} == files


def test_a_class_without_images_is_named(tmp_path: Path) -> None:
    files = {name: content for name, content in dataset().items() if "/fear/" not in name}
    with (
        open_source(write_zip(tmp_path / "a.zip", files)) as source,
        pytest.raises(ArchiveError, match="images/train/fear, images/validation/fear"),
    ):
        plan(source)


def _member(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


HOSTILE = {
    "parent": "images/train/angry/../../../../evil.png",
    "parent as a name": "images/train/angry/..\\..\\evil.png",
    "absolute": "/images/train/angry/evil.png",
    "drive": "C:/images/train/angry/evil.png",
    "stream": "images/train/angry/a:evil.png",
    "control": "images/train/angry/\x1bevil.png",
    "hidden": "images/train/angry/.evil.png",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_path_that_leads_elsewhere_is_left_out(name: str, tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", dataset(), [(_member(name), noise(1))])
    install(archive, tmp_path / "deep/deeper/images")
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    link = _member("images/train/angry/link.png", stat.S_IFLNK | 0o777)
    archive = write_zip(tmp_path / "a.zip", dataset(each=20), [(link, b"/etc/hostname")])
    report = install(archive, tmp_path / "images")
    assert report.splits["train"].unreadable == ("train/angry/link.png: not an image",)
    assert (tmp_path / "images/train/angry/link.png").read_bytes() == b"/etc/hostname"


def test_encrypted(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dataset())
    content = bytearray(path.read_bytes())
    first = content.index(b"PK\x01\x02")
    content[first + 8] |= 1
    content[6] |= 1
    path.write_bytes(content)
    _refused(path, tmp_path, "encrypted")


def test_more_than_a_data_set_has(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dataset())
    _refused(path, tmp_path, "at most 0 MB in all", most=50_000)


def test_an_image_that_is_too_large(tmp_path: Path) -> None:
    files = dataset() | {"images/train/angry/large.png": noise(0, 600)}
    _refused(write_zip(tmp_path / "a.zip", files), tmp_path, "expected an image of at most 256 kB")
    _refused(write_files(tmp_path / "a", files), tmp_path, "expected an image of at most 256 kB")


def test_a_lying_size(tmp_path: Path) -> None:
    """The directory declares fewer bytes than a member has."""
    path = write_zip(tmp_path / "a.zip", dataset())
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, 100)
    path.write_bytes(content)
    _refused(path, tmp_path, "expected a whole ZIP archive")


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


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dataset(), compression=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[500:510] = bytes(10)
    path.write_bytes(content)
    _refused(path, tmp_path, "expected a whole ZIP archive, found: Bad CRC-32")


@settings(max_examples=60, deadline=None)
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
        with open_source(folder / "a.zip") as source:
            targets = plan(source).targets
            contents = [source.read(name) for name in targets]
    except ArchiveError:
        return
    assert len(targets) >= 2 * len(LABELS)
    assert all(len(content) <= MAX_IMAGE_BYTES for content in contents)


def _refused(path: Path, folder: Path, match: str, most: int = MAX_BYTES) -> None:
    """Refused, with one line, and without anything in the images folder but what was there."""
    images = folder / "images"
    images.mkdir(exist_ok=True)
    (images / "README.md").write_text("mine")
    with pytest.raises(ArchiveError, match=match) as caught:
        install(path, images, most)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert [p.name for p in images.iterdir()] == ["README.md"]
