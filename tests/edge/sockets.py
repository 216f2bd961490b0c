"""Lets the kernel end this process at its first socket: a seccomp filter (seccomp(2)), Linux only.

Ended, not refused: a library that takes a refusal for an answer would pass unseen. Every kind of
socket counts, as a name service behind a local one would ask the network in our place.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import subprocess
from pathlib import Path

from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT

_MACHINES = {"x86_64": (0xC000003E, 317, 41), "aarch64": (0xC00000B7, 277, 198)}
"""AUDIT_ARCH_…, and the numbers of the system calls seccomp and socket."""
_IO_URING_SETUP = 425  # on both; its queues open sockets without the call socket
_X32_CALLS = 0x4000_0000  # a second numbering of all calls on x86-64
_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # of linux/bpf_common.h
_ALLOW, _KILL_PROCESS = 0x7FFF_0000, 0x8000_0000


class _Program(ctypes.Structure):
    """``struct sock_fprog`` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def end_at_a_socket() -> None:
    """Set the filter for all threads and children, for good; raises ``OSError``."""
    architecture, seccomp, socket = _MACHINES[platform.machine()]
    steps = [
        (_LOAD, 0, 0, 4),  # architecture, in struct seccomp_data
        (_IF_EQUAL, 0, 4, architecture),
        (_LOAD, 0, 0, 0),  # number of the call
        (_IF_AT_LEAST, 2, 0, _X32_CALLS),
        (_IF_EQUAL, 1, 0, socket),
        (_IF_EQUAL, 0, 1, _IO_URING_SETUP),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    libc = ctypes.CDLL(None, use_errno=True)
    program = ctypes.byref(_Program(len(steps), code))
    # Without the first, only root may set a filter.
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(
        seccomp, _SET_MODE_FILTER, _ALL_THREADS, program
    ):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")


def run_without_sockets(
    code: str, *arguments: object, python: str = PYTHON
) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a ``python`` that the first socket of any thread ends with SIGSYS."""
    guard = "from tests.edge.sockets import end_at_a_socket; end_at_a_socket()\n"
    return subprocess.run(
        [python, "-c", guard + code, *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        env=QUIET_ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
