"""What a worker does with one file: look at its frames and write its part."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from edge.errors import SourceError, SourceFileError, SourceLostError
from edge.recognizer import Recognizer
from edge.scan import inputs
from edge.scan.inputs import Input
from edge.scan.part import Part, new_part
from edge.scan.results import FRAMES, SECONDS, Manifest
from edge.scan.settings import ScanSettings
from edge.sinks.output import writing
from edge.sources import turned
from edge.sources.kinds import is_meant, open_file

Tell = Callable[[float], object]
"""Takes a share, 0…1."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file. ``manifest`` is there where its part is, ``reason`` where
    something of it could not be read.

    "unreadable" is one that claims to be a picture or a video, "other" one that does not; "failed"
    says that another scan may do better.
    """

    file: Input
    kind: Literal["done", "other", "unreadable", "failed"]
    reason: str = ""
    manifest: Manifest | None = None


class Engine:
    """Scans one file after the other in each thread that asks it to.

    ``model`` is the path of the classifier on this machine, ``results`` the folder of the results,
    ``cores`` how many cores a file may use.
    """

    def __init__(self, settings: ScanSettings, model: Path, results: Path, cores: int = 1) -> None:
        """Open nothing yet."""
        self._settings, self._model, self._results = settings, model, results
        self._cores = cores
        self._own = threading.local()

    def scan(self, file: Input, tell: Tell) -> Outcome:
        """Write the part of ``file``; ``tell`` takes which share of it is done, at every frame.

        Raises ``SinkError`` where that fails, and ``EdgeError`` where the networks can't be had.
        """
        recognizer = self._recognizer()
        recognizer.restart()
        try:
            manifest = self._write_part(file, recognizer, tell)
        except SourceError as error:
            reason = file.without_path(str(error))
            if not isinstance(error, SourceFileError):  # another time it may work
                return Outcome(file, "failed", reason)
            return Outcome(file, "unreadable" if is_meant(file.path) else "other", reason)
        return Outcome(file, "done", manifest["damaged"], manifest)

    def _write_part(self, file: Input, recognizer: Recognizer, tell: Tell) -> Manifest:
        start, settings = time.monotonic(), self._settings
        kinds = (FRAMES, SECONDS) if settings.per == "frame" else (SECONDS,)
        source = open_file(file.path, settings.every, self._cores, settings.max_pixels)
        source.name = file.source
        with (
            source,
            writing(self._results),
            new_part(self._results, file.part, kinds) as files,
            Part(files, recognizer.labels, settings.thumbnails) as part,
        ):
            frames = turned(source, settings.rotate, settings.mirror)
            with closing(recognizer.follow(frames)) as results:
                part.take(results, tell)
            if _changed(file):
                raise SourceLostError(
                    f"{file.path}: expected a file that is whole, found that it changed while it "
                    "was read; scan it again when it is"
                )
            took = time.monotonic() - start
            return part.finish(file, source, took)

    def _recognizer(self) -> Recognizer:
        """The recognizer of this thread: its networks belong to one thread."""
        if not hasattr(self._own, "recognizer"):
            settings = replace(
                self._settings, model=self._model, tracking=self._settings.sampled_tracking
            )
            self._own.recognizer = Recognizer.of(settings, workers=self._cores)
        recognizer: Recognizer = self._own.recognizer
        return recognizer


def _changed(file: Input) -> bool:
    try:
        return inputs.fingerprint(file.path) != file.fingerprint
    except OSError:
        return True
