"""Everything that the report and the tables of the documents are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from benchmarks import recommend, store
from benchmarks.calibration import Judged
from benchmarks.candidates import candidates, shipped_models
from benchmarks.errors import ResultsError
from benchmarks.evaluate import NAME as EVALUATION
from benchmarks.evaluate import Copies, Evaluation
from benchmarks.peers.measure import NAME as PEERS
from benchmarks.peers.measure import Peers
from benchmarks.photographs import NAME as PHOTOGRAPHS
from benchmarks.photographs import Photographs
from benchmarks.recommend import Choice
from benchmarks.results import Accuracy, Bench, Row
from benchmarks.scanning import NAME as SCANNING
from benchmarks.scanning import Scanning
from train.provenance import digest

Result = TypeVar("Result", bound=Struct)


@dataclass(frozen=True)
class Material:
    """What was measured: the results in a folder, and what of them can't be read.

    ``present`` maps the name of each model file that is there to its SHA-256.
    """

    benches: Sequence[Bench] = ()
    evaluation: Evaluation | None = None
    peers: Peers | None = None
    photographs: Photographs | None = None
    scanning: Scanning | None = None
    problems: Sequence[str] = ()
    present: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def last(self) -> Bench | None:
        """The run that the documents show: see ``_first``."""
        return self._first(self.benches)

    @cached_property
    def looped(self) -> Bench | None:
        """The same of the valid runs with whole frames."""
        return self._first([r for r in self.benches if r.loop and not r.invalid])

    @cached_property
    def published(self) -> Bench | None:
        """The same of the valid runs with the page and MQTT."""
        return self._first([r for r in self.benches if r.publishing and not r.invalid])

    @cached_property
    def rated(self) -> Bench | None:
        """The same of the valid runs that know an accuracy: it is the files', whatever ran them."""
        rated = [r for r in self.benches if any(row.accuracy for row in r.rows)]
        return self._first([r for r in rated if not r.invalid])

    def _first(self, benches: Sequence[Bench]) -> Bench | None:
        """The newest valid run, else the newest; of one day, that of the present files."""

        def rank(run: Bench) -> tuple[bool, str, bool]:
            return not run.invalid, run.origin.date, not self.replaced(run.models)

        return max(benches, key=rank, default=None)

    @property
    def sequenced(self) -> Evaluation | None:
        """The evaluation, where it has sequences."""
        return self.evaluation if self.evaluation and self.evaluation.sequences else None

    def choice(self, run: Bench) -> Choice:
        """Return which file to deploy on the device of ``run``."""
        return recommend.choose(run, self.benches)

    def accuracy(self, row: Row) -> Accuracy | None:
        """Return the accuracy of a row, or what another device measured of the same file."""
        return recommend.accuracy_of(row, self.benches)

    def copies(self, row: Row) -> Copies | None:
        """Return what was evaluated on copies of training images of the same file."""
        found = self._evaluated(row)
        return found.copies.get(row.model) if found else None

    def voted(self, row: Row) -> Judged | None:
        """Return how the same file was evaluated against what most taggers say."""
        found = self._evaluated(row)
        return found.calibration[row.model].votes if found else None

    def _evaluated(self, row: Row) -> Evaluation | None:
        found = self.evaluation
        return found if found and found.models.get(row.file) == row.sha256 else None

    def replaced(self, models: Mapping[str, str]) -> list[str]:
        """Return which of the files of a result (name: SHA-256) are other ones today."""
        return [name for name, sha256 in models.items() if self.present.get(name, sha256) != sha256]


def gather(folder: Path) -> Material:
    """Read everything in ``folder`` that can be read."""
    problems: list[str] = []
    found = [_unless_bad(path, Bench, problems) for path in store.devices(folder)]
    files = {each.path for each in candidates(shipped_models()) if each.path.is_file()}
    return Material(
        benches=[run for run in found if run],
        evaluation=_unless_bad(folder / EVALUATION, Evaluation, problems),
        peers=_unless_bad(folder / PEERS, Peers, problems),
        photographs=_unless_bad(folder / PHOTOGRAPHS, Photographs, problems),
        scanning=_unless_bad(folder / SCANNING, Scanning, problems),
        problems=[text.replace(f"{folder}/", "") for text in problems],
        present={path.name: digest(path) for path in files},
    )


def _unless_bad(path: Path, kind: type[Result], problems: list[str]) -> Result | None:
    try:
        return store.read(path, kind) if path.exists() else None
    except ResultsError as error:
        problems.append(str(error))
        return None
