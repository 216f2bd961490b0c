"""The worker process of one package, from outside."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack
from typing import IO, Any, Self

from benchmarks.errors import WorkerError
from benchmarks.high_water import high_water_mb
from benchmarks.peers.registry import Peer
from benchmarks.process import answer_of

_WORKER = "benchmarks.peers.worker"
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
_LIMIT_SECONDS = 300
"""For one answer: some packages wait for a network without end."""
_MESSAGE = 300
"""Characters of a package's own message that a row shows."""


class PeerProcess:
    """A context manager: the process lives as long as it is open."""

    def __init__(self, peer: Peer, limit: float = _LIMIT_SECONDS) -> None:
        """Take what to start; ``limit`` is in seconds for one answer."""
        self._peer, self._limit = peer, limit
        self._open = ExitStack()
        self._process: subprocess.Popen[str]
        self._messages: IO[str]

    def __enter__(self) -> Self:
        """Start it; raises ``WorkerError`` where the environment isn't there."""
        peer = self._peer
        with ExitStack() as stack:
            self._messages = stack.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
            )
            self._started = time.monotonic()
            try:
                self._process = subprocess.Popen(
                    [
                        str(peer.python),
                        "-m",
                        _WORKER,
                        peer.adapter,
                        peer.adapter_class,
                        *peer.arguments,
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._messages,
                    text=True,
                    env=_environment(peer),
                    start_new_session=True,  # Ctrl-C is for the parent, which ends its workers
                )
            except OSError as error:
                raise WorkerError(
                    f"{peer.python}: expected the Python of its environment, found: "
                    f"{error.strerror}; run 'make bench-peers' and read what its set-up says"
                ) from error
            stack.callback(self._process.communicate)
            stack.callback(self._process.kill)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._open.close()

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started

    def peak_mb(self) -> float | None:
        """Greatest resident memory so far; Linux alone knows."""
        return high_water_mb(self._process.pid)

    def ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        """Send one request and wait for its answer; raises ``WorkerError`` where it dies."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = threading.Timer(self._limit, self._process.kill)
        watchdog.start()
        try:
            print(json.dumps({"do": request} | arguments), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError as error:
            raise self._died() from error
        finally:
            watchdog.cancel()
        if not line.endswith("\n"):  # none, or cut short
            raise self._died()
        return answer_of(line)

    def _died(self) -> WorkerError:
        self._process.wait()
        self._messages.seek(0)
        lines = [line.strip() for line in self._messages if line.strip()]
        last = lines[-1][:_MESSAGE] if lines else "no message"
        return WorkerError(
            f"its process ended with {self._process.returncode} after at most {self._limit:g} s "
            f"for an answer: {last}"
        )


def _environment(peer: Peer) -> dict[str, str]:
    """Ours obeys its settings alone; what torch obeys is OpenMP's variable."""
    threads = {} if peer.threads is None else {"OMP_NUM_THREADS": str(peer.threads)}
    # What a package compiles at its first start is there at the next ones, as it is for its users.
    own = {name: value for name, value in os.environ.items() if name != _NO_BYTECODE}
    return own | {"TF_CPP_MIN_LOG_LEVEL": "3"} | threads
