"""Where the files of a scan are worked on: processes of this machine, or any Dask cluster.

Imports Dask, which comes with the extra ``scan``.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import dask
from distributed import Client, KilledWorker, LocalCluster, Security, as_completed, get_worker
from distributed.core import rpc

from edge import __version__
from edge.analysis import MOST_WORKERS
from edge.errors import EdgeError, ScanError, first_line
from edge.recognizer import usable_cores
from edge.scan.inputs import Input
from edge.scan.settings import ScanSettings
from edge.scan.work import Engine, Outcome

_ANSWER = 10
"""Seconds in which a scheduler and a first worker must answer."""
_TELL = 2.0
"""Seconds from one word of a worker about its file to the next."""
_CONFIG = {
    "distributed.scheduler.allowed-failures": 2,  # a file that kills a third worker is set aside
    "distributed.scheduler.worker-saturation": 1.0,  # a file waits where it is nobody's yet
    "distributed.worker.profile.enabled": False,  # it would look at every worker 100 times a second
    "distributed.nanny.pre-spawn-environ": {
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_TRIM_THRESHOLD_": "65536",
    },
}
Told = Callable[[Input, float], object]
"""Takes a file and which share of it is done."""
OpenEngine = Callable[[ScanSettings, Path, Path, int], Engine]


@dataclass(frozen=True)
class Job:
    """What a worker needs for a file of a scan; ``model`` is the content of the classifier's file.

    ``own`` says that workers are processes of this scan, whose standard error is ours.
    """

    settings: ScanSettings
    model: bytes
    results: Path
    cores: int = 1
    own: bool = False
    engine: OpenEngine = Engine
    version: str = __version__
    topic: str = ""
    """Under which workers tell how far they are: the scan's own."""


class Cluster:
    """Works on files with the workers of ``client``, which are told what ``job`` is."""

    def __init__(self, client: Client, job: Job) -> None:
        """Take a client with workers; raises ``ScanError`` where one is of another version."""
        self._client, self._job = client, job
        found = client.run(_version, on_error="return")
        for address, version in found.items():
            if version != job.version:
                raise _wrong_version(address, version, job.version)

    def scan(self, files: Sequence[Input], told: Told) -> Iterator[Outcome]:
        """Yield what became of each of ``files``, in the order in which they are done.

        ``told`` is called from another thread, now and then. Raises ``EdgeError`` where there can
        be no results, from workers or of a file.
        """
        by_part = {file.part: file for file in files}
        topic = self._job.topic
        self._client.subscribe_topic(topic, lambda event: told(by_part[event[1][0]], event[1][1]))
        # The workers hold it: a task that makes it is done again where those that have it die.
        job = self._client.submit(_hand_over, self._job, key=topic)
        futures = self._client.map(_scan, files, job=job, pure=False)
        of = dict(zip((future.key for future in futures), files, strict=True))
        # Fetched as they come; those of a worker that died with them are waited for again.
        done = as_completed(futures, with_results=True, raise_errors=False)
        del futures
        try:
            for future, result in done:
                yield _outcome(future.status, result, of.pop(future.key))
        finally:
            self._client.unsubscribe_topic(topic)


def _outcome(status: str, result: Any, file: Input) -> Outcome:
    """Return what became of ``file``; raises ``EdgeError`` where there can be no results.

    ``result`` is what the worker gave, or as ``sys.exc_info`` what it raised.
    """
    if isinstance(result, Outcome):
        return result
    if status == "cancelled":
        raise ScanError(
            "cluster: expected a scheduler, found that it has gone; the same command goes on from "
            "here"
        )
    error = result[1]
    if isinstance(error, EdgeError):
        raise error
    if isinstance(error, ImportError):
        raise _wrong_version("of the cluster", first_line(error), __version__) from error
    if isinstance(error, KilledWorker):
        reason = f"set aside: {error.allowed_failures + 1} workers died of it"
    else:
        reason = f"failed with {type(error).__name__}: {first_line(error)}"
    return Outcome(file, "failed", reason)


def _version() -> str:
    return __version__


def _hand_over(job: Job) -> Job:
    return job


def _scan(file: Input, job: Job) -> Outcome:
    """What a worker does."""
    worker = get_worker()
    if job.version != __version__:
        raise _wrong_version(worker.address, __version__, job.version)
    due = time.monotonic() + _TELL

    def tell(share: float) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _TELL
            worker.log_event(job.topic, (file.part, share))

    return _engine(job).scan(file, tell)


@functools.lru_cache(maxsize=1)
def _engine(job: Job) -> Engine:
    """The engine of this process for the scan that it works for."""
    cv2.setNumThreads(1)
    if job.own:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what native code says of a damaged file
    folder = Path(get_worker().local_directory)
    path = folder / f"{hashlib.sha256(job.model).hexdigest()}.{os.getpid()}.tflite"
    path.write_bytes(job.model)
    return job.engine(job.settings, path, job.results, job.cores)


def _wrong_version(worker: str, found: object, expected: str) -> ScanError:
    return ScanError(
        f"worker {worker}: expected edge-expressions {expected}, found {found}; install the same "
        "on all machines; the same command goes on from here"
    )


@contextmanager
def open_cluster(
    settings: ScanSettings,
    model: bytes,
    results: Path,
    files: int,
    engine: OpenEngine = Engine,
) -> Iterator[Cluster]:
    """Open the cluster that ``settings`` ask for, to work on so many ``files``.

    ``model`` is the content of the classifier's file. Raises ``ScanError``.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said here
    job = Job(settings, model, results, engine=engine, topic=f"expressions-{uuid4().hex}")
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(_CONFIG))
        if settings.cluster:
            client = stack.enter_context(_connect(settings.cluster))
        else:
            count = min(settings.workers or usable_cores(), max(files, 1))
            client = stack.enter_context(local_client(count))
            cores = min(max(usable_cores() // count, 1), MOST_WORKERS)
            job = replace(job, cores=cores, own=True)
        yield Cluster(client, job)


@contextmanager
def local_client(count: int) -> Iterator[Client]:
    """Start so many processes, to which nobody else can give work, and connect to them."""
    # Ctrl-C is for the scan, which ends them: what is started here inherits that it is blocked.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        cluster = LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            security=Security.temporary(),
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            memory_limit=None,
            silence_logs=logging.CRITICAL,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    with cluster, Client(cluster) as client:
        yield client


def _connect(address: str) -> Client:
    # Asked beforehand: a client that could not connect is never closed by Dask, and waits for ever
    # for who accepts and says nothing.
    try:
        asyncio.run(asyncio.wait_for(_identity(address), _ANSWER))
        client = Client(address, timeout=_ANSWER)
    except (OSError, TypeError, ValueError, TimeoutError) as error:
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


async def _identity(address: str) -> None:
    secrets = Security().get_connection_args("client")
    async with rpc(address, connection_args=secrets) as scheduler:
        await scheduler.identity()
