"""Recipes in TOML files: what differs from a recipe of ours."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec

from edge.files import read_toml
from train.errors import RecipeError
from train.recipe import Cosine, Plateau, Recipe

_BASE = "base"
"""The key that names the recipe from which the file's differs."""
_DEFAULT = "own"


def read_recipe(path: Path, find: Callable[[str], Recipe]) -> Recipe:
    """Return the recipe of the TOML file at ``path``, called as the file is.

    Keys are the fields of ``Recipe``, tables those of its parts; ``base`` names the recipe that has
    the others, "own" without it, which ``find`` returns. Raises ``RecipeError``.
    """
    try:
        values = read_toml(path)
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: expected a TOML file, found: {error}; check it") from error
    base = values.pop(_BASE, _DEFAULT)
    if not isinstance(base, str):
        raise RecipeError(f"{path}: expected the name of a recipe as base, found {base!r}")
    try:
        recipe = dataclasses.replace(find(base), name=path.stem)
    except RecursionError as error:
        raise RecipeError(
            f"{path}: expected a base that doesn't lead back to it, found {base!r}; name another"
        ) from error
    return changed(recipe, values, str(path))


def changed(recipe: Recipe, values: Mapping[str, Any], what: str) -> Recipe:
    """Return ``recipe`` with the ``values`` of ``what``; raises ``RecipeError``."""
    kinds = get_type_hints(Recipe)
    del kinds["name"]
    new = {}
    for key, value in values.items():
        if key not in kinds:
            raise _unknown(what, key, kinds)
        new[key] = _converted(getattr(recipe, key), value, kinds[key], f"{what}: {key}")
    return dataclasses.replace(recipe, **new)


def _converted(before: Any, value: Any, kind: Any, what: str) -> Any:
    """Return ``value`` as a field of this ``kind``; a table changes what it names."""
    if kind == Plateau | Cosine:
        kind = Cosine if isinstance(value, dict) and set(value) & _fields(Cosine) else Plateau
    if isinstance(value, dict):
        parts = (each for each in (kind, *get_args(kind)) if dataclasses.is_dataclass(each))
        part: Any = next(parts, None)
        if part is None:
            raise RecipeError(f"{what}: expected no table; docs/training.md has an example")
        for key in value:
            if key not in _fields(part):
                raise _unknown(what, key, _fields(part))
        value = (dataclasses.asdict(before) if isinstance(before, part) else {}) | value
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise RecipeError(f"{what}: {error}; docs/training.md has an example") from error


def _fields(part: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(part)}


def _unknown(what: str, key: str, known: Iterable[str]) -> RecipeError:
    return RecipeError(
        f"{what}: expected one of {', '.join(sorted(known))}, found {key!r}"
        f"{did_you_mean(key, known)}"
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean …?" where one of ``known`` looks like ``word``."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""
