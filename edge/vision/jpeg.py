"""Pictures for a network."""

from __future__ import annotations

import cv2

from edge.types import Image

QUALITY = 80
"""Of the JPEG, 0…100."""
LARGEST = 1280
"""Pixels of a picture's longer side: a larger one is made smaller, as a page shows it anyway."""


def encode(image: Image) -> bytes:
    """Return ``image`` (``uint8[H, W, 3]`` BGR) as a JPEG, at most ``LARGEST`` pixels a side."""
    scale = LARGEST / max(image.shape)
    if scale < 1:
        height, width = (max(round(side * scale), 1) for side in image.shape[:2])
        resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        return encode(resized.astype("uint8", copy=False))
    _, jpeg = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    return jpeg.tobytes()
