"""One scan: what is left to do, done, and told."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from edge import __version__
from edge.assets import extra
from edge.errors import EdgeError, ScanError, SourceFileError, first_line
from edge.scan.inputs import Input, find_inputs, readable
from edge.scan.progress import ScanProgress, Totals, count, hours
from edge.scan.report import write_report
from edge.scan.results import FORMAT, Results
from edge.scan.settings import ScanSettings
from edge.scan.work import Outcome
from edge.sinks.columns import require_pyarrow
from edge.sinks.output import writing
from edge.vision import find_detector
from edge.vision.interpreter import read_model_file

_FAILURES = ("unreadable", "unreadable folders")
"""Kinds of what the search for files leaves out and somebody must mend."""
_ELSEWHERE = (
    *("source", "output", "workers", "cluster", "export"),
    *("model", "detector_model", "max_megapixels"),
)
"""Settings that change nothing in a part, or that stand in the identity by their content."""
log = logging.getLogger(__name__)


class Workers(Protocol):
    """Who works on files."""

    def scan(
        self, files: Sequence[Input], told: Callable[[Input, float], object]
    ) -> Iterator[Outcome]:
        """Yield what became of each of ``files``, in any order.

        ``told`` takes a file that is worked on and which share of it is done.
        """
        ...


Open = Callable[[ScanSettings, bytes, Path, int], AbstractContextManager[Workers]]
"""Opens workers for settings, the content of the model, the results and a number of files."""


def open_workers(
    settings: ScanSettings, model: bytes, results: Path, files: int
) -> AbstractContextManager[Workers]:
    """Open the workers that ``settings`` ask for; raises ``ScanError``."""
    try:
        from edge.scan import cluster  # noqa: PLC0415 - an option, and slow to import
    except ImportError as error:
        raise ScanError(
            f"scan: expected the package 'distributed', found: {first_line(error)}; {extra('scan')}"
        ) from error
    return cluster.open_cluster(settings, model, results, files)


class Scan:
    """The scan that ``settings`` ask for; ``labels`` are the model's, ``say`` takes lines."""

    def __init__(
        self,
        settings: ScanSettings,
        labels: Sequence[str],
        say: Callable[[str], object],
        open: Open = open_workers,
    ) -> None:
        """Begin with nothing done."""
        self._settings, self._labels, self._say, self._open = settings, labels, say, open
        self._results = settings.output.absolute()
        self._failures: dict[str, str] = {}
        self._left_out: defaultdict[str, list[str]] = defaultdict(list)
        self._totals = Totals()
        self._failed = False

    def run(self) -> int:
        """Scan what is not yet scanned and return the exit code.

        It is 1 where another scan may read a file that failed, 2 where nothing could be read.
        Raises ``EdgeError``, and ``KeyboardInterrupt`` on Ctrl-C; the next scan goes on from there.
        """
        require_pyarrow("scan")
        settings = self._settings
        model = read_model_file(settings.model_path)
        files = find_inputs(settings.source, self._note)
        if not files:
            raise SourceFileError(
                f"{', '.join(settings.source)}: expected files, found none; check the path"
            )
        sources = list(map(readable, settings.source))
        with Results(self._results, identity(settings, model, self._labels), sources) as kept:
            done = kept.done(files)
            self._failures |= {
                each["source"]: each["damaged"] for each in done.values() if each["damaged"]
            }
            pending = [file for file in files if file.part not in done]
            self._say(count(len(files), "file") + (f", {len(done)} of them done" if done else ""))
            try:
                if pending:
                    self._scan(pending, model, kept)
            finally:
                kept.write_failures(self._failures)
                with writing(self._results):
                    report = write_report(self._results)
        self._summarise(len(done), report)
        if self._failed:
            return EdgeError.exit_code
        return 0 if done or self._totals.done else SourceFileError.exit_code

    def _note(self, kind: str, text: str) -> None:
        """Take what the search for files leaves out."""
        if kind in _FAILURES:
            name, _, reason = text.rpartition(": ")
            self._failures[readable(name)] = reason
        else:
            self._left_out[kind].append(text)

    def _scan(self, pending: Sequence[Input], model: bytes, kept: Results) -> None:
        with (
            self._open(self._settings, model, self._results, len(pending)) as workers,
            ScanProgress([file.fingerprint[0] for file in pending]) as progress,
        ):
            self._totals = progress.totals
            for outcome in workers.scan(pending, progress.tell):
                progress.add(outcome)
                if outcome.kind != "done":
                    kept.drop(outcome.file.part)
                self._failed |= outcome.kind == "failed"
                if outcome.reason and outcome.kind != "other":
                    self._failures[outcome.file.source] = outcome.reason

    def _summarise(self, before: int, report: Path) -> None:
        totals = self._totals
        for name, reason in sorted(self._failures.items()):
            log.error("%s: %s", name, reason)
        with suppress(BrokenPipeError):  # "… | head" has seen enough
            self._say(
                f"{count(totals.done, 'file')} scanned, {before} done before, "
                f"{hours(totals.seconds)} of video"
            )
            if self._failures:
                self._say(f"{len(self._failures)} failed or are damaged, see failures.csv")
            if totals.other:
                self._say(f"{count(totals.other, 'other file')}, neither pictures nor videos")
            for kind, names in self._left_out.items():
                self._say(f"{kind}: {len(names)} ({names[0]})")
            self._say(f"report: {report}")


def identity(settings: ScanSettings, model: bytes, labels: Sequence[str]) -> Mapping[str, Any]:
    """Return what makes results comparable: parts with the same can stand in one folder."""
    own = {name: value for name, value in asdict(settings).items() if name not in _ELSEWHERE}
    if find_detector(settings.detector).needs_file:
        own["detector_model"] = hashlib.sha256(settings.detector_path.read_bytes()).hexdigest()
    return {
        "format": FORMAT,
        "version": __version__,
        "model": hashlib.sha256(model).hexdigest(),
        "labels": list(labels),
        "settings": own,
    }
