"""Model files that are changed and signed again: only who means it makes these."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.contract import MEMBER, embed, extract
from tests.attack.child import ROOT

Change = Callable[[Any], None]
"""Changes a ``ModelT``, the objects of the flatbuffer's schema."""
SHIPPED, FLOATS = "Finalmodel.tflite", "Finalmodel_float32.tflite"


@functools.cache
def whole(name: str = SHIPPED) -> bytes:
    """Return a file in models/."""
    return (ROOT / "models" / name).read_bytes()


@functools.cache
def graph(name: str = SHIPPED) -> bytes:
    """Return its flatbuffer alone."""
    content = whole(name)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return content[: min(member.header_offset for member in archive.infolist())]


def signed(content: bytes) -> bytes:
    """Return a flatbuffer with the shipped contract, whose hash is right."""
    return embed(content, extract(whole()))


def edited(change: Change, name: str = SHIPPED) -> bytes:
    """Return a signed file of a changed graph."""
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(graph(name), 0))
    change(tree)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(tree.Pack(builder), b"TFL3")
    return signed(bytes(builder.Output()))


def filled(value: float) -> bytes:
    """Return a signed float32 file whose largest weights are all ``value``."""

    def change(tree: Any) -> None:
        largest = max(tree.buffers, key=lambda buffer: _length(buffer.data))
        count = _length(largest.data) // 4
        largest.data = np.full(count, value, "<f4").view(np.uint8)

    return edited(change, FLOATS)


def _length(data: Any) -> int:
    return 0 if data is None else len(data)


def with_contract(**fields: str) -> bytes:
    """Return the shipped graph with a contract in which ``fields`` are these pieces of JSON."""
    with zipfile.ZipFile(io.BytesIO(whole())) as archive:
        values = json.loads(archive.read(MEMBER))
    for name in fields:
        values[name] = f"<{name}>"
    text = json.dumps(values)
    for name, piece in fields.items():
        text = text.replace(f'"<{name}>"', piece)
    return with_members({MEMBER: text.encode()})


def with_members(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return the shipped graph with these members behind it."""
    buffer = io.BytesIO(graph())
    with zipfile.ZipFile(buffer, "a", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()
