"""Writes the JSON Schema of results and events from the types of ``edge.records``.

``python -m tools.record_schema`` prints it; ``docs/records.schema.json`` is what it printed last,
and a test compares them.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping
from typing import Any, get_type_hints

import msgspec

from edge import records
from tools.settings_file import help_texts

LINES = (records.FrameRecord, records.SecondRecord, records.EventRecord)
"""What one line is one of."""
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def record_schema() -> str:
    """Return the schema of a line as JSON."""
    lines, types = msgspec.json.schema_components(LINES, ref_template="#/$defs/{name}")
    schema = {
        "$schema": _DIALECT,
        "title": "A line of results or of events",
        "anyOf": list(lines),
        "$defs": {name: _described(types[name], getattr(records, name)) for name in sorted(types)},
    }
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _described(schema: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Add the text of each field to the schema of ``kind``, and let it have no other fields."""
    texts = _texts(kind)
    fields = {name: field | {"description": texts[name]} for name, field in _fields(schema, kind)}
    described = {"description": " ".join((inspect.getdoc(kind) or "").split())}
    return {**schema, **described, "properties": fields, "additionalProperties": False}


def _fields(schema: Mapping[str, Any], kind: type) -> list[tuple[str, dict[str, Any]]]:
    """In the order of the type."""
    order = list(get_type_hints(kind))
    return sorted(schema["properties"].items(), key=lambda field: order.index(field[0]))


def _texts(kind: type) -> dict[str, str]:
    """The docstring under each field, or the text within the type where there can be none."""
    hints = get_type_hints(kind, include_extras=True)
    texts = {**help_texts(kind), **{n: t for n, hint in hints.items() for t in _within(hint)}}
    return {name: text.replace("``", "") for name, text in texts.items()}


def _within(hint: Any) -> list[str]:
    """The texts of ``Annotated``, also within ``NotRequired``."""
    texts = [text for text in getattr(hint, "__metadata__", ()) if isinstance(text, str)]
    return texts + [text for inner in getattr(hint, "__args__", ()) for text in _within(inner)]


if __name__ == "__main__":
    sys.stdout.write(record_schema())
