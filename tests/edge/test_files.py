"""A file is replaced whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.files import check_target, read_regular, read_toml, replace_with, replacing, write_text


def test_new_content_replaces_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    write_text(path, "new ✓")
    assert path.read_text(encoding="utf-8") == "new ✓"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_keeps_the_old_content_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with replace_with(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_keeps_the_suffix(tmp_path: Path) -> None:
    with replacing(tmp_path / "clip.mp4") as temporary:
        assert temporary.suffix == ".mp4"
        temporary.write_bytes(b"x")
    assert (tmp_path / "clip.mp4").exists()


def test_a_folder_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_text(tmp_path / "missing" / "a.txt", "x")


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.txt") as one, replacing(tmp_path / "a.txt") as other:
        assert one != other
        for path in (one, other):
            path.write_text(path.name)
    assert (tmp_path / "a.txt").read_text() == one.name
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]


def test_dots_in_texts_are_no_parts_of_keys(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(f"source = {[f'clips/{n}.a.mp4' for n in range(600)]}")
    assert len(read_toml(path)["source"]) == 600
    for before in ("'a.b'", 'a = ["""x"y""", {b'):
        path.write_text(f"{before}{'.b' * 501} = 1")
        with pytest.raises(ValueError, match="more than 500 dots"):
            read_toml(path)


def test_a_folder_is_refused_before_the_body(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), replacing(tmp_path):
        raise AssertionError("the body ran")


def test_a_target_is_checked_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_target(tmp_path / "not/yet/there")
    check_target(tmp_path / "file")
    for path in (tmp_path, tmp_path / "file/below", tmp_path / ("long" * 99) / "x"):
        with pytest.raises(OSError) as caught:
            check_target(path)
        assert caught.value.filename == str(path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("a")
    assert read_regular(tmp_path / "link", 5) == b"12345"
    (tmp_path / "a").write_bytes(bytes(1025))
    with pytest.raises(OSError, match="more than 1 kB"):
        read_regular(tmp_path / "a", 1024)


@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "."])
def test_what_would_block_or_never_end_is_not_read(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(name)
    with pytest.raises(OSError, match="not a file"):
        read_regular(tmp_path / "link", 1024)
