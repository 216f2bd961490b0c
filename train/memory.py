"""A limit on the memory that a library takes because a damaged file says so."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import resource

_STATUS = Path("/proc/self/statm")


@contextlib.contextmanager
def at_most(more: int) -> Iterator[None]:
    """Let this process have no more addresses than it has and ``more`` bytes of them.

    Whoever asks for more gets none: libraries report that, NumPy raises ``MemoryError``. Elsewhere
    than on Linux there is no limit.
    """
    if sys.platform != "linux":
        yield
        return
    pages = int(_STATUS.read_text(encoding="ascii").split()[0])
    limits = soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * resource.getpagesize() + more
    resource.setrlimit(
        resource.RLIMIT_AS, (wanted if soft == resource.RLIM_INFINITY else min(wanted, soft), hard)
    )
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
