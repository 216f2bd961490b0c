"""Reads the settings file into the arguments of the command line, which go before it."""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path

from cyclopts import App, ArgumentCollection
from cyclopts.config import Toml

from edge.errors import SettingsError
from edge.settings import Settings, expanded

_TABLES = {field.name for field in fields(Settings) if is_dataclass(field.default_factory)}


def read_settings_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill in what the command line leaves open from the TOML file that ``--config`` names."""
    paths = [expanded(a.tokens[0].value) for a in arguments if a.name == "--config" and a.tokens]
    for path in paths:
        with _reading(path):
            if not Path(path).is_file():
                raise SettingsError(
                    f"{path}: expected a settings file (TOML), found {_there(Path(path))}; "
                    "check the path"
                )
            _check_keys(path)
            Toml(path, use_commands_as_keys=False)(app, commands, arguments)


def _there(path: Path) -> str:
    """What is at ``path`` and no file."""
    if path.is_dir():
        return "a folder"
    return "a pipe or a device" if path.exists() else "no such file"


@contextlib.contextmanager
def _reading(path: str) -> Iterator[None]:
    """Raise what keeps the file at ``path`` from being read as a ``SettingsError``."""
    try:
        yield
    except PermissionError as error:
        raise SettingsError(
            f"{path}: expected a settings file that this user may read, found: {error.strerror}; "
            f"run 'sudo chmod 644 {path}', or where it holds a password 'sudo chgrp video {path}' "
            "and 'sudo chmod 640' for members of that group and the service alone"
        ) from error
    except OSError as error:
        raise SettingsError(
            f"{path}: expected a settings file that can be read, found: {error.strerror or error}; "
            "check the path and the disk"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path}: expected a settings file in TOML, found {error}; mend that line"
        ) from error


def refuse_other_numbers(_: App, __: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Refuse what is no number, from the command line or a file, in the manner of all messages.

    And 2.7 for a whole one, which cyclopts would round.
    """
    for argument in (argument for argument in arguments if argument.hint in _NUMBERS):
        what, fits = _NUMBERS[argument.hint]
        for token in argument.tokens:
            if not fits(token.value):
                raise SettingsError(
                    f"{argument.name.lstrip('-')}: expected {what}, found {token.value}; give one"
                )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_whole(text: str) -> bool:
    if _is_number(text):
        return float(text).is_integer()
    try:
        int(text, 0)  # 0x10
    except ValueError:
        return False
    return True


_NUMBERS: Mapping[object, tuple[str, Callable[[str], bool]]] = {
    int: ("a whole number", _is_whole),
    float: ("a number", _is_number),
}


def _advice(value: object, similar: Sequence[str]) -> str:
    """What to do about an unknown key with ``value``, whose name is ``similar`` to one of ours."""
    if isinstance(value, dict) and not similar:
        return "write options at the top level, without a table of their own"
    return f"write {similar[0]} for it" if similar else "take it out"


def _check_keys(path: str) -> None:
    """Refuse a table that isn't one of ours: one named like a command would be passed over.

    And a value in the place of one of ours, which cyclopts would take for its first setting.
    """
    with Path(path).open("rb") as file:
        values = {key.replace("-", "_"): value for key, value in tomllib.load(file).items()}
    unknown = sorted(values.keys() - {field.name for field in fields(Settings)})
    if unknown:
        known = list(Settings.__dataclass_fields__)
        raise SettingsError(
            f"{path}: expected {', '.join(known)}, found {', '.join(unknown)}; "
            f"{_advice(values[unknown[0]], get_close_matches(unknown[0], known, 1))}"
        )
    for name in values.keys() & _TABLES:
        if not isinstance(values[name], dict):
            raise SettingsError(
                f"{path}: expected a table [{name}], found {name} = {values[name]!r}; "
                "write what belongs there in lines of its own below it"
            )
