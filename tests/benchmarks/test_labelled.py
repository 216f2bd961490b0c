"""Labelled photographs as a user has them, and all that can be wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from benchmarks import labelled
from benchmarks.errors import PhotographsError
from benchmarks.labelled import Photograph, open_labelled
from edge.types import Box
from tests.benchmarks.photos import BOXED, HEADER, as_archive, as_folder, png, table

PICTURE = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
PLAIN = {"a/1.png": png(PICTURE), "set.csv": table(HEADER, ["a/1.png,happy", "a/1.png, sad "])}


def test_an_archive_and_a_folder_hold_the_same(tmp_path: Path) -> None:
    archive = as_archive(tmp_path / "faces.zip", PLAIN)
    folder = as_folder(tmp_path / "faces", PLAIN)
    for path, content in ((archive, archive.read_bytes()), (folder, PLAIN["set.csv"])):
        with open_labelled(path) as found:
            assert found.name == path.name
            assert found.sha256 == hashlib.sha256(content).hexdigest()
            assert found.photographs == [
                Photograph("a/1.png", "happy", None),
                Photograph("a/1.png", "sad", None),
            ]
            assert np.array_equal(found.image(found.photographs[0]), PICTURE)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["faces", "faces.zip"]


def test_pictures_lie_beside_the_table_wherever_that_is(tmp_path: Path) -> None:
    files = {f"faces/{name}": content for name, content in PLAIN.items()}
    path = as_archive(tmp_path / "a.zip", files | {"__MACOSX/faces/._set.csv": b"\0"})
    with open_labelled(path) as found:
        assert found.image(found.photographs[1]).shape == PICTURE.shape


def test_boxes_are_read_with_a_mark_of_the_encoding_and_other_columns(tmp_path: Path) -> None:
    rows = b"\xef\xbb\xbf" + table(f"id,{BOXED}", ["7,a.png,sad,1,2.5,3,4e1"])
    path = as_archive(tmp_path / "a.zip", {"set.CSV": rows.replace(b"\n", b"\r\n")})
    with open_labelled(path) as found:
        assert found.photographs == [Photograph("a.png", "sad", Box(1, 2.5, 3, 40))]


BAD: Mapping[str, tuple[dict[str, bytes], str]] = {
    "no table": ({"a.png": b""}, "expected one CSV file, found none"),
    "two tables": ({"a.csv": b"", "b.csv": b""}, "expected one CSV file, found a.csv, b.csv"),
    "an empty table": ({"a.csv": b""}, "expected the columns file, label, found no file, label"),
    "no label": ({"a.csv": b"file\nx.png\n"}, "found no label"),
    "half a box": ({"a.csv": b"file,label,left,top\n"}, "found no right, bottom"),
    "no rows": ({"a.csv": table(HEADER, [])}, "expected a row for each face, found none"),
    "a row cut short": ({"a.csv": table(BOXED, ["x.png,sad,1,2"])}, "line 2: expected left < rig"),
    "a box of words": ({"a.csv": table(BOXED, ["x.png,sad,1,2,3,b"])}, "found 1, 2, 3, b; mend"),
    "an empty box": ({"a.csv": table(BOXED, ["x.png,sad,1,2,1,4"])}, "found 1, 2, 1, 4; mend it"),
    "an endless box": ({"a.csv": table(BOXED, ["x,sad,1,2,inf,4"])}, "found 1, 2, inf, 4; mend"),
    "no file": ({"a.csv": table(HEADER, [",sad"])}, "line 2: expected the path of a picture"),
    "elsewhere": ({"a.csv": table(HEADER, ["../x.png,sad"])}, "found '../x.png'; mend it"),
    "a root": ({"a.csv": table(HEADER, ["/x.png,sad"])}, "found '/x.png'; mend it"),
    "no text": ({"a.csv": b"file,label\n\xff\xfe,sad\n"}, "expected a CSV file in UTF-8, found"),
    "an open quote": ({"a.csv": b'file,label\n"x,sad\n'}, "expected a CSV file in UTF-8, found"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_set_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    files, message = BAD[name]
    as_archive(tmp_path / "faces.zip", files)
    as_folder(tmp_path / "faces", files)
    for path in (tmp_path / "faces.zip", tmp_path / "faces"):
        with pytest.raises(PhotographsError) as raised, open_labelled(path):
            pass
        assert str(raised.value).startswith(f"{path.name}: ")
        assert message in str(raised.value)
        assert "\n" not in str(raised.value)


def test_an_empty_archive_and_folder_have_no_table(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (as_archive(tmp_path / "a.zip", {}), tmp_path / "folder"):
        with pytest.raises(PhotographsError, match="found none"), open_labelled(path):
            pass


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_what_is_no_archive_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with (
        pytest.raises(PhotographsError, match=r"a\.zip: expected a whole ZIP archive"),
        open_labelled(tmp_path / "a.zip"),
    ):
        pass


def test_a_path_that_leads_nowhere_is_said_so(tmp_path: Path) -> None:
    with (
        pytest.raises(PhotographsError, match="expected a ZIP archive or a folder, found none"),
        open_labelled(tmp_path / "a.zip"),
    ):
        pass


def test_a_picture_that_is_missing_or_none_is_named(tmp_path: Path) -> None:
    rows = table(HEADER, ["gone.png,sad", "text.png,sad", "empty.png,sad"])
    files = {"set.csv": rows, "text.png": b"text", "empty.png": b""}
    for path in (as_archive(tmp_path / "a.zip", files), as_folder(tmp_path / "a", files)):
        with open_labelled(path) as found:
            gone, *others = found.photographs
            with pytest.raises(PhotographsError, match=r"expected the file gone\.png, found none"):
                found.image(gone)
            for each in others:
                with pytest.raises(PhotographsError, match=rf"{each.file}: expected a picture"):
                    found.image(each)


def test_a_damaged_member_and_an_endless_one_are_refused(tmp_path: Path) -> None:
    path = as_archive(tmp_path / "a.zip", PLAIN)
    content = bytearray(path.read_bytes())
    place = content.index(PLAIN["a/1.png"][:8]) + 40
    content[place] ^= 255
    path.write_bytes(content)
    with open_labelled(path) as found:
        with pytest.raises(PhotographsError, match="Bad CRC"):
            found.image(found.photographs[0])
        large = bytes(labelled.MOST_BYTES + 1)
    files = PLAIN | {"a/1.png": large}
    for path in (as_archive(tmp_path / "b.zip", files), as_folder(tmp_path / "b", files)):
        with (
            open_labelled(path) as found,
            pytest.raises(PhotographsError, match="expected at most 64 MB"),
        ):
            found.image(found.photographs[0])
