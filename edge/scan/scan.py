"""One scan: what is left to do, done, and told."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from edge import __version__
from edge.errors import ScanError, SourceFileError, first_line
from edge.scan.inputs import Input, find_inputs
from edge.scan.progress import ScanProgress, Totals, hours
from edge.scan.report import write_report
from edge.scan.results import FORMAT, Manifest, Results
from edge.scan.settings import ScanSettings
from edge.scan.work import Outcome
from edge.sinks.columns import require_pyarrow
from edge.sinks.output import writing
from edge.sources.paths import display_name
from edge.vision.interpreter import read_model_file

log = logging.getLogger(__name__)


class Workers(Protocol):
    """Who works on files."""

    def scan(self, files: Sequence[Input]) -> Iterator[Outcome]:
        """Yield what became of each of ``files``, in any order."""
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
            f"scan: expected the package 'distributed', found: {first_line(error)}; "
            "pip install 'edge-expressions[scan]'"
        ) from error
    return cluster.open_cluster(settings, model, results, files)


def run_scan(
    settings: ScanSettings,
    labels: Sequence[str],
    say: Callable[[str], object],
    open: Open = open_workers,
) -> int:
    """Scan what is not yet scanned and return the exit code: 1 where a file failed.

    ``labels`` are the model's; ``say`` takes lines for people. Raises ``EdgeError``, and
    ``KeyboardInterrupt`` on Ctrl-C, after which the same scan goes on where it was.
    """
    require_pyarrow("scan")
    model = read_model_file(settings.model_path)
    left_out: defaultdict[str, list[str]] = defaultdict(list)
    files = find_inputs(settings.source, lambda kind, name: left_out[kind].append(name))
    if not files:
        raise SourceFileError(
            f"{', '.join(settings.source)}: expected files, found none; check the path"
        )
    results = settings.output.absolute()
    failures: dict[str, str] = {}
    with Results(results, identity(settings, model, labels)) as kept:
        done = kept.done(files)
        pending = [file for file in files if file.part not in done]
        failures |= _damaged(done.values())
        totals = Totals()
        if pending:
            say(_beginning(len(files), len(done)))
            with (
                open(settings, model, results, len(pending)) as workers,
                ScanProgress(len(pending), sum(f.fingerprint[0] for f in pending)) as progress,
            ):
                totals = progress.totals
                for outcome in workers.scan(pending):
                    progress.add(outcome)
                    if outcome.reason and outcome.kind != "other":
                        failures[outcome.file.source] = outcome.reason
        kept.write_failures(failures)
        with writing(results):
            report = write_report(results)
    _summarise(say, totals, len(done), failures, left_out, report)
    return 1 if failures else 0


def identity(settings: ScanSettings, model: bytes, labels: Sequence[str]) -> Mapping[str, Any]:
    """Return what makes results comparable: parts with the same can stand in one folder."""
    own = asdict(settings)
    for name in ("source", "output", "workers", "cluster", "export", "model", "detector_model"):
        del own[name]
    return {
        "format": FORMAT,
        "version": __version__,
        "model": hashlib.sha256(model).hexdigest(),
        "labels": list(labels),
        "sources": list(map(display_name, map(Path, settings.source))),
        "settings": own,
    }


def _damaged(manifests: Iterable[Manifest]) -> Mapping[str, str]:
    return {each["source"]: each["damaged"] for each in manifests if each["damaged"]}


def _beginning(files: int, done: int) -> str:
    return f"{files} files" + (f", {done} of them done" if done else "")


def _summarise(
    say: Callable[[str], object],
    totals: Totals,
    before: int,
    failures: Mapping[str, str],
    left_out: Mapping[str, Sequence[str]],
    report: Path,
) -> None:
    new = totals.files - totals.other - totals.failed
    say(f"{new} files scanned, {before} done before, {hours(totals.seconds)} of video")
    if totals.other:
        say(f"{totals.other} files are neither pictures nor videos")
    for kind, names in left_out.items():
        say(f"{kind}: {len(names)} ({names[0]})")
    for name, reason in sorted(failures.items()):
        log.error("%s: %s", name, reason)
    say(f"report: {report}")
