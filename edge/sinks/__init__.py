"""Where results go: registries of outputs by suffix, and of what serves or sends results.

A new kind of output is a file beside this one with an adapter, and a line in ``ADAPTERS`` or
``PUBLISHERS``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from edge.adapters import PublisherAdapter, SinkAdapter
from edge.errors import SettingsError
from edge.sinks import folder, mqtt, pictures, pipe, records, video, web

ADAPTERS: Mapping[str, SinkAdapter] = {
    ".jsonl": records.JSON_LINES,
    ".csv": records.CSV,
    ".parquet": records.PARQUET,
    ".mp4": video.ADAPTER,
    ".mkv": video.ADAPTER,
    ".webm": video.ADAPTER,
    ".jpg": pictures.ADAPTER,
    ".jpeg": pictures.ADAPTER,
    ".png": pictures.ADAPTER,
}
"""By suffix."""
PUBLISHERS: tuple[PublisherAdapter, ...] = (mqtt.ADAPTER, web.ADAPTER)
"""The page comes last: it wakes threads, which those after it would have to compete with."""


def find_adapter(path: Path) -> SinkAdapter:
    """Return the adapter for ``path``; raises ``SettingsError`` where none is.

    A folder, or a name without a suffix that is none yet, takes a picture or a video of each input.
    A pipe without a suffix, and "-", get lines of JSON.
    """
    suffix = path.suffix.lower()
    if pipe.is_pipe(path):
        return ADAPTERS.get(suffix, records.JSON_LINES)
    if not suffix or os.path.isdir(path):  # noqa: PTH112 - this one raises nothing
        return folder.ADAPTER
    try:
        return ADAPTERS[suffix]
    except KeyError:
        raise SettingsError(
            f"output: expected a name that ends in {', '.join(ADAPTERS)}, or a folder, found "
            f"{str(path)!r}; rename the output"
        ) from None
