"""What goes wrong is said in one line, with what to do about it."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from pathlib import Path

import pytest

from edge.console import command_name, complaint, held_back
from edge.errors import EdgeError, first_line


def test_a_message_becomes_one_line() -> None:
    assert complaint(EdgeError("a.txt: expected this,\n  found that ")) == (
        "a.txt: expected this, found that"
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file", "a.txt"), "a.txt: .* found: No such file"),
        (OSError(errno.ENOSPC, "No space left"), "standard output: .* found: No space left"),
        (OSError("odd\nand long"), "found: odd"),
    ],
)
def test_a_foreign_error_comes_with_advice(error: OSError, said: str) -> None:
    assert re.search(rf"{said}; check the path.*choose another$", complaint(error))


def test_the_first_line_of_a_foreign_error() -> None:
    assert first_line(ValueError("\nfirst\nsecond")) == "first"
    assert first_line(ValueError()) == "ValueError"
    assert len(first_line(ValueError("x" * 1000))) == 200


def test_opening_a_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        tmp_path.read_bytes()
    assert complaint(caught.value).startswith(f"{tmp_path}: expected to use it, found: Is a dir")


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="no files in memory here")
def test_lines_are_held_back_where_no_disk_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    with held_back():
        os.write(2, b"nobody reads this\n")


def test_lines_of_native_code_are_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    def speak() -> None:
        os.write(2, b"INFO: one\n")
        os.write(2, b"two\n")

    with held_back((b"INFO: ",)):
        speak()
    assert capfd.readouterr().err == "two\n"
    with held_back((b"INFO: ",)), held_back():
        speak()
    assert capfd.readouterr().err == ""
    with pytest.raises(KeyboardInterrupt), held_back():
        raise KeyboardInterrupt
    speak()
    assert capfd.readouterr().err == "INFO: one\ntwo\n"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/opt/expressions/bin/expressions", "expressions"),
        ("expressions.exe", "expressions"),
        ("/home/pi/clone/edge/__main__.py", "edge"),
    ],
)
def test_the_command_has_the_name_that_it_was_started_by(path: str, name: str) -> None:
    assert command_name(path) == name
