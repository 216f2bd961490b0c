"""What a file is: a picture or a video, by its content."""

from __future__ import annotations

import os
from pathlib import Path

from edge.adapters import MOST_PIXELS
from edge.sources.images import ImageSource, is_picture
from edge.sources.video import VideoSource

_VIDEOS = "3g2 3gp asf avi dv flv m2ts m2v m4v mkv mov mp4 mpeg mpg mts mxf ogv ts vob webm wmv"
_PICTURES = "avif bmp gif heic heif jpe jpeg jpg pbm pgm png ppm psd tif tiff webp"
_SUFFIXES = frozenset(f".{name}" for name in f"{_VIDEOS} {_PICTURES}".split())


def open_file(
    path: Path, every: float = 0.0, threads: int = 0, max_pixels: int = MOST_PIXELS
) -> ImageSource | VideoSource:
    """Return the source of the frames of ``path``, to be opened by entering it.

    Of a video they are ``every`` seconds apart, 0 for all; ``threads`` decode it, 0: one a core.
    Pictures of more than ``max_pixels`` are refused.
    """
    if is_picture(path):
        return ImageSource(path, max_pixels)
    return VideoSource(path, every, threads, max_pixels)


def is_meant(path: Path) -> bool:
    """Whether a file that can't be read should be one, by its name or its first bytes.

    "._a.mp4" is what macOS notes about "a.mp4" on a foreign disk.
    """
    if path.name.startswith("._"):
        return False
    return path.suffix.lower() in _SUFFIXES or is_picture(path) or not os.access(path, os.R_OK)
