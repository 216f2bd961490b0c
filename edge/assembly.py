"""Builds the parts of a run from its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2

from edge.ahead import Ahead
from edge.classifier import Crew, TFLiteClassifier
from edge.crops import crop_faces
from edge.detectors.blazeface import BlazeFace
from edge.detectors.every import EveryNth, Sparing
from edge.device import usable_cores
from edge.errors import EdgeError, SinkError
from edge.frames import Detector, Processor, Sink
from edge.interpreter import read_model_file
from edge.loop import Stop
from edge.pipeline import Look, Pipeline
from edge.settings import Settings
from edge.sinks import open_sinks
from edge.sinks.status import StatusLine
from edge.sinks.window import WindowSink, display_problem
from edge.sinks.wrappers import Guarded
from edge.sources import open_source
from edge.sources.wrappers import Announcing, RatedSource
from edge.stats import Stats
from edge.tracking import Tracker

_STATE = 28
"""Letters of a source in an overlay: more would not fit into a line of a small picture."""
_MOST_AT_ONCE = 4
"""Networks: each more takes memory, and rarely are there as many faces."""


@dataclass(frozen=True)
class Run:
    """The parts of one run, none of them open, and what the summary says of them."""

    source: RatedSource
    pipeline: Processor
    sinks: tuple[Sink, ...]
    stats: Stats
    detector: str
    interpreter: str


def assemble(
    settings: Settings,
    stop: Stop,
    before: str,
    say: Callable[[str], None],
    report: Callable[[EdgeError], None],
    show: Callable[[str], None] | None = None,
) -> Run:
    """Build everything that ``settings`` ask for.

    ``before`` is that of ``open_source``. ``say`` takes lines for the user, ``show`` those of the
    status where another place is for them, ``report`` an error that ends only a part of the run.
    Raises ``EdgeError`` for what can't be had at all, and soon after the wish to stop.
    """
    path = settings.model_path
    classifier = open_crew(read_model_file(path), str(path), settings)
    detector = open_detector(settings, stop)
    stats = Stats()
    window = open_window(settings, stop)
    source = open_source(settings, window is not None, asked_to_stop(stop, window), say, before)
    if window:  # where somebody looks on, a file plays at its own speed
        pipeline = build_pipeline(detector, classifier, settings)
    else:
        source, pipeline = look_ahead(source, detector, classifier, settings)
    outputs = open_sinks(
        settings.output,
        window,
        classifier.labels,
        fps=lambda: source.fps,
        status=lambda: f"{stats.status()} · {source_state(source, stats)}",
        report=report,
        recording=settings.recording,
    )
    line = StatusLine(
        classifier.labels,
        lambda: f"{stats.details()} · {source.state}",
        show or say,
        None if settings.output else stop.set,
    )
    sinks = (stats, *outputs, *(() if window else (Guarded(line, report),)))
    return Run(source, pipeline, sinks, stats, detector.name, classifier.runtime)


def source_state(source: RatedSource, stats: Stats) -> str:
    """Say in a few words for an overlay where frames come from, and how many were dropped."""
    state = source.state
    shown = state if len(state) <= _STATE else f"{state[: _STATE - 1]}…"
    return f"{shown}, {stats.dropped} dropped" if stats.dropped else shown


def asked_to_stop(stop: Stop, window: WindowSink | None) -> Callable[[], bool]:
    """Return what a source asks while it waits: only then may nobody else look at the window."""

    def asked() -> bool:
        if window:
            window.attend()
        return stop.is_set()

    return asked


def open_crew(content: bytes, name: str, settings: Settings) -> Crew:
    """Open ``content``, a ``.tflite`` file, for as many faces at a time as ``settings`` allow.

    ``name`` is for messages. Raises ``ModelFileError``, ``ContractError``.
    """

    def open_one(networks: int) -> TFLiteClassifier:
        """One in place of so many ``networks``, with the threads of all, as far as it has cores."""
        shared = min(networks * settings.threads, usable_cores())
        return TFLiteClassifier(content, name, max(shared, settings.threads))

    return Crew(open_one, networks_at_once(settings))


def networks_at_once(settings: Settings) -> int:
    """How many networks may be at work at the same time."""
    return settings.parallel or min(max(usable_cores() // settings.threads, 1), _MOST_AT_ONCE)


def look_ahead(
    source: RatedSource, detector: Detector, classifier: Crew, settings: Settings
) -> tuple[RatedSource, Processor]:
    """Return a pipeline that looks at the next frames of a file while one is still in work.

    And the source that announces them. Just the pipeline where only one network may be at work, or
    detection needs the frames in order; and not with the MediaPipe package, of which each further
    one would take as much memory as the first.
    """
    parallel = networks_at_once(settings)
    if parallel == 1 or not _on_every_frame(settings) or settings.detector == "mediapipe":
        return source, build_pipeline(detector, classifier, settings)

    def open_look(number: int) -> Look:
        if number == 0:
            return _look(detector, classifier.first)
        return _look(BlazeFace(settings.min_score, settings.threads), classifier.open_one(1))

    ahead = Ahead(_look(detector, classifier), open_look, parallel)
    pipeline = Pipeline(ahead, _tracker(classifier, settings))
    return Announcing(source, ahead.announce, parallel), pipeline


def build_pipeline(
    detector: Detector, classifier: TFLiteClassifier | Crew, settings: Settings
) -> Processor:
    """Put the stages together; the crop and the threshold are those of the model's contract.

    Sets OpenCV to one thread for the whole process.
    """
    tracker = _tracker(classifier, settings)
    if _on_every_frame(settings):
        return Pipeline(_look(detector, classifier), tracker)
    every = EveryNth(detector, settings.detect_every)
    return Sparing(Pipeline(_look(every, classifier), tracker), every, settings.budget)


def _look(detector: Detector, classifier: TFLiteClassifier | Crew) -> Look:
    # OpenCV's calls here are too small to share: with a second thread the p95 of a frame doubles.
    cv2.setNumThreads(1)
    return Look(detector, partial(crop_faces, contract=classifier.contract), classifier)


def _tracker(classifier: TFLiteClassifier | Crew, settings: Settings) -> Tracker:
    contract = classifier.contract
    return Tracker(contract.labels, contract.uncertain_below, settings.tracking)


def _on_every_frame(settings: Settings) -> bool:
    return settings.detect_every == 1 and not settings.budget


def open_detector(settings: Settings, stop: Stop) -> Detector:
    """Open the detector of that name; raises ``DetectorError`` and what opening a model raises."""
    if settings.detector == "mediapipe":
        # Only here: the package is an option, and takes seconds to import.
        from edge.detectors.mediapipe_tasks import MediaPipeTasks  # noqa: PLC0415

        return MediaPipeTasks(settings.min_score, stop.is_set)
    return BlazeFace(settings.min_score, settings.threads)


def open_window(settings: Settings, stop: Stop) -> WindowSink | None:
    """Return a window where one is wanted; raises ``SinkError`` where it's demanded in vain."""
    if settings.display == "off":
        return None
    look = partial(display_problem, stop=stop.is_set)
    problem = look()
    if problem and settings.display == "on":
        raise SinkError(
            f"window: expected a display, found that {problem}, or run with '--display off'"
        )
    return None if problem else WindowSink(stop.set, problem=look)
