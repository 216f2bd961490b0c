"""How a worker answers on standard output, which is for that alone.

The standard library and nothing of ours.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def answers_alone() -> Iterator[TextIO]:
    """Yield what standard output was; what a library prints goes to standard error from now on."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        yield answers


def serve(
    worker: object,
    requests: Iterable[str],
    answers: TextIO,
    errors: type[Exception] | tuple[()] = (),
) -> None:
    """Answer each line of ``requests``: ``{"do": method of worker, …arguments}``.

    An error that is one of ``errors`` is an answer too; any other one ends the worker.
    """
    for line in requests:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except errors as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), file=answers, flush=True)
