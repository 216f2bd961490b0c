"""The worker process of one package, from outside."""

from __future__ import annotations

import os
import tempfile
import time

from benchmarks.errors import WorkerError
from benchmarks.high_water import high_water_mb
from benchmarks.peers.registry import Peer
from benchmarks.process import LIMIT_SECONDS, AnsweringProcess

_WORKER = "benchmarks.peers.worker"
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
_MESSAGE = 300
"""Characters of a package's own message that a row shows."""


class PeerProcess(AnsweringProcess):
    """The worker of one package, whose messages are kept for its row."""

    def __init__(self, peer: Peer, limit: float = LIMIT_SECONDS) -> None:
        """Start it; raises ``WorkerError`` where the environment isn't there."""
        worker = ("-m", _WORKER, peer.adapter, peer.adapter_class, *peer.arguments)
        self._messages = tempfile.TemporaryFile(  # noqa: SIM115 - open as long as the process
            "w+", encoding="utf-8", errors="replace"
        )
        self._started = time.monotonic()
        try:
            super().__init__(
                [str(peer.python), *worker], limit, stderr=self._messages, env=_environment(peer)
            )
        except OSError as error:
            self._messages.close()
            raise WorkerError(
                f"{peer.python}: expected the Python of its environment, found: {error.strerror}; "
                "run 'make bench-peers' and read what its set-up says"
            ) from error

    def __exit__(self, *_: object) -> None:
        """End the process."""
        super().__exit__()
        self._messages.close()

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started

    def peak_mb(self) -> float | None:
        """Greatest resident memory so far; Linux alone knows."""
        return high_water_mb(self._process.pid)

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
