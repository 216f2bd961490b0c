"""The results file: everything that a table or a figure is made from."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.errors import ResultsError
from benchmarks.latency import Effort, Samples
from benchmarks.subjects import Subject
from edge.files import replace_with, write_text
from edge.pipeline import STAGES
from train import provenance

VERSION = 2
NAME = "benchmark.json"
_SAMPLES = "samples.jsonl"
FILES = (NAME, _SAMPLES)
_PERCENTILES = (50, 95, 99)
_PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "numpy")


def summarise(
    chosen: Sequence[Subject],
    samples: Sequence[Samples],
    accuracy: Mapping[str, Mapping[str, Any]],
    effort: Effort,
) -> dict[str, Any]:
    """Return the whole result, ready for JSON: the host, then a row for each subject."""
    rows = []
    for subject in chosen:
        own = [sample for sample in samples if sample.subject == subject.name]
        figures = accuracy.get(subject.name, {})
        errors = [sample.error for sample in own if sample.error]
        rows.append(
            {
                "name": subject.name,
                "model": subject.h5.stem,
                "variant": subject.variant,
                "file": subject.path.name,
                "deployed": subject.deployed,
                "multiply_accumulates": figures.get("multiply_accumulates"),
                "bytes": subject.path.stat().st_size if subject.path.is_file() else None,
                "error": figures.get("error") or (errors[0] if errors else None),
                "accuracy": None if "error" in figures else figures or None,
                "runs": [_run(sample) for sample in own if not sample.error],
            }
        )
    return {
        "version": VERSION,
        **provenance.origin(),
        "versions": provenance.versions(*_PACKAGES),
        "effort": dataclasses.asdict(effort),
        "subjects": rows,
    }


def write(folder: Path, result: Mapping[str, Any], samples: Sequence[Samples]) -> None:
    """Write the result and, a line of JSON for each subject and thread count, the raw samples."""
    folder.mkdir(parents=True, exist_ok=True)
    with replace_with(folder / _SAMPLES) as file:
        for sample in samples:
            file.write(json.dumps(dataclasses.asdict(sample)).encode() + b"\n")
    write_text(folder / NAME, json.dumps(result, indent=1) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """Read the result in ``folder``; raises ``ResultsError``."""
    return read_file(folder / NAME, VERSION, "make bench")


def read_file(path: Path, expected: int, command: str) -> dict[str, Any]:
    """Read what ``command`` wrote at ``path``; raises ``ResultsError`` for another version."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        version = result["version"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ResultsError(
            f"{path}: expected the results of '{command}', found {error}; run '{command}'"
        ) from error
    if version != expected:
        raise ResultsError(
            f"{path}: expected version {expected}, found {version!r}; run '{command}' again"
        )
    return dict(result)


def measured(result: Mapping[str, Any], command: str, further: str = "") -> str:
    """Say by which command ``result`` was measured, where and when, with ``further`` facts."""
    return (
        f"Measured by `{command}` on {result['machine']} (commit {result['commit']}, "
        f"{result['date']}{further})"
    )


def run_with(subject: Mapping[str, Any], threads: int = 1) -> Mapping[str, Any] | None:
    """Return what was measured of a row of the result at so many threads, if anything was."""
    return next((run for run in subject["runs"] if run["threads"] == threads), None)


def _run(sample: Samples) -> dict[str, Any]:
    seconds = sum(sample.frame_ms) / 1e3
    return {
        "threads": sample.threads,
        "runtime": sample.runtime,
        "memory_mb": round(sample.memory_mb, 1),
        "face_ms": percentiles(sample.face_ms),
        "frame_ms": percentiles(sample.frame_ms),
        "stage_ms": {
            stage: percentiles([times[stage] for times in sample.stage_ms]) for stage in STAGES
        },
        "fps": len(sample.frame_ms) / seconds,
    }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 of ``values``, by these names."""
    return {
        f"p{percent}": round(float(np.percentile(values, percent)), 4) for percent in _PERCENTILES
    }
