"""The secret that opens the page to other machines: a file that only its user may read."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from edge.errors import SettingsError, SinkError
from edge.files import read_regular

_FOLDER, _FILE = "edge-expressions", "web-token"
_BYTES = 24
"""192 random bits, 32 letters."""
_MOST = 1 << 10
_RIGHT = re.compile(r"[\w-]{22,200}", re.ASCII)
"""22 letters of 64 kinds are 132 bits."""


def default_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the token is kept: in the service's folder, else in the user's."""
    state = (
        environment.get("STATE_DIRECTORY", "").partition(":")[0]
        or environment.get("XDG_STATE_HOME")
        or os.path.expanduser("~/.local/state")  # noqa: PTH111 - Path raises where there is no home
    )
    return Path(state, _FOLDER, _FILE)


def read_token(path: Path) -> str:
    """Return the token in ``path``, which is made where it is missing.

    Raises ``SinkError`` where it can't be written or read, ``SettingsError`` where it is no token
    or others may read it.
    """
    try:
        if not path.exists():
            return _make(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise SettingsError(
                f"{path}: expected a token that only its user may read (0600), found {mode:04o}; "
                "delete it, so that a new one is made"
            )
        token = read_regular(path, _MOST).decode("utf-8", "replace").strip()
    except OSError as error:
        raise SinkError(
            f"{path}: expected a place for the page's token, found: {error.strerror}; name "
            "another one with --web.token-file"
        ) from error
    if not _RIGHT.fullmatch(token):
        raise SettingsError(
            f"{path}: expected a token of 22 to 200 letters, digits, '-' and '_', found something "
            "else; delete it, so that a new one is made"
        )
    return token


def _make(path: Path) -> str:
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    token = secrets.token_urlsafe(_BYTES)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{token}\n")
    return token
