"""What belongs to the whole process, and so to the command line alone."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from edge.text import LineFormatter, native_stderr_in, visible

_NATIVE_NOISE = (b"INFO: ", b"ERROR: ")
"""LiteRT writes "INFO: Created TensorFlow Lite XNNPACK delegate" and its errors, which an exception
repeats, straight to file descriptor 2, and has no switch for that."""

_ERRORS = 2
"""OpenCV's level of its log at which it tells errors alone."""


def set_up_process(name: str) -> None:
    """Set threads, and where log lines go, which ``name`` begins."""
    # OpenCV's calls here are too small to share: with a second thread the p95 of a frame doubles.
    cv2.setNumThreads(1)
    # OpenCV 4's own, or 5's. Not its remarks on a network that it runs all the same.
    set_log_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
    set_log_level(_ERRORS)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed ones are None
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(f"{name}: %(message)s"))
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # clients that hang up are no news
    logger = logging.getLogger("edge")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)


@contextmanager
def native_noise_filtered() -> Iterator[None]:
    """Keep LiteRT's remarks off standard error while models are opened; pass the rest on.

    Nothing where an exception says it: a model's names would follow in lines of their own.
    """
    with tempfile.TemporaryFile() as taken:
        with native_stderr_in(taken):
            yield
        taken.seek(0)
        for line in taken:
            if not line.startswith(_NATIVE_NOISE):
                os.write(2, visible(line.decode(errors="replace").rstrip("\n")).encode() + b"\n")
