"""Two runs of a bench as raw samples, without a machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks import comparison, results
from benchmarks.differences import Finding
from tests.benchmarks.device import WHOLE

STAGES = {"detect": 1.2, "crop": 0.15, "classify": 0.5, "track": 0.06}
ROUNDS, CALLS = 20, 15
Run = dict[str, dict]


def run(seed: int, drift: float = 1.0) -> Run:
    """Lines by subject, of a machine that is slower by ``drift`` and by another part each round."""
    rng = np.random.default_rng(seed)
    pace = drift * rng.lognormal(0, 0.2, (ROUNDS, 1))

    def times(milliseconds: float) -> list[list[float]]:
        noise = rng.lognormal(0, 0.05, (ROUNDS, CALLS)) + rng.exponential(0.05, (ROUNDS, CALLS))
        return (milliseconds * pace * noise).tolist()

    stages = {stage: times(milliseconds) for stage, milliseconds in STAGES.items()}
    loop = {"frame_ms": times(1.95), "stage_ms": stages, "reference_ms": times(1.1)}
    right = "".join("01"[int(known)] for known in np.random.default_rng(9).random(1000) < 0.7)
    return {
        "m int8": {"threads": 1, "error": "", "face_ms": times(0.5), **loop},
        "loop, 1 faces": {"threads": 1, **loop},
        "m float32": {"images": "abc", "right": right},
    }


def written(folder: Path, lines: Run, name: str = "one.json", **changes: object) -> Path:
    path = folder / name
    samples = [{"subject": name, **line} for name, line in lines.items()]
    effort = WHOLE["effort"] | {"rounds": ROUNDS}
    results.write(path, WHOLE | {"effort": effort} | changes, samples)
    return path


def compared(tmp_path: Path, base: Run, new: Run, *, fewer: bool = False) -> list[Finding]:
    paths = [written(tmp_path / name, lines) for name, lines in (("base", base), ("new", new))]
    return comparison.compare(*paths, fewer=fewer)


def regressions(tmp_path: Path, base: Run, new: Run) -> list[str]:
    return [row.what for row in compared(tmp_path, base, new) if row.regression]
