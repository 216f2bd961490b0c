"""How a worker process replies: a line of JSON for each request. Standard library only.

Standard output is for replies alone; what a library prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO


def replies() -> TextIO:
    """Return what standard output was, and send everything else printed to standard error."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return stream


def serve(
    methods: Mapping[str, Callable[..., Any]], requests: Iterable[str], stream: TextIO
) -> None:
    """Answer each request ``{"do": name of a method, …arguments}`` with what the method returns."""
    for line in requests:
        request = json.loads(line)
        reply = methods[request.pop("do")](**request)
        print(json.dumps(reply), file=stream, flush=True)
