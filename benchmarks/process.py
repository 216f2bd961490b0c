"""A worker process, from outside."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from benchmarks.errors import WorkerError

LIMIT_SECONDS = 300.0
"""For one reply: TensorFlow's start on a Pi with a slow card takes a third of it."""
_MESSAGE = 300
"""Characters of a message that are shown."""


class Process:
    """A process that replies to each line of JSON with one; lives as long as it is entered.

    ``command`` starts it, ``limit`` is in seconds for one reply, and ``environment`` is added to
    this process's. Raises ``WorkerError`` where it does not start.
    """

    def __init__(
        self,
        command: Sequence[str],
        limit: float = LIMIT_SECONDS,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it."""
        self._limit = limit
        self._messages = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._started = time.monotonic()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._messages,
                text=True,
                start_new_session=True,  # Ctrl-C is for the parent, which ends its workers
                env={**os.environ, **(environment or {})},
            )
        except OSError as error:
            self._messages.close()
            raise WorkerError(
                f"{command[0]}: expected the Python of an environment, found: {error.strerror}; "
                "set the environment up with make"
            ) from error

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._messages.close()

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started

    def peak_rss_mb(self) -> float | None:
        """Return its peak RSS so far in MB; Linux alone knows."""
        return peak_rss_mb(self._process.pid)

    def rss_mb(self) -> float | None:
        """Return its RSS now in MB; Linux alone knows."""
        return _memory_mb(self._process.pid, "VmRSS")

    def ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and return the reply; raises ``WorkerError``."""
        assert self._process.stdin
        with suppress(BrokenPipeError):  # it died, which the lack of a reply says too
            print(json.dumps({"do": request} | arguments), file=self._process.stdin, flush=True)
        return self.reply()

    def reply(self) -> dict[str, Any]:
        """Wait for the next line; raises ``WorkerError``, also with the worker's own error."""
        assert self._process.stdout
        watchdog = threading.Timer(self._limit, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        reply = json.loads(line) if line.endswith("\n") else self._ended()
        if "error" in reply:
            raise WorkerError(reply["error"])
        return dict(reply)

    def _ended(self) -> dict[str, str]:
        code = self._process.wait()
        self._messages.seek(0)
        last = [line.strip() for line in self._messages if line.strip()][-1:] or ["no message"]
        return {
            "error": f"expected a reply within {self._limit:g} s, found that the process ended "
            f"with {code}: {last[0][:_MESSAGE]}"
        }


def peak_rss_mb(process: int) -> float | None:
    """Return the peak RSS of a process in MB; Linux alone knows, and while the process lives."""
    return _memory_mb(process, "VmHWM")


def _memory_mb(process: int, line_name: str) -> float | None:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    found = (int(line.split()[1]) for line in lines if line.startswith(line_name))  # KiB
    return next((size * 1024 / 1e6 for size in found), None)
