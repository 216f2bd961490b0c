"""Writes the settings file of the service from the settings themselves.

``python -m tools.settings_file`` prints it; ``edge/service/expressions.toml`` is what it printed
last, and a test compares them.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

from edge.run.build import RunSettings

SERVICE = {"source": "0"}
"""What a service sets: where "auto" finds no camera it shows the demo, and nobody looks on."""
_WIDTH = 98
_HEADING = (
    "Settings of the service. What begins with '#' and no blank is a default: remove the '#' to "
    "change it; what has no value is found out at the start. 'systemctl reload-or-restart "
    "expressions' starts anew with this file, or refuses what can't work; 'expressions doctor "
    "--config' with this file says what is missing. What belongs to no table stands above the "
    "first one. Relative outputs lie in /var/lib/expressions."
)


def settings_file(chosen: Mapping[str, Any] = SERVICE) -> str:
    """Return a TOML file with every setting, its help and its default, and what is ``chosen``."""
    return "\n".join([_comment(_HEADING), *_table(RunSettings(), chosen)]) + "\n"


def _table(settings: Any, chosen: Mapping[str, Any]) -> Iterator[str]:
    """The lines of one dataclass, those within it last, as TOML wants it."""
    texts = help_texts(type(settings))
    ordered = sorted(fields(settings), key=lambda field: is_dataclass(_default(field)))
    for field in ordered:
        default = _default(field)
        if is_dataclass(default):
            yield f"\n[{field.name}]"
            yield from _table(default, {})
            continue
        shown = f" {field.name} =" if default is None else f"{field.name} = {_value(default)}"
        yield f"\n{_comment(texts[field.name])}\n#{shown}"
        if field.name in chosen:
            yield f"{field.name} = {_value(chosen[field.name])}"


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def help_texts(kind: type) -> Mapping[str, str]:
    """Return the docstring under each field of ``kind``: Python itself doesn't keep it."""
    texts: dict[str, str] = {}
    for base in kind.__mro__[:-1]:
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body  # type: ignore[attr-defined]
        except (OSError, TypeError):  # RunSettings is made, not written
            continue
        for named, text in itertools.pairwise(body):
            if isinstance(named, ast.AnnAssign) and isinstance(text, ast.Expr):
                help_text = " ".join(ast.literal_eval(text.value).split())
                texts.setdefault(ast.unparse(named.target), help_text)
    return texts


def _comment(text: str) -> str:
    return textwrap.indent(textwrap.fill(text, _WIDTH - 2), "# ")


def _value(value: Any) -> str:
    """``value`` in TOML, whose strings, numbers and lists look as in JSON."""
    return json.dumps(value, ensure_ascii=False, default=_path)


def _path(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"settings file: expected a value that TOML can say, found {value!r}")


if __name__ == "__main__":
    sys.stdout.write(settings_file())
