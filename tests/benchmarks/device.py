"""Small results of a device, as ``make bench`` writes them."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

from benchmarks import results
from train.data import LABELS

TIMES = {"p50": 1.5, "p90": 2.0, "p95": 2.25, "p99": 3.125}
INTERVAL = {name: [value - 0.1, value + 0.1] for name, value in TIMES.items()}
STAGES = dict.fromkeys(("detect", "crop", "classify", "track"), TIMES)
RUN = {
    "threads": 1,
    "runtime": "ai-edge-litert 2.3.0",
    "load_ms": 20.9,
    "first_ms": 2.797,
    "memory_mb": 60.0,
    "invocations": 500,
    "face_ms": TIMES,
    "face_ms_interval": INTERVAL,
    "against_seed": {"ratio": 0.25, "interval": [0.24, 0.26]},
    "frame_ms": TIMES,
    "frame_ms_interval": INTERVAL,
    "stage_ms": {},
    "fps": 321.4,
}
INTERVALS = {
    **{"top1": [0.55, 0.58], "macro_f1": [0.48, 0.52], "calibration_error": [0.03, 0.05]},
    "recall": {name: [0.3, 0.7] for name in LABELS},
}
ALONE = {
    **{"images": 3309, "top1": 0.5432, "macro_f1": 0.4812, "calibration_error": 0.04},
    "per_class": {name: {"recall": 0.25, "support": 4} for name in LABELS},
    "mcnemar": {"only_h5": 4, "only_this": 1, "p": 0.375},
    "intervals": INTERVALS | {"top1": [0.53, 0.56], "macro_f1": [0.46, 0.5]},
}
ACCURACY = {
    **{"images": 3589, "top1": 0.5678, "top1_without_copies": 0.5432},
    **{"macro_f1": 0.5001, "macro_f1_without_copies": 0.4812},
    "votes": {"top1": 0.6543},
    "calibration_error": 0.0321,
    "mcnemar": {"only_h5": 3, "only_this": 2, "p": 1.0},
    "per_class": {name: {"recall": 0.5, "support": 10} for name in LABELS},
    "confusion_matrix": [[4 + 3 * (i == j) for j in range(7)] for i in range(7)],
    "intervals": INTERVALS
    | {"top1_without_copies": [0.53, 0.56], "macro_f1_without_copies": [0.46, 0.5]},
    "without_copies": ALONE,
}
LOOP = {
    "footprint": {
        **{"start_s": 0.4, "start_s_interval": [0.3, 0.5], "frames": 9},
        **{"memory_mb": 111.0, "environment_mb": 335.0},
    },
    "stages": [
        {
            **{"faces": faces, "found": faces, "frame_ms": TIMES, "frame_ms_interval": INTERVAL},
            **{"stage_ms": STAGES, "over_networks": 1.1, "classifier_calls": faces},
            "invoke_ms": {"detector": TIMES, "classifier": TIMES},
        }
        for faces in (0, 1)
    ],
    "throughput": [{"faces": 1, "networks": 2, "fps": 330.2, "fps_interval": [309.3, 338.6]}],
    "detectors": [
        {
            **{"detector": "blazeface", "faces": 1, "found": 1, "error": None},
            **{"frame_ms": TIMES, "frame_ms_interval": INTERVAL, "stage_ms": STAGES},
        },
        {"detector": "mediapipe", "error": "mediapipe: found no such file"},
    ],
    "intervals": [
        {
            **{"subject": "every 1", "mean_ms": 3.0, "mean_ms_interval": [2.9, 3.1]},
            **{"p95_ms": 4.0, "p95_ms_interval": None},
            **{"found": 1, "overlap": 1, "same_label": 1},
        }
    ],
    "camera": [
        {
            **{"rate": 15, "frames": 9, "dropped": 0},
            **{"latency_ms": TIMES, "latency_ms_interval": INTERVAL},
            **{"work_ms": TIMES, "work_ms_interval": INTERVAL},
        }
    ],
}
SILENT = dict.fromkeys(("governor", "mhz", "celsius", "throttled"))
"""The state of a machine that tells nothing of it."""


def subject(
    variant: str, milliseconds: float = 1.5, deployed: bool = False, **changes: Any
) -> dict[str, Any]:
    """A row; its p50 is known to a tenth of a millisecond."""
    times = TIMES | {"p50": milliseconds}
    interval = INTERVAL | {"p50": [milliseconds - 0.1, milliseconds + 0.1]}
    run = RUN | {"face_ms": times, "face_ms_interval": interval}
    row = {
        **{"name": variant, "model": "m", "variant": variant, "file": f"{variant}.tflite"},
        **{"deployed": deployed, "bytes": 2_800_000, "sha256": f"that of {variant}"},
        "multiply_accumulates": 64_400_000,
        **{"error": None, "accuracy": ACCURACY, "runs": [run, run | {"threads": 2}]},
    }
    return copy.deepcopy(row | changes)


def result(*rows: dict[str, Any], name: str = "one", **changes: Any) -> dict[str, Any]:
    """What a device measured: ``rows``, or two of them."""
    whole = {
        **{"version": results.VERSION, "machine": f"machine {name}", "commit": "abc"},
        **{"date": "2026-01-01", "void": None, "loop": LOOP},
        "device": {"name": name, "before": SILENT, "after": SILENT},
        "left_out": [],
        "versions": {"ai-edge-litert": "2.3.0", "tensorflow": "2.21.0"},
        "effort": {"rounds": 2, "calls": 3, "frames": 1, "seconds": 1.0},
        "subjects": list(rows) or [subject("float32"), subject("int8", deployed=True)],
        "samples_sha256": hashlib.sha256(b"").hexdigest(),
    }
    return copy.deepcopy(whole | changes)


def samples(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Raw samples of each row at one thread."""
    times = [[1.0, 1.2, 1.5], [1.4, 2.0, 3.0]]
    return [{"subject": row["name"], "threads": 1, "face_ms": times} for row in result["subjects"]]


WHOLE = result()
