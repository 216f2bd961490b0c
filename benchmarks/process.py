"""A worker process from outside, and that of one subject."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from benchmarks.errors import WorkerError
from benchmarks.subjects import Subject

WORKER = (sys.executable, "-m", "benchmarks.worker")
LIMIT_SECONDS = 300.0
"""For one answer: the slowest, TensorFlow's start on a Pi with a slow card, takes a third of it;
some packages of others wait for a network without end."""

_SHOWN = 80
"""Characters of what is no answer that a message shows."""


class AnsweringProcess:
    """A process that answers each line of JSON on its standard input with one on its output.

    A context manager: it lives as long as that is open.
    """

    def __init__(self, command: Sequence[str], limit: float, **further: Any) -> None:
        """Start it; ``limit`` is in seconds for one answer, ``further`` is for ``Popen``."""
        self._limit, self._late = limit, False
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the parent, which ends its workers
            **further,
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        """Send one request and wait for its answer; raises ``WorkerError`` where there is none."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it died, which the lack of an answer says, too
            print(json.dumps({"do": request} | arguments), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        watchdog = threading.Timer(self._limit, self._give_up)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
            if not line.endswith("\n"):  # none, or cut short
                raise self._died()
        finally:
            watchdog.cancel()
        return answer_of(line)

    def _give_up(self) -> None:
        self._late = True
        self._process.kill()

    def _died(self) -> WorkerError:
        """What is said where there is no answer; the process is still watched."""
        if self._late:
            return WorkerError(
                f"expected an answer of its process within {self._limit:g} s, found none; close "
                "what else uses the machine, and measure again"
            )
        return WorkerError("its process ended; its message stands above")


class Process(AnsweringProcess):
    """The worker of one subject."""

    def __init__(
        self,
        subject: Subject,
        threads: int,
        faces: Path,
        limit: float = LIMIT_SECONDS,
        worker: Sequence[str] = WORKER,
    ) -> None:
        """Start it; it loads meanwhile. ``faces`` is the array file of what it classifies."""
        arguments = [subject.kind, str(subject.path), str(threads), str(faces)]
        super().__init__([*worker, *arguments], limit)

    def loaded(self) -> dict[str, Any]:
        """Wait for the worker's first line; raises ``WorkerError`` where it doesn't load."""
        return self._answer()


def answer_of(text: str) -> dict[str, Any]:
    """Return what ``text`` of a process says, a line of JSON.

    Raises ``WorkerError`` for an error in it, and where it is none: one that something else
    printed, or an end of it. Whose process it is, the one who asks knows.
    """
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise WorkerError(
            f"expected an answer of its process, a line of JSON, found {text[:_SHOWN]!r}; look for "
            "what else prints to its standard output or ends it, and measure again"
        )
    if "error" in answer:
        raise WorkerError(answer["error"])
    return answer
