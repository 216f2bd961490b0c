"""The MediaPipe package in a process of its own that can't open a connection.

mediapipe 1.x reports usage to its vendor: creating a FaceDetector starts a thread that looks up and
posts to a logging host a minute later, or when the detector closes before. It has no switch
for that (google-ai-edge/mediapipe#6291). Here the kernel refuses every socket to this process, from
before the package is imported, in all of its threads and children, without special rights and
without touching the process that asked: a seccomp filter (seccomp(2)). Where the filter can't be
set up, nothing is imported.

Imported by nothing: ``mediapipe_tasks`` runs this file as a script. Messages are lines of JSON, the
pixels of a frame lie in shared memory.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import platform
import socket
import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple


class _Machine(NamedTuple):
    """Linux' numbers for a processor: AUDIT_ARCH_…, and of two system calls."""

    architecture: int
    seccomp: int
    socket: int


_MACHINES = {
    "x86_64": _Machine(0xC000003E, seccomp=317, socket=41),
    "aarch64": _Machine(0xC00000B7, seccomp=277, socket=198),
}
_IO_URING_SETUP = 425  # the same on both; its queues open sockets without the call socket
_X32_CALLS = 0x4000_0000  # a second numbering of all calls on x86-64
_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF_0000, 0x0005_0000 | errno.EACCES


class _Program(ctypes.Structure):
    """``struct sock_fprog`` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid_sockets() -> None:
    """Let the kernel refuse every new socket to this process and its children, for good.

    Local ones too: a name service behind one would ask the network in our place. Raises ``OSError``
    where that isn't possible.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no filter for {sys.platform} on {machine}")
    refuse_calls(machine, (_MACHINES[machine].socket, _IO_URING_SETUP))
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        _expect_refusal(family)


def refuse_calls(machine: str, calls: tuple[int, ...], answer: int = _REFUSE) -> None:
    """Let the kernel give ``answer`` to these system calls of all threads from now on.

    EACCES by default. Raises ``OSError``.
    """
    code = filter_code(_MACHINES[machine].architecture, calls, answer)
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    # Without this, only root may set a filter.
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    seccomp = _MACHINES[machine].seccomp
    if libc.syscall(seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def filter_code(architecture: int, refused: tuple[int, ...], answer: int = _REFUSE) -> bytes:
    """Refuse these calls and all of other call tables: an array of ``struct sock_filter``."""
    tests = ((_IF_AT_LEAST, _X32_CALLS), *((_IF_EQUAL, call) for call in refused))
    number, machine = 0, 4  # offsets in struct seccomp_data
    steps = [
        (_LOAD, 0, 0, machine),
        (_IF_EQUAL, 0, len(tests) + 2, architecture),
        (_LOAD, 0, 0, number),
        *((test, len(tests) - i, 0, value) for i, (test, value) in enumerate(tests)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, answer),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _expect_refusal(family: socket.AddressFamily) -> None:
    try:
        socket.socket(family).close()
    except PermissionError:
        return
    raise OSError(errno.EPERM, f"a socket of {family.name} opened despite the filter")


def serve(requests: BinaryIO, answers: BinaryIO, pixels: int) -> None:
    """Find faces until ``requests`` ends.

    The first request is {"min_score", "model_bytes"} and is followed by the model file; the answer
    is {"ready"}. Each further one is {"height", "width"}, with ``uint8[height, width, 3]`` RGB in
    the file descriptor ``pixels``; the answer is {"faces"}: rows of left, top, width, height in
    whole pixels, score, and the key points' x and y as fractions of the frame. Instead of either,
    the answer may be {"error"}.
    """
    setup = json.loads(requests.readline())
    model = requests.read(setup["model_bytes"])
    try:
        from mediapipe import Image, ImageFormat, __version__  # noqa: PLC0415
        from mediapipe.tasks.python import BaseOptions, vision  # noqa: PLC0415

        options = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=model),
            min_detection_confidence=setup["min_score"],
        )
        detector = vision.FaceDetector.create_from_options(options)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        _answer(answers, error=f"{type(error).__name__}: {error}")
        return
    with detector:
        _answer(answers, ready=f"mediapipe {__version__}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # it reports each report that fails
        for frame in _frames(requests, pixels):
            try:
                found = detector.detect(Image(ImageFormat.SRGB, frame))
            except (RuntimeError, ValueError) as error:
                _answer(answers, error=f"{type(error).__name__}: {error}")
            else:
                _answer(answers, faces=[_row(detection) for detection in found.detections])


def _frames(requests: BinaryIO, pixels: int) -> Iterator[Any]:
    import numpy as np  # noqa: PLC0415

    memory: mmap.mmap | bytes = b""
    for line in requests:
        size = json.loads(line)
        shape = size["height"], size["width"], 3
        count = size["height"] * size["width"] * 3
        if len(memory) < count:
            memory = mmap.mmap(pixels, 0)
        yield np.frombuffer(memory, np.uint8, count).reshape(shape)


def _row(detection: Any) -> list[float]:
    box, points = detection.bounding_box, detection.keypoints
    corner = [box.origin_x, box.origin_y, box.width, box.height]
    return [*corner, detection.categories[0].score, *(n for p in points for n in (p.x, p.y))]


def _answer(answers: BinaryIO, **fields: Any) -> None:
    answers.write(json.dumps(fields).encode() + b"\n")
    answers.flush()


def main() -> None:
    """Serve standard input, answer on standard output; the argument is the pixels' descriptor."""
    # What a library prints must not end up between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        forbid_sockets()
    except OSError as error:
        _answer(answers, error=f"its reports to its vendor can't be held back here ({error})")
        return
    serve(sys.stdin.buffer, answers, int(sys.argv[1]))


if __name__ == "__main__":
    main()
