"""What an archive may hold, and that everything else is refused before anything is written."""

from __future__ import annotations

import gzip
import io
import re
import stat
import struct
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.train.archives import PUBLIC_LAYOUTS, dataset, noise, tree, write_files, write_zip
from train.archive import MAX_BYTES, MAX_IMAGE_BYTES, Source, open_source
from train.data import load_split, load_splits
from train.errors import DatasetError
from train.install import install
from train.layout import EXPRESSIONS, Layout, find_layout


def plan(source: Source) -> Layout:
    return find_layout(source.names, source.description, expressions=True)


@pytest.mark.parametrize("folders", PUBLIC_LAYOUTS.values(), ids=PUBLIC_LAYOUTS)
def test_both_public_layouts(folders: tuple[str, str], tmp_path: Path) -> None:
    files = dataset(*folders)
    with open_source(write_zip(tmp_path / "a.zip", files)) as source:
        found = plan(source)
        for name, (split, _, _) in found.places.items():
            assert source.read(name) == files[name]
            assert split in ("train", "validation")
    assert len(found.places) == len(files)
    assert f"{folders[1]} → validation" in str(found)


def test_the_second_copy_and_other_files_are_left_out(tmp_path: Path) -> None:
    files = dataset()
    more = {f"images/{name}": content for name, content in files.items()}
    more |= {"README.txt": b"", "images/train/angry/Thumbs.db": b"", "images/train/x.png": b""}
    more |= {"images/train/contempt/1.png": noise(9), "images/train/angry/deep/1.png": noise(8)}
    with open_source(write_zip(tmp_path / "a.zip", files | more)) as source:
        found = plan(source)
    assert set(found.places) == set(files)
    assert found.others == len(more)


def test_a_folder_of_an_unpacked_archive(tmp_path: Path) -> None:
    files = dataset("train", "test")
    with open_source(write_files(tmp_path, files)) as source:
        assert {name: source.read(name) for name in plan(source).places} == files


def test_a_class_without_images_is_named(tmp_path: Path) -> None:
    files = {name: data for name, data in dataset().items() if "validation/fear/" not in name}
    with (
        open_source(write_zip(tmp_path / "a.zip", files)) as source,
        pytest.raises(DatasetError, match="found none in validation/fear;"),
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


def test_more_than_a_disk_has(tmp_path: Path) -> None:
    """Nothing is unpacked: the members themselves say how large they are."""
    path = write_zip(tmp_path / "a.zip", dataset())
    content = bytearray(path.read_bytes())
    for entry in re.finditer(rb"PK\x01\x02", content):
        struct.pack_into("<I", content, entry.start() + 24, 1 << 30)
    path.write_bytes(content)
    _refused(path, tmp_path, "at most 8,192 MB in all, found 28,672")


def test_an_image_that_is_too_large(tmp_path: Path) -> None:
    files = dataset() | {"images/train/angry/large.png": bytes(MAX_IMAGE_BYTES + 1)}
    _refused(write_zip(tmp_path / "a.zip", files), tmp_path, "expected an image of at most 64 MB")
    _refused(write_files(tmp_path / "a", files), tmp_path, "an image, found: more than 64 MB")


def test_a_lying_size(tmp_path: Path) -> None:
    """The directory declares fewer bytes than a member has."""
    path = write_zip(tmp_path / "a.zip", dataset())
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, 100)
    path.write_bytes(content)
    _refused(path, tmp_path, "expected a whole archive")


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
    _refused(path, tmp_path, "expected a whole archive")


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dataset(), compression=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[500:510] = bytes(10)
    path.write_bytes(content)
    _refused(path, tmp_path, "expected a whole archive, found: Bad CRC-32")


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
            places = plan(source).places
            contents = [source.read(name) for name in places]
    except DatasetError:
        return
    assert len(places) >= 2
    assert all(len(content) <= MAX_IMAGE_BYTES for content in contents)


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (tarfile.GNUTYPE_LONGNAME, "expected a whole archive"),
        (tarfile.XHDTYPE, "expected a whole archive"),
        (tarfile.REGTYPE, "a member of 100 GB"),
    ],
)
def test_a_header_that_asks_for_gigabytes(member: bytes, said: str, tmp_path: Path) -> None:
    info = tarfile.TarInfo("images/train/angry/a.png")
    info.type, info.size = member, 100 << 30
    with gzip.open(tmp_path / "a.tar.gz", "wb", 1) as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(1 if member == tarfile.REGTYPE else 700):
            file.write(bytes(1 << 20))
    _refused(tmp_path / "a.tar.gz", tmp_path, said)


def test_a_link_does_not_take_the_place_of_a_file(tmp_path: Path) -> None:
    files = dataset()
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for kind in (tarfile.FIFOTYPE, tarfile.SYMTYPE):
            link = tarfile.TarInfo("images/train/angry/0.png")
            link.type, link.linkname = kind, "/etc/passwd"
            archive.addfile(link)
    install(tmp_path / "a.tar", tmp_path / "images")
    found = (tmp_path / "images/train/angry/0.png").read_bytes()
    assert found == files["images/train/angry/0.png"]


def test_a_line_of_megabytes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(table() + b"3,1" + b" 1" * (5 << 20))
    _refused(tmp_path / "a.csv", tmp_path, "expected lines of at most 256 kB")


def _refused(path: Path, folder: Path, match: str, most: int = MAX_BYTES) -> None:
    """Refused, with one line, and without anything in the images folder but what was there."""
    images = folder / "images"
    images.mkdir(exist_ok=True)
    (images / "README.md").write_text("mine")
    with pytest.raises(DatasetError, match=match) as caught:
        install(path, images, most)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert [p.name for p in images.iterdir()] == ["README.md"]


def table(header: str = "emotion,pixels,Usage", rows: Sequence[str] = ()) -> bytes:
    """``fer2013.csv`` with two images of each class in each split."""
    made = [
        f"{label},{' '.join(map(str, image(10 * n + 2 * label + i)))},{usage}"
        for n, usage in enumerate(("Training", "PublicTest", "PrivateTest"))
        for label in range(7)
        for i in range(2)
    ]
    return "\n".join([header, *made, *rows, ""]).encode()


def image(seed: int) -> Sequence[int]:
    return np.random.default_rng(seed).integers(0, 256, 48 * 48).tolist()


def icml() -> bytes:
    """The same as ``icml_face_data.csv``: other columns first, blanks before their names."""
    lines = [line.split(",") for line in table().decode().splitlines()]
    return "\n".join(f"{label}, {usage}, {pixels}" for label, pixels, usage in lines).encode()


@pytest.mark.parametrize("kind", ["csv", "icml.csv", "zip", "tar.gz"])
def test_the_table_of_fer2013(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"fer2013.{kind}"
    if kind == "zip":
        write_zip(path, {"fer/test.csv": b"pixels", "fer/fer2013.csv": table()})
    elif kind == "tar.gz":
        (tmp_path / "README").write_text("x")
        (tmp_path / "fer2013.csv").write_bytes(table())
        with tarfile.open(path, "w:gz") as archive:
            archive.add(tmp_path / "README", "fer2013/README")
            archive.add(tmp_path / "fer2013.csv", "fer2013/fer2013.csv")
    else:
        path.write_bytes(icml() if kind == "icml.csv" else b"\xef\xbb\xbf" + table())
    report = install(path, tmp_path / "images")
    assert {name: part.images for name, part in report.splits.items()} == {
        "train": 14,
        "validation": 14,
        "test": 14,
    }
    validation = load_split(tmp_path / "images", "validation")
    happy = validation.images[validation.labels == EXPRESSIONS.index("happy")]
    assert {each.tobytes() for each in happy} == {
        np.array(image(10 + 2 * 3 + i), np.uint8).tobytes() for i in range(2)
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "found no emotion, no pixels, no usage"),
        (table("emotion,pixels,use"), "found no usage"),
        (table(rows=["3,1 2 3,Training"]), "a square image in line 44"),
        (table(rows=["3,1 2 3 x,Training"]), "in line 44"),
        (table(rows=["3,1 2 3 256,Training"]), "in line 44"),
        (table(rows=["3"]), "in line 44"),
        (table(rows=["3,,Training"]), "an empty cell"),
        (table(rows=[",1 2 3 4,Training"]), "an empty cell"),
        (table(rows=["x" * 200_000]), "expected a CSV file"),
    ],
)
def test_other_tables_are_refused(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    _refused(tmp_path / "a.csv", tmp_path, said)


def test_classes_of_ones_own_are_divided(tmp_path: Path) -> None:
    files = {
        f"hands/{c}/{i}.png": noise(100 * n + i) for n, c in enumerate("ab") for i in range(20)
    }
    report = install(write_zip(tmp_path / "a.zip", files), tmp_path / "images")
    assert report.splits["train"].per_class == {"a": 17, "b": 17}
    assert report.splits["validation"].per_class == {"a": 3, "b": 3}
    installed = {name for name in tree(tmp_path / "images") if name.endswith(".png")}
    assert installed == set((tmp_path / "images/files.txt").read_text().split("\n"))
    again = load_splits(tmp_path / "images")
    assert len(again["validation"].images) == 6
    install(write_zip(tmp_path / "b.zip", dataset()), tmp_path / "images")
