"""A picture of the running product: the demo through the whole loop, with its overlay."""

from __future__ import annotations

from pathlib import Path

import cv2

from edge.assembly import build_pipeline, source_state
from edge.classifier import load_classifier
from edge.detectors.blazeface import BlazeFace
from edge.files import replace_with
from edge.frames import Frame
from edge.overlay import draw
from edge.settings import Settings
from edge.sources.demo import DemoSource, load_portraits
from edge.stats import Stats

_QUALITY = 90


def write_picture(number: int, path: Path) -> None:
    """Write frame ``number`` of the demo as a JPEG; raises ``EdgeError``."""
    settings = Settings(source="demo")
    classifier = load_classifier(settings.model_path)
    pipeline = build_pipeline(BlazeFace(settings.min_score), classifier, settings)
    with DemoSource(load_portraits(), frames=number + 1) as demo, Stats() as stats:
        for frame in demo:
            last: Frame = frame
            result = pipeline.process(frame)
            stats.write(frame, result)
    status = f"{stats.status()} · {source_state(demo, stats)}"
    drawn = draw(last.image, result, classifier.labels, status)
    _, encoded = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    with replace_with(path) as file:
        file.write(encoded.tobytes())
