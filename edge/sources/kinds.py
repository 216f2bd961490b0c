"""What a file is: a picture or a video, by its content, or neither."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path

from edge.sources.images import ImageSource, is_picture
from edge.sources.video import VideoSource

_NEITHER = ("text/", "audio/")
"""Kinds of file that are not looked into: FFmpeg takes a text for a film of letters."""


def is_neither(name: str) -> bool:
    """Whether a file of this name is left out without looking into it."""
    return (mimetypes.guess_type(name)[0] or "").startswith(_NEITHER)


def open_file(path: Path, every: float = 0.0, threads: int = 0) -> ImageSource | VideoSource:
    """Return the source of the frames of ``path``, to be opened by entering it.

    Of a video they are ``every`` seconds apart, 0 for all; ``threads`` decode it, 0: one a core.
    """
    return ImageSource(path) if is_picture(path) else VideoSource(path, every, threads)


def is_meant(path: Path) -> bool:
    """Whether a file that can't be read should be one, by its name or its first bytes."""
    kind = mimetypes.guess_type(path.name)[0] or ""
    return kind.startswith(("image/", "video/")) or is_picture(path) or not os.access(path, os.R_OK)
