"""Small results of a device, as ``make bench`` writes them."""

from __future__ import annotations

import copy
from typing import Any

from benchmarks import results
from train.data import LABELS

TIMES = {"p50": 1.5, "p90": 2.0, "p95": 2.25, "p99": 3.125}
INTERVAL = {name: [value - 0.1, value + 0.1] for name, value in TIMES.items()}
STAGES = dict.fromkeys(("detect", "crop", "classify", "track"), TIMES)
RUN = {
    "threads": 1,
    "runtime": "ai-edge-litert 2.3.0",
    "memory_mb": 60.0,
    "face_ms": TIMES,
    "face_ms_interval": INTERVAL,
    "frame_ms": TIMES,
    "stage_ms": {},
    "fps": 321.4,
}
PER_CLASS = {name: {"recall": 0.5, "support": 10} for name in LABELS}
ACCURACY = {
    **{"top1": 0.5678, "top1_without_copies": 0.5432, "macro_f1": 0.5001},
    "votes": {"top1": 0.6543},
    "calibration_error": 0.0321,
    "mcnemar": {"only_h5": 3, "only_this": 2, "p": 1.0},
    "per_class": PER_CLASS,
    "confusion_matrix": [[4 + 3 * (i == j) for j in range(7)] for i in range(7)],
    "intervals": {
        **{"top1": [0.55, 0.58], "top1_without_copies": [0.53, 0.56], "macro_f1": [0.48, 0.52]},
        **{"calibration_error": [0.03, 0.05], "recall": {name: [0.3, 0.7] for name in LABELS}},
    },
}
LOOP = {
    "footprint": {"start_s": 0.4, "frames": 9, "memory_mb": 111.0, "environment_mb": 335.0},
    "stages": [
        {
            **{"faces": faces, "found": faces, "frame_ms": TIMES, "frame_ms_interval": INTERVAL},
            **{"stage_ms": STAGES, "over_networks": 1.1},
            "invoke_ms": {"detector": TIMES, "classifier": TIMES},
        }
        for faces in (0, 1)
    ],
    "detectors": [
        {
            **{"detector": "blazeface", "faces": 1, "found": 1, "error": None},
            **{"frame_ms": TIMES, "frame_ms_interval": INTERVAL, "stage_ms": STAGES},
        },
        {"detector": "mediapipe", "error": "mediapipe: found no such file"},
    ],
    "intervals": [
        {"subject": "every 1", "mean_ms": 3.0, "p95_ms": 4.0, "found": 1, "overlap": 1}
        | {"same_label": 1}
    ],
    "camera": [{"rate": 15, "frames": 9, "dropped": 0, "latency_ms": TIMES, "work_ms": TIMES}],
}


def subject(
    variant: str, milliseconds: float = 1.5, deployed: bool = False, **changes: Any
) -> dict[str, Any]:
    """A row; its p50 is known to a tenth of a millisecond."""
    times = TIMES | {"p50": milliseconds}
    interval = INTERVAL | {"p50": [milliseconds - 0.1, milliseconds + 0.1]}
    run = RUN | {"face_ms": times, "face_ms_interval": interval}
    row = {
        **{"name": variant, "model": "m", "variant": variant, "file": f"{variant}.tflite"},
        **{"deployed": deployed, "bytes": 2_800_000, "multiply_accumulates": 64_400_000},
        **{"error": None, "accuracy": ACCURACY, "runs": [run, run | {"threads": 2}]},
    }
    return copy.deepcopy(row | changes)


def result(*rows: dict[str, Any], name: str = "one", **changes: Any) -> dict[str, Any]:
    """What a device measured: ``rows``, or two of them."""
    whole = {
        **{"version": results.VERSION, "machine": f"machine {name}", "commit": "abc"},
        **{"date": "2026-01-01", "void": None, "loop": LOOP, "device": {"name": name}},
        "left_out": [],
        "versions": {"ai-edge-litert": "2.3.0", "tensorflow": "2.21.0"},
        "effort": {"rounds": 2, "calls": 3, "frames": 1, "seconds": 1.0},
        "subjects": list(rows) or [subject("float32"), subject("int8", deployed=True)],
    }
    return copy.deepcopy(whole | changes)


def samples(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Raw samples of each row at one thread."""
    times = [[1.0, 1.2, 1.5], [1.4, 2.0, 3.0]]
    return [{"subject": row["name"], "threads": 1, "face_ms": times} for row in result["subjects"]]


WHOLE = result()
