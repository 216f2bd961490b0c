"""What native code may take and say while it reads what somebody else wrote."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edge.text import native_stderr_in

if sys.platform == "linux":
    import resource


@contextlib.contextmanager
def memory_limit(more: int) -> Iterator[None]:
    """Let this process take ``more`` bytes of addresses at most; no limit elsewhere than on Linux.

    A few damaged or crafted bytes can ask for gigabytes: lengths in HDF5, what unpacks to zeros.
    What goes beyond raises ``MemoryError``.
    """
    if sys.platform != "linux":
        yield
        return
    limits = soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    wanted = pages * resource.getpagesize() + more
    wanted = wanted if soft == resource.RLIM_INFINITY else min(wanted, soft)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@contextlib.contextmanager
def native_stderr_hidden() -> Iterator[None]:
    """Discard what native code writes to file descriptor 2; exceptions still pass."""
    if sys.stderr is not None:
        sys.stderr.flush()
    with tempfile.TemporaryFile() as discarded, native_stderr_in(discarded):
        yield
