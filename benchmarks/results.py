"""The results of a device: everything that a table or a figure is made from, in two files.

``<device>.json`` holds the figures, ``<device>.jsonl`` the raw samples, an object a line: the times
of each subject at each number of threads, in the rounds in which they were taken; whether each
image was answered right; the times of the loop.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.accuracy import Answers
from benchmarks.errors import ResultsError
from benchmarks.latency import SAMPLES_SUFFIX, Effort, Samples
from benchmarks.shapes import BENCH, SAMPLES, Shape, problem
from benchmarks.subjects import Subject
from benchmarks.uncertainty import flat, percentile_intervals, percentiles, ratio
from edge.errors import first_line
from edge.files import replace_with, write_text
from train import provenance

VERSION = 4
COMMAND = "make bench"
_DIGEST = "samples_sha256"
_PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "numpy")


def summarise(
    chosen: Sequence[Subject],
    samples: Sequence[Samples],
    answers: Mapping[str, Answers],
    effort: Effort,
) -> dict[str, Any]:
    """Return where it was measured and a row for each subject, ready for JSON."""
    rows = []
    # A line has the times of the yardstick at the first number of threads.
    first = min((sample.threads for sample in samples), default=1)
    lines = {sample.subject: sample for sample in samples if sample.threads == first}
    for subject in chosen:
        own = [sample for sample in samples if sample.subject == subject.name]
        answered = answers.get(subject.name, Answers())
        errors = [text for text in (answered.error, *(sample.error for sample in own)) if text]
        rows.append(
            {
                "name": subject.name,
                "model": subject.h5.stem,
                "variant": subject.variant,
                "file": subject.path.name,
                "deployed": subject.deployed,
                "multiply_accumulates": answered.multiply_accumulates,
                **_file(subject.path),
                "error": errors[0] if errors else None,
                "accuracy": answered.figures,
                "runs": [
                    _run(sample, lines.get(sample.beside)) for sample in own if not sample.error
                ],
            }
        )
    return {
        "version": VERSION,
        **provenance.origin(),
        "versions": provenance.versions(*_PACKAGES),
        "effort": dataclasses.asdict(effort) | {"invocations": effort.invocations},
        "subjects": rows,
    }


def _file(path: Path) -> dict[str, Any]:
    """What tells which file was measured: two may be as large and as often right."""
    if not path.is_file():
        return {"bytes": None, "sha256": None}
    return {"bytes": path.stat().st_size, "sha256": provenance.digest(path)}


def write(path: Path, result: Mapping[str, Any], samples: Iterable[Mapping[str, Any]]) -> None:
    """Write the result to ``path`` and the raw samples beside it, whose digest ties them together.

    They are replaced one after the other, and what ends the program in between must not leave the
    figures of one run beside the samples of another for one run's.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with replace_with(path.with_suffix(SAMPLES_SUFFIX)) as file:
        for sample in samples:
            line = json.dumps(_rounded(sample), separators=(",", ":")).encode() + b"\n"
            file.write(line)
            digest.update(line)
    whole = {**result, _DIGEST: digest.hexdigest()}
    write_text(path, json.dumps(whole, indent=1) + "\n")


def read(path: Path) -> dict[str, Any]:
    """Read the result at ``path``; raises ``ResultsError``."""
    return read_file(path, VERSION, COMMAND, BENCH)


def read_samples(path: Path) -> list[dict[str, Any]]:
    """Read the raw samples beside the result at ``path``, of which they must be.

    Raises ``ResultsError``.
    """
    expected = read(path)[_DIGEST]
    path = path.with_suffix(SAMPLES_SUFFIX)
    try:
        content = path.read_bytes()
        lines = [json.loads(line) for line in content.decode().splitlines()]
    except OSError as error:
        raise _no_samples(path, error.strerror or "no file that can be read") from error
    except ValueError as error:
        raise _no_samples(path, first_line(error)) from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise _no_samples(path, "those of another run, or a part of them")
    for number, line in enumerate(lines, 1):
        if found := problem(line, SAMPLES):
            raise _no_samples(path, f"in line {number} {found}")
    return lines


def _no_samples(path: Path, found: str) -> ResultsError:
    return ResultsError(
        f"{path}: expected raw samples, found {found}; keep it beside the results, or run "
        f"'{COMMAND}'"
    )


def devices(folder: Path) -> list[Path]:
    """Return the results in ``folder`` of each device, by name; raises ``ResultsError``.

    A device has its raw samples, and its own name: a copy under another one is what is compared
    with, and no second device. A file that can't be read is among them, and says so when it is.
    """
    paths = sorted(path.with_suffix(".json") for path in folder.glob(f"*{SAMPLES_SUFFIX}"))
    found = [path for path in paths if _device(path) in (None, path.stem)]
    if not found:
        raise ResultsError(f"{folder}: expected results of a device, found none; run '{COMMAND}'")
    return found


def passed_over(folder: Path, others: Container[str] = ()) -> list[str]:
    """Say of all results in ``folder`` that are not among its ``devices`` why they aren't.

    ``others`` are the names of files that hold something else.
    """
    paths = [path for path in sorted(folder.glob("*.json")) if path.name not in others]
    return [reason for path in paths if (reason := _why_none(path))]


def _why_none(path: Path) -> str | None:
    """Why ``path`` is no device: None where it is one, and for a partial run, which isn't to be."""
    device, samples = _device(path), path.with_suffix(SAMPLES_SUFFIX)
    if device is None and not samples.exists():  # with them it says so where it is read
        try:
            read(path)
        except ResultsError as error:
            return str(error)
    if device is None or path == partial(path.with_name(f"{device}.json")):
        return None
    if device != path.stem:
        return (
            f"{path}: expected results of the device of that name, found those of {device}; "
            "keep what you compare with in another folder"
        )
    return None if samples.exists() else str(_no_samples(samples, "no such file"))


def _device(path: Path) -> str | None:
    """The name of the device in the results at ``path``, None where they are none or damaged."""
    try:
        name = json.loads(path.read_text(encoding="utf-8"))["device"]["name"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return name if isinstance(name, str) else None


def partial(path: Path) -> Path:
    """Where a result goes that is not to replace the one at ``path``; no device has that name."""
    return path.with_name(f"{path.stem}.partial.json")


def read_file(path: Path, expected: int, command: str, shape: Shape) -> dict[str, Any]:
    """Read what ``command`` wrote at ``path``.

    Raises ``ResultsError`` for another version, and for what doesn't have the ``shape``.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultsError(
            f"{path}: expected the results of '{command}', found: {error.strerror}; "
            f"check the path, or run '{command}'"
        ) from error
    except ValueError as error:
        raise ResultsError(
            f"{path}: expected the results of '{command}', found no whole JSON ({error}); "
            f"give its .json, or run '{command}'"
        ) from error
    version = result.get("version") if isinstance(result, dict) else None
    if version is None:
        raise ResultsError(
            f"{path}: expected the results of '{command}', found other JSON; run '{command}'"
        )
    if version != expected:
        raise ResultsError(
            f"{path}: expected version {expected}, found {version!r}; run '{command}' again"
        )
    if found := problem(result, shape):
        raise ResultsError(f"{path}: expected whole results, found {found}; run '{command}' again")
    return dict(result)


def digests(paths: Iterable[Path]) -> dict[str, str]:
    """Return the SHA-256 of each file by its name, by which results know what they are of."""
    return {path.name: provenance.digest(path) for path in paths}


def measured(result: Mapping[str, Any], command: str, further: str = "") -> str:
    """Say by which command ``result`` was measured, where and when, with ``further`` facts."""
    return (
        f"Measured by `{command}` on {result['machine']} (commit {result['commit']}, "
        f"{result['date']}{further})"
    )


def run_with(subject: Mapping[str, Any], threads: int = 1) -> Mapping[str, Any] | None:
    """Return what was measured of a row of the result at so many threads, if anything was."""
    return next((run for run in subject["runs"] if run["threads"] == threads), None)


def _run(sample: Samples, yardstick: Samples | None) -> dict[str, Any]:
    frames = flat(sample.frame_ms)
    against = None
    if yardstick and not yardstick.error:
        against = ratio(sample.face_ms, yardstick.face_ms)
    return {
        "threads": sample.threads,
        "runtime": sample.runtime,
        "load_ms": round(sample.load_ms, 2),
        "first_ms": round(sample.first_ms, 3),
        "memory_mb": round(sample.memory_mb, 1),
        "invocations": len(flat(sample.face_ms)),
        "face_ms": percentiles(flat(sample.face_ms)),
        "face_ms_interval": percentile_intervals(sample.face_ms),
        "against_seed": against,
        "frame_ms": percentiles(frames),
        "frame_ms_interval": percentile_intervals(sample.frame_ms),
        "stage_ms": {stage: percentiles(flat(rounds)) for stage, rounds in sample.stage_ms.items()},
        "fps": len(frames) / (sum(frames) / 1e3),
    }


def _rounded(value: Any) -> Any:
    """``value`` with its milliseconds to a tenth of a microsecond, which is what a clock knows."""
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value
