"""Where the files of a scan are worked on: processes of this machine, or any Dask cluster.

Imports Dask, which comes with the extra ``scan``.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import dask
from distributed import (
    Client,
    KilledWorker,
    LocalCluster,
    Reschedule,
    Security,
    Worker,
    WorkerPlugin,
    as_completed,
    get_worker,
)

from edge import __version__
from edge.errors import EdgeError, ScanError, first_line
from edge.files import replace_with
from edge.recognizer import usable_cores
from edge.scan.inputs import Input
from edge.scan.settings import ScanSettings
from edge.scan.work import Engine, Outcome

_NAME = "edge-expressions"
_ANSWER = 10
"""Seconds in which a scheduler and a first worker must answer."""
_KILLS = 3
"""A file that has killed so many workers is set aside."""
_CONFIG = {
    "distributed.scheduler.allowed-failures": _KILLS - 1,
    "distributed.scheduler.worker-saturation": 1.0,  # a file waits where it is nobody's yet
    "distributed.worker.profile.enabled": False,  # it would look at every worker 100 times a second
    "distributed.nanny.pre-spawn-environ": {
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_TRIM_THRESHOLD_": "65536",
    },
}
log = logging.getLogger(__name__)


class Equipment(WorkerPlugin):
    """What a worker needs, sent to each one: also to those that come later."""

    name = _NAME

    def __init__(
        self,
        settings: ScanSettings,
        model: bytes,
        results: Path,
        cores: int = 1,
        own: bool = True,
        version: str = __version__,
        engine: Callable[[ScanSettings, Path, Path, int], Engine] = Engine,
    ) -> None:
        """``model`` is the content of the classifier's file; see ``Engine`` for the others.

        ``own`` says that the worker is a process of this scan, whose standard error is ours. One
        that has not this ``version`` of edge-expressions leaves the cluster.
        """
        self.version = version
        self.engine: Engine | None = None
        self._settings, self._model = settings, model
        self._results, self._cores, self._own = results, cores, own
        self._open = engine

    def setup(self, worker: Worker) -> None:
        """Make ready; what is slow waits for the first file."""
        if self.version != __version__:
            # Its nanny would start another one of the same version.
            self._leaving = asyncio.ensure_future(worker.close(nanny=True, executor_wait=False))
            return
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the scan, which ends them
        cv2.setNumThreads(1)
        if self._own:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what native code says of a damaged file
        name = f"{hashlib.sha256(self._model).hexdigest()}.tflite"
        path = Path(worker.local_directory) / name
        with replace_with(path) as file:
            file.write(self._model)
        self.engine = self._open(self._settings, path, self._results, self._cores)


class Cluster:
    """Works on files with the workers of ``client``."""

    def __init__(self, client: Client) -> None:
        """Take a client whose workers are equipped."""
        self._client = client

    @property
    def workers(self) -> int:
        """How many there are."""
        return len(self._client.nthreads())

    def scan(self, files: Sequence[Input]) -> Generator[Outcome]:
        """Yield what became of each of ``files``, in the order in which they are done.

        Raises ``EdgeError`` where results can't be written or workers can't work.
        """
        futures = self._client.map(_scan, files, pure=False)
        of = dict(zip((future.key for future in futures), files, strict=True))
        done = as_completed(futures)
        del futures
        for future in done:
            if future.status in {"finished", "error"}:
                yield _outcome(future, of.pop(future.key))
            else:
                done.add(future)  # its worker died with the result: another one does it again


def _outcome(future: Any, file: Input) -> Outcome:
    """Return what became of ``file``; raises ``EdgeError`` where there can be no results."""
    if future.status == "finished":
        result: Outcome = future.result()
        return result
    error = future.exception()
    if isinstance(error, EdgeError):
        raise error
    if isinstance(error, KilledWorker):
        reason = f"set aside: {_KILLS} workers died of it"
    else:
        reason = f"failed with {type(error).__name__}: {first_line(error)}"
    return Outcome(file, "failed", reason)


def _scan(file: Input) -> Outcome:
    """What a worker does."""
    equipment: Equipment = get_worker().plugins[_NAME]
    if equipment.engine is None:
        raise Reschedule
    return equipment.engine.scan(file)


def _version() -> str:
    return __version__


@contextmanager
def open_cluster(
    settings: ScanSettings, model: bytes, results: Path, files: int
) -> Iterator[Cluster]:
    """Open the cluster that ``settings`` ask for, to work on so many ``files``.

    Raises ``ScanError``.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said here
    with dask.config.set(_CONFIG):
        if settings.cluster:
            with _connect(settings.cluster) as client:
                yield equipped(client, Equipment(settings, model, results, own=False))
            return
        count = min(settings.workers or usable_cores(), max(files, 1))
        cores = max(usable_cores() // count, 1)
        with local_workers(count) as local, Client(local) as client:
            yield equipped(client, Equipment(settings, model, results, cores))


def local_workers(count: int) -> Any:
    """Return a Dask cluster of so many processes, to be entered; nobody else can give it work."""
    return LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        security=Security.temporary(),
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        memory_limit=None,
        silence_logs=logging.CRITICAL,
    )


def _connect(address: str) -> Client:
    try:
        client = _within(_ANSWER + 1, lambda: Client(address, timeout=_ANSWER))
    except (OSError, ValueError, TimeoutError) as error:
        raise ScanError(
            f"{address}: expected a Dask scheduler that answers within {_ANSWER} s, found: "
            f"{first_line(error)}; start one with 'dask scheduler'"
        ) from error
    try:
        client.wait_for_workers(1, timeout=_ANSWER)
    except TimeoutError as error:
        client.close()
        raise ScanError(
            f"{address}: expected workers, found none within {_ANSWER} s; start some with "
            f"'dask worker {address} --nthreads 1'"
        ) from error
    return client


def _within(seconds: float, open_client: Callable[[], Client]) -> Client:
    """Return what ``open_client`` returns; Dask waits for ever for who accepts and says nothing.

    Raises ``TimeoutError``, and what ``open_client`` raises.
    """
    result: Future[Client] = Future()

    def work() -> None:
        try:
            result.set_result(open_client())
        except Exception as error:  # noqa: BLE001 - it is raised where the result is read
            result.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return result.result(seconds)


def equipped(client: Client, equipment: Equipment) -> Cluster:
    """Send ``equipment`` to the workers of ``client``.

    Those with another version leave. Raises ``ScanError`` where that are all.
    """
    found = client.run(_version, on_error="return")
    others = {address: each for address, each in found.items() if each != equipment.version}
    for address, other in others.items():
        log.warning(
            "worker %s: expected edge-expressions %s, found %s; it is left out",
            *(address, equipment.version, other),
        )
    if len(others) == len(found):
        raise ScanError(
            f"cluster: expected workers with edge-expressions {equipment.version}, found "
            f"{', '.join(sorted(set(map(str, others.values()))))}; install the same on all machines"
        )
    client.register_plugin(equipment)
    return Cluster(client)
