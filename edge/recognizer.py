"""From an image to the expressions in it: detect → crop → classify → track."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.adapters import Limits
from edge.analysis import MOST_WORKERS, Analyse, Analyser, Analysis, Item, Prefetch, Stopwatch
from edge.errors import SettingsError
from edge.events import Event, with_events
from edge.protocols import Detector
from edge.settings import AnalysisSettings, Settings, Tracking
from edge.sources import open_sources, turned
from edge.types import FaceResult, Frame, FrameResult, Image, Outage, check_image
from edge.vision import open_detector
from edge.vision.classifier import ClassifierPool, TFLiteClassifier
from edge.vision.interpreter import read_model_file
from edge.vision.pool import Pool
from edge.vision.scout import Scout
from edge.vision.search import FaceSearch, Plan, SearchOptions
from edge.vision.tracking import Tracker, expression


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class Recognizer:
    """Finds the faces in images and names their expressions; belongs to one thread.

    ``model`` is a ``.tflite`` file with a contract inside, by default the shipped one. ``detector``
    is a name ("blazeface", "yunet", "both", "mediapipe"), ``detector_model`` the file of YuNet, and
    ``min_score`` what a face must score at least (0…1). ``min_face`` is the smallest face that is
    looked for, as a share of the frame's height (0 for the whole frame alone), ``search_budget``
    what that may cost in a video, in detector calls a frame on average. A label is certain from
    the probability ``uncertain_below`` on, and must lead for ``hold`` seconds before it takes
    another one's place; by default the model says both.
    ``tracking`` says how faces are followed in a stream. ``threads`` are those of each network, and
    ``workers`` how many faces of a frame, or frames of a file, are analysed at the same time (0: as
    many as there are cores for, up to 4). Raises ``EdgeError`` where a part can't be had.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        detector: str = "blazeface",
        detector_model: str | Path | None = None,
        min_score: float = 0.5,
        min_face: float = Settings.min_face,
        search_budget: float = Settings.search_budget,
        uncertain_below: float | None = None,
        hold: float | None = None,
        tracking: Tracking | None = None,
        threads: int = 1,
        workers: int = 0,
    ) -> None:
        """Open the networks; nothing is set for the whole process."""
        if not isinstance(tracking, Tracking | None):
            raise SettingsError(
                f"tracking: expected a Tracking, found {type(tracking).__name__}; write "
                "Tracking(smoothing=0.2), for instance"
            )
        settings = Settings(
            model=Path(model or Settings.model),
            detector=detector,
            detector_model=Path(detector_model or Settings.detector_model),
            min_score=min_score,
            min_face=min_face,
            search_budget=search_budget,
            uncertain_below=uncertain_below,
            hold=hold,
            threads=threads,
            parallel=workers,
        )
        content, name = read_model_file(settings.model_path), str(settings.model_path)
        self._open_detector: Callable[[], Detector] = lambda: open_detector(
            detector, min_score, threads, settings.detector_path
        )
        self._open_classifier: Callable[[], TFLiteClassifier] = lambda: TFLiteClassifier(
            content, name, threads
        )
        self._detectors = Pool(self._open_detector)
        self._workers = workers or min(max(usable_cores() // threads, 1), MOST_WORKERS)
        pool = ClassifierPool(self._open_classifier, self._workers)
        self.labels, self.interpreter = pool.labels, pool.runtime
        self.contract = replace(
            pool.contract,
            uncertain_below=_chosen(uncertain_below, pool.contract.uncertain_below),
            hold=_chosen(hold, pool.contract.hold),
        )
        found = self._open_detector()
        self.detector = found.name
        self._search = FaceSearch(SearchOptions(min_face, search_budget), found)
        self._analysers: Pool[Analyse] = Pool(
            self._open_analyser, Analyser(found, pool, self.contract)
        )
        self._tracking = Tracking() if tracking is None else tracking
        self.restart()

    @classmethod
    def of(cls, settings: AnalysisSettings, **more: Any) -> Recognizer:
        """Open the recognizer that ``settings`` ask for; ``more`` are what they do not say.

        Raises ``EdgeError``.
        """
        return cls(
            settings.model_path,
            detector=settings.detector,
            detector_model=settings.detector_path,
            min_score=settings.min_score,
            min_face=settings.min_face,
            search_budget=settings.search_budget,
            uncertain_below=settings.uncertain_below,
            hold=settings.hold,
            tracking=settings.tracking,
            **more,
        )

    def restart(self) -> None:
        """Forget everybody who was followed; tracks are numbered from 1 again."""
        contract = self.contract
        self._tracker = Tracker(
            self.labels, contract.uncertain_below, self._tracking, contract.hold
        )

    def __call__(self, image: Image) -> FrameResult:
        """Return what ``image`` (``uint8[H, W, 3]`` BGR) shows, without tracking.

        Raises ``ImageError`` where it is no such array.
        """
        check_image(image)
        return self._untracked(Frame(image, 0, 0.0), self._analyse(image, self._search.full(image)))

    def stream(
        self,
        *sources: str | int | Path,
        rotate: int = 0,
        mirror: bool = False,
        max_megapixels: float = Settings.max_megapixels,
        on_event: Callable[[Event], object] | None = None,
    ) -> Generator[tuple[Frame, FrameResult]]:
        """Yield each frame of ``sources``, one source after the other, with its tracked result.

        A source is what the command line takes: a camera's index, the address of a stream, a video,
        a picture, a folder, a pattern. Files give every frame, cameras and streams the newest one;
        while one of these is lost nothing is yielded, and it is opened again. ``rotate`` (0, 90,
        180, 270 degrees clockwise) and ``mirror`` turn every image first. Pictures of more than
        ``max_megapixels`` (1…178) are not decoded. ``on_event`` is called when somebody appears,
        changes or leaves, and when a source is lost and back, before the result that shows it and
        in the caller's thread; what it raises ends the stream. Leaving the generator closes the
        source. Raises ``EdgeError``.
        """
        limits = Limits(max_pixels=AnalysisSettings(max_megapixels=max_megapixels).max_pixels)
        for source in open_sources(sources, limits=limits):
            with source, closing(self.watch(turned(source, rotate, mirror))) as found:
                for item in found:
                    if isinstance(item, Event):
                        if on_event is not None:
                            on_event(item)
                    elif not isinstance(item, Outage):
                        yield item

    def watch(
        self, items: Iterable[Frame | Outage]
    ) -> Generator[tuple[Frame, FrameResult] | Outage | Event]:
        """Yield what ``follow`` yields and, before the item that shows it, each event."""
        return with_events(self.follow(items), self._tracking.forget)

    def follow(
        self, items: Iterable[Frame | Outage]
    ) -> Generator[tuple[Frame, FrameResult] | Outage]:
        """Yield every frame of ``items`` with its result, tracked, and outages as they are.

        Tracks end where the source changes; photographs are not tracked. Of files, the next frames
        are analysed on all workers while one is in use; live frames are analysed at once.
        """
        source = None
        for item in self._analysed(items):
            if isinstance(item, Outage):
                yield item
                continue
            frame, analysis = item
            if frame.source != source:
                source = frame.source
                self._tracker.reset()
            yield frame, (self._untracked if frame.still else self._tracked)(frame, analysis)

    def _analysed(self, items: Iterable[Frame | Outage]) -> Iterator[Item]:
        with (
            closing(Prefetch(self._analysers, self._workers)) as prefetch,
            closing(Scout(self._detectors)) as scout,
        ):
            yield from prefetch(items, self._search, functools.partial(self._live, scout))

    def _live(self, scout: Scout, frame: Frame, first: bool) -> Analysis:
        """Analyse the newest frame, while the scout looks for further faces in an earlier one."""
        if first:
            self._search.reset()
            scout.forget()
        self._search.discover(*scout.report())
        plan = self._search.plan(frame.image, frame.time, scout.free)
        if plan.tiles:
            scout.send(frame.image, replace(plan, whole=False, known=()), frame.time)
        analysis = self._analyse(frame.image, replace(plan, tiles=()))
        self._search.note(analysis.faces, frame.time)
        return analysis

    def _analyse(self, image: Image, plan: Plan) -> Analysis:
        with self._analysers.lend() as analyse:
            return analyse(image, plan)

    def _open_analyser(self) -> Analyser:
        return Analyser(self._open_detector(), self._open_classifier(), self.contract)

    def _untracked(self, frame: Frame, analysis: Analysis) -> FrameResult:
        faces = tuple(
            FaceResult(face, expression(self.labels, row, self.contract.uncertain_below))
            for face, row in zip(analysis.faces, analysis.probabilities, strict=True)
        )
        return _result(frame, faces, {**analysis.stage_ms, "track": 0.0})

    def _tracked(self, frame: Frame, analysis: Analysis) -> FrameResult:
        timed = Stopwatch()
        found, rows = analysis.faces, analysis.probabilities
        tracked = timed("track", self._tracker.update, found, rows, frame.time)
        faces = tuple(
            FaceResult(face, expression(self.labels, row, self.contract.uncertain_below), *of_track)
            for face, row, of_track in zip(found, rows, tracked, strict=True)
        )
        return _result(frame, faces, {**analysis.stage_ms, **timed.stage_ms})


def _chosen(value: float | None, default: float) -> float:
    return default if value is None else value


def _result(
    frame: Frame, faces: tuple[FaceResult, ...], stage_ms: Mapping[str, float]
) -> FrameResult:
    return FrameResult(frame.source, frame.index, frame.time, faces, stage_ms, frame.wall_time)
