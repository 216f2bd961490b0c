"""Reads the settings file into the arguments of the command line, which go before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cyclopts import App, ArgumentCollection
from cyclopts.argument import update_argument_collection

from edge.errors import SettingsError, first_line
from edge.files import read_toml
from edge.run.build import RunSettings
from edge.settings import expanded

_TWICE = re.compile("twice|overwrite")
"""In what ``tomllib`` says of a key or a table that the file has already."""
_KINDS: Mapping[type, str] = {dict: "table", list: "list"}


def take_addresses(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Let "--mqtt mqtt://broker" be the address of the table, beside "--mqtt.device pi".

    cyclopts takes it for the whole table, which nothing else may join then. A table without an
    address has no value: raises ``SettingsError``.
    """
    del app, commands
    for table in arguments:
        for child in table.children:
            if child.keys[-1] == "address":
                while table.tokens:
                    child.append(table.tokens.pop(0))
        if table.children and table.tokens:
            raise SettingsError(
                f"{table.name.lstrip('-')}: expected one of its options, found "
                f"{table.tokens[0].value} for all; write {table.children[0].name} and such"
            )


def read_settings_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill in what the command line leaves open from the TOML file that ``--config`` names.

    Raises ``SettingsError``.
    """
    del commands
    for path in [a.tokens[0].value for a in arguments if a.name == "--config" and a.tokens]:
        update_argument_collection(
            _read(path), path, arguments, app.app_stack.stack[-1], root_keys=(), allow_unknown=False
        )


def _read(path: str) -> dict[str, Any]:
    file = Path(expanded(path))
    try:
        values = read_toml(file)
    except FileNotFoundError as error:
        raise SettingsError(
            f"{path}: expected a settings file, found none; check the path"
        ) from error
    except PermissionError as error:
        raise SettingsError(
            f"{path}: expected a settings file that this user may read, found: {error.strerror}; "
            f"run 'sudo chmod 644 {path}', or where it holds a password 'sudo chgrp video {path}' "
            "and 'sudo chmod 640' for members of that group and the service alone"
        ) from error
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{path}: expected a settings file in TOML, found: {_found(error)}; "
            + ("change what is there" if _TWICE.search(str(error)) else "mend it")
        ) from error
    values = {key.replace("-", "_"): value for key, value in values.items()}
    _check(path, values)
    return values


def _found(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or first_line(error)


def _check(path: str, values: Mapping[str, Any]) -> None:
    """Refuse unknown keys with the nearest known one, and what is no value of an option."""
    known = {field.name: field for field in fields(RunSettings)}
    for name, value in values.items():
        if name not in known:
            raise _unknown(path, name, known)
        table: Any = known[name].default_factory
        if not is_dataclass(table):
            _check_value(path, name, value)
        elif isinstance(value, dict):
            options = [field.name for field in fields(table)]
            for option, one in value.items():
                if option.replace("-", "_") not in options:
                    above = known.get(option.replace("-", "_"))
                    moved = above is not None and not is_dataclass(above.default_factory)
                    raise _unknown(f"{path}: [{name}]", option, options, moved)
                _check_value(path, f"{name}.{option}", one)
        else:
            raise SettingsError(
                f"{path}: expected a table [{name}], found {name} = …; write what belongs there in "
                "lines of its own below it"
            )


def _unknown(
    path: str, name: str, known: Iterable[str], belongs_above: bool = False
) -> SettingsError:
    """``belongs_above`` says that it is an option, but none of the table that it stands in."""
    near = get_close_matches(name, known, 1)
    advice = f"write {near[0]} for it" if near else "take it out"
    if belongs_above:
        advice = "write it above the first line with [ ]"
    return SettingsError(f"{path}: expected {', '.join(known)}, found {name}; {advice}")


def _check_value(path: str, name: str, value: object) -> None:
    """Refuse what is no option's value: TOML has tables in tables, and dates."""
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, str | int | float):
            raise SettingsError(
                f"{path}: expected a text, a number, true or false for {name}, found a "
                f"{_KINDS.get(type(one), 'date or time')}; see the settings file of the service"
            )


def refuse_other_values(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Raise ``SettingsError`` for what cyclopts would take: 2.7 for 2, and "" for this folder."""
    del app, commands
    for argument in arguments:
        if argument.hint not in _VALUES or argument.parameter.converter:
            continue
        what, fits = _VALUES[argument.hint]
        for token in argument.tokens:
            if not fits(token.value):
                raise SettingsError(
                    f"{argument.name.lstrip('-')}: expected {what}, found "
                    f"{token.value or 'nothing'}; give one"
                )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_whole(text: str) -> bool:
    return _is_number(text) and float(text).is_integer()


_VALUES: Mapping[object, tuple[str, Callable[[str], bool]]] = {
    int: ("a whole number", _is_whole),
    float: ("a number", _is_number),
    Path: ("a path", bool),
    tuple[Path, ...]: ("a path", bool),
}
