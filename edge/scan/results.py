"""The folder of a scan's results, and what stands in it.

::

    scan.json                 what the scan is: version, model, settings
    frames/PART.parquet       a row for each face of each frame (not with "--per second")
    seconds/PART.parquet      a row for each face of each second, and the manifest of its file
    failures.csv              what could not be read
    report.html

A part has all of one file. Its seconds are put in their place last: a part that has them is whole.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from edge.errors import TargetError
from edge.files import UNFINISHED, check_target, read_regular, write_text
from edge.scan.inputs import SCAN, Input, readable
from edge.scan.moments import Moment
from edge.sinks import output
from edge.sinks.table import harmless

FORMAT = "expressions-scan-1"
FRAMES, SECONDS = "frames", "seconds"
FAILURES = "failures.csv"
METADATA = "expressions"
"""The key of the manifest in the metadata of a part."""
_LOCK = ".lock"
_MOST = 64 << 20
"""Bytes of what a scan says of itself."""
_DAMAGE = (OSError, ValueError, RecursionError)
_OURS = {_LOCK, SCAN, FRAMES, SECONDS, FAILURES, "report.html"}


class Manifest(TypedDict):
    """What a part says of its file."""

    source: str
    part: str
    path: str
    fingerprint: list[int]
    kind: str
    """"video" or "picture"."""
    width: int
    height: int
    fps: float
    length: float
    """Seconds of video that were read."""
    frames: int
    """That were looked at."""
    faces: int
    people: int
    """Tracks; of a picture, faces."""
    damaged: str
    """What could not be read of the file, "" for nothing."""
    undecodable: int
    """Packets that are left out."""
    took: float
    """Seconds of work."""
    moments: list[Moment]


class Results:
    """The results in a folder. Entering makes them this scan's own; leaving lets others write."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], sources: Sequence[str]) -> None:
        """``identity`` and ``sources`` are what is written to scan.json; only the first counts."""
        self.folder, self._identity, self._sources = folder, identity, sources

    def __enter__(self) -> Results:
        """Make the folder, or check that it has results of this scan.

        Raises ``TargetError``, and ``SinkError`` where another scan writes there.
        """
        with output.writing(self.folder):
            self._check()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = output.lock_file(self.folder / _LOCK, self.folder)
            if not (self.folder / SCAN).exists():
                scan = {**self._identity, "sources": list(self._sources)}
                write_text(self.folder / SCAN, json.dumps(scan, indent=1) + "\n")
            for name in (FRAMES, SECONDS):
                (self.folder / name).mkdir(exist_ok=True)
            self._remove_unfinished()
        return self

    def __exit__(self, *_: object) -> None:
        """Let others write."""
        self._remove_unfinished()
        self._lock.close()

    def done(self, inputs: Iterable[Input]) -> dict[str, Manifest]:
        """Return the manifests of ``inputs`` that have a whole part, by part.

        The part of a file that is called otherwise now goes. Raises ``TargetError`` where the part
        of a name is of another file.
        """
        of = {each.part: each for each in inputs}
        names = {readable(each.path): part for part, each in of.items()}
        found = {}
        for path in parts(self.folder, SECONDS):
            manifest = read_manifest(path)
            if manifest is None:
                continue
            part, place = manifest["part"], manifest["path"]
            if names.get(place, part) != part:
                self.drop(part)
            elif part in of and tuple(manifest["fingerprint"]) == of[part].fingerprint:
                found[part] = manifest
            elif part in of and place != readable(of[part].path) and Path(place).exists():
                raise TargetError(
                    f"{self.folder}: expected results of '{of[part].path}', found those of another "
                    f"'{manifest['source']}', '{place}'; choose another output"
                )
        return found

    def drop(self, part: str) -> None:
        """Remove the part, if it is there: what it says of its file is no longer so."""
        for kind in (SECONDS, FRAMES):
            (self.folder / kind / f"{part}.parquet").unlink(missing_ok=True)

    def write_failures(self, failures: Mapping[str, str]) -> None:
        """Write which files failed and why; no file where none did. Raises ``SinkError``."""
        path = self.folder / FAILURES
        with output.writing(path):
            if not failures:
                path.unlink(missing_ok=True)
                return
            text = io.StringIO()
            lines = [("file", "reason"), *sorted(failures.items())]
            csv.writer(text).writerows(tuple(map(harmless, line)) for line in lines)
            write_text(path, text.getvalue())

    def _check(self) -> None:
        if not self.folder.exists():
            check_target(self.folder / SCAN)
            return
        found = read_scan(self.folder)
        if found is None:
            if any(path.name not in _OURS for path in self.folder.iterdir()):
                raise TargetError(
                    f"{self.folder}: expected an empty folder or the results of a scan, found "
                    "something else; choose another output"
                )
            return
        if differs := "; ".join(_differences(found, self._identity)):
            raise TargetError(
                f"{self.folder}: expected results of the same scan, found others there: {differs}; "
                "use the same, or choose another output"
            )

    def _remove_unfinished(self) -> None:
        """Remove what killed workers left."""
        for path in self.folder.glob(f"*/.*{UNFINISHED}"):
            path.unlink(missing_ok=True)


def read_scan(folder: Path) -> dict[str, Any] | None:
    """Return what scan.json of ``folder`` says, None where there is none of a scan."""
    try:
        scan = json.loads(read_regular(folder / SCAN, _MOST))
        ours = scan["format"] == FORMAT and isinstance(scan["settings"], dict)
    except (*_DAMAGE, LookupError, TypeError):
        return None
    return scan if ours else None


def require_scan(folder: Path) -> dict[str, Any]:
    """Return what scan.json of ``folder`` says; raises ``TargetError`` where there is none."""
    scan = read_scan(folder)
    if scan is None:
        raise TargetError(
            f"{folder}: expected the results of a scan, found no {SCAN} of one; check the path"
        )
    return scan


def parts(folder: Path, kind: str) -> Sequence[Path]:
    """Return the parts in ``folder`` of ``kind``, ``FRAMES`` or ``SECONDS``, by name."""
    return sorted((folder / kind).glob("[!.]*.parquet"))


def read_manifest(path: Path) -> Manifest | None:
    """Return the manifest of the part at ``path``, None where there is none that can be read."""
    import pyarrow.parquet  # noqa: PLC0415 - an option, and slow to import

    try:
        metadata = pyarrow.parquet.read_metadata(path).metadata or {}
        manifest: Manifest = json.loads(metadata[METADATA.encode()])
        whole = Manifest.__required_keys__ <= manifest.keys()
    except (*_DAMAGE, KeyError, AttributeError, pyarrow.ArrowException):
        return None
    return manifest if whole else None


def _differences(
    there: Mapping[str, Any], here: Mapping[str, Any], prefix: str = "--"
) -> Iterator[str]:
    """Say what of ``here`` is otherwise ``there``, as the command line calls it."""
    for name, other in here.items():
        one = there.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other, "--" if name == "settings" else f"--{name}.")
        elif one != other:
            yield f"{prefix}{name.replace('_', '-')} {one}, not {other}"
