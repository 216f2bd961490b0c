"""Where results go: a registry of outputs by suffix.

A new kind of output is a file beside this one with an adapter, and a line in ``ADAPTERS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge.errors import SettingsError
from edge.sinks import records, video
from edge.types import SinkAdapter

ADAPTERS: Mapping[str, SinkAdapter] = {
    ".jsonl": records.JSON_LINES,
    ".csv": records.CSV,
    ".mp4": video.ADAPTER,
    ".mkv": video.ADAPTER,
}


def find_adapter(path: Path) -> SinkAdapter:
    """Return the adapter for the suffix of ``path``; raises ``SettingsError`` where none is."""
    try:
        return ADAPTERS[path.suffix.lower()]
    except KeyError:
        raise SettingsError(
            f"output: expected a name that ends in {', '.join(ADAPTERS)}, found {str(path)!r}; "
            "rename the output"
        ) from None
