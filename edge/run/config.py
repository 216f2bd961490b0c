"""Reads the settings file into the arguments of the command line, which go before it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cyclopts import App, ArgumentCollection
from cyclopts.argument import update_argument_collection

from edge.errors import SettingsError, first_line
from edge.run.build import RunSettings
from edge.settings import expanded


def take_addresses(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Let "--mqtt mqtt://broker" be the address of the table, beside "--mqtt.device pi".

    cyclopts takes it for the whole table, which nothing else may join then.
    """
    del app, commands
    for table in arguments:
        for child in table.children:
            if child.keys[-1] == "address":
                while table.tokens:
                    child.append(table.tokens.pop(0))


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
        if not file.is_file():
            raise SettingsError(f"{path}: expected a settings file, found none; check the path")
        values = tomllib.loads(file.read_text("utf-8-sig"))
    except PermissionError as error:
        raise SettingsError(
            f"{path}: expected a settings file that this user may read, found: {error.strerror}; "
            f"run 'sudo chmod 644 {path}', or where it holds a password 'sudo chgrp video {path}' "
            "and 'sudo chmod 640' for members of that group and the service alone"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(
            f"{path}: expected a settings file in TOML, found: {first_line(error)}; mend it"
        ) from error
    values = {key.replace("-", "_"): value for key, value in values.items()}
    _check_keys(path, values)
    return values


def _check_keys(path: str, values: Mapping[str, Any]) -> None:
    """Refuse unknown keys with the nearest known one, and a value in the place of a table."""
    known = {field.name: field for field in fields(RunSettings)}
    for name, value in values.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            advice = f"write {near[0]} for it" if near else "take it out"
            raise SettingsError(f"{path}: expected {', '.join(known)}, found {name}; {advice}")
        table = is_dataclass(known[name].default_factory)
        if table and not isinstance(value, dict):
            raise SettingsError(
                f"{path}: expected a table [{name}], found {name} = {value!r}; "
                "write what belongs there in lines of its own below it"
            )


def refuse_other_numbers(
    app: App, commands: tuple[str, ...], arguments: ArgumentCollection
) -> None:
    """Raise ``SettingsError`` for what is no number, and for 2.7 where cyclopts would round it."""
    del app, commands
    for argument in arguments:
        if argument.hint not in _NUMBERS or argument.parameter.converter:
            continue
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
    return _is_number(text) and float(text).is_integer()


_NUMBERS: Mapping[object, tuple[str, Callable[[str], bool]]] = {
    int: ("a whole number", _is_whole),
    float: ("a number", _is_number),
}
