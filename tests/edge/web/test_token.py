"""The file with the token."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from edge.errors import SettingsError, SinkError
from edge.web.token import default_path, read_token


def test_it_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "edge-expressions" / "web-token"
    token = read_token(path)
    assert len(token) * 6 >= 128  # bits: each letter is one of 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_token(path) == token
    assert read_token(tmp_path / "other") != token


def test_one_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    read_token(path)
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="found 0640; delete it"):
        read_token(path)


@pytest.mark.parametrize(
    "content", ["", "secret", "x" * 21, "with blanks between its many letters"]
)
def test_one_that_can_be_guessed_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match="expected a token of 22"):
        read_token(path)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="expected a place for the page's token"):
        read_token(tmp_path / "file" / "token")


def test_a_service_keeps_it_in_its_own_folder() -> None:
    state = {"STATE_DIRECTORY": "/var/lib/expressions:/x", "XDG_STATE_HOME": "/home/x/state"}
    assert default_path(state) == Path("/var/lib/expressions/edge-expressions/web-token")
    del state["STATE_DIRECTORY"]
    assert default_path(state) == Path("/home/x/state/edge-expressions/web-token")
    assert default_path({}) == Path("~/.local/state/edge-expressions/web-token").expanduser()
