"""Small results, faces and workers, so that each part is tested alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np

from benchmarks.calibration import Bin, Calibration, Judged, Point
from benchmarks.candidates import Candidate
from benchmarks.certainty import SHARES, TOP, Certainty
from benchmarks.errors import WorkerError
from benchmarks.evaluate import Copies, Evaluation
from benchmarks.framing import FramingRow
from benchmarks.peers.measure import PeerRow, Peers
from benchmarks.photographs import Mistake, Model, Named, Photographs, Scaled
from benchmarks.results import (
    Accuracy,
    Bench,
    Camera,
    Estimate,
    Footprint,
    Latency,
    Loop,
    McNemar,
    Origin,
    Published,
    Publishing,
    Row,
    Score,
    Stages,
    State,
    Throughput,
    Times,
)
from benchmarks.robustness import Robustness
from benchmarks.scan_scheduling import Cost
from benchmarks.scan_simulation import MOST, Reach
from benchmarks.scanning import ONE, RUN, TWO, WIDE, Peak, Scanning, Way
from benchmarks.search import Live, Recall
from benchmarks.sequences import Row as Smoothed
from benchmarks.sequences import Sequences, Setting
from edge.types import Floats
from train.layout import EXPRESSIONS
from train.metrics import pack

ORIGIN = Origin("Testing board, 4 cores", "0123456789ab", "2026-11-28", {"numpy": "2.4.6"})
IMAGES = 40


def estimate(value: float, spread: float = 0.02) -> Estimate:
    return Estimate(value, value * (1 - spread), value * (1 + spread))


def times(ms: float, relative: float | None = None) -> Times:
    """Times of which the reference takes one millisecond."""
    own = ms if relative is None else relative
    p50, high = estimate(ms), estimate(1.2 * ms)
    return Times(1000, p50, high, estimate(1.5 * ms), estimate(own), estimate(1.2 * own))


def score(top1: float, versus_h5: McNemar | None = None) -> Score:
    recall = {name: estimate(top1) for name in EXPRESSIONS}
    return Score(
        IMAGES, estimate(top1), estimate(top1), estimate(0.02), estimate(0.78), recall, versus_h5
    )


def accuracy(right: int, versus_h5: McNemar | None = None) -> Accuracy:
    """The first ``right`` of 40 images are named rightly."""
    return Accuracy(score(right / IMAGES, versus_h5), pack(np.arange(IMAGES) < right), "digest")


def row(variant: str, ms: float, right: int | None = 26, **changes: Any) -> Row:
    h5 = Candidate(Path("models/Finalmodel.h5"), variant)
    content: dict[str, Any] = {
        "name": h5.name,
        "model": "Finalmodel",
        "variant": variant,
        "file": h5.path.name,
        "deployed": h5.deployed,
        "bytes": 513_000,
        "sha256": "ab" * 32,
        "multiply_accumulates": 36_800_000,
        "load_ms": 11.0,
        "first_ms": 0.3,
        "memory_mb": 51.0,
        "latency": [Latency(1, times(ms))],
        "accuracy": accuracy(right) if right is not None else None,
    }
    return Row(**(content | changes))


def rows() -> list[Row]:
    better = McNemar(1, 2, 1.0)
    return [
        row("h5, compiled", 0.7),
        row("float32", 0.36, bytes=1_960_000, accuracy=accuracy(26, better)),
        row("int8", 0.1, accuracy=accuracy(26, better)),
    ]


def loop(frame: float = 0.9) -> Loop:
    stages = {name: times(frame / 4) for name in ("detect", "crop", "classify", "track")}
    networks = {"detector": times(0.6), "classifier": times(0.1)}
    return Loop(
        "Finalmodel.tflite",
        2,
        [Stages(n, n, times(frame), stages, networks, 1.25) for n in (0, 1)],
        [Throughput(n, workers, times(frame / workers)) for n in (0, 1) for workers in (1, 2)],
        [Camera(30, 600, 0, times(1.3), times(1.2))],
    )


def publishing() -> Publishing:
    rows = [
        Published("alone", times(4.0), times(5.0), 180.0),
        Published("page with 2 viewers, MQTT", times(4.1), times(5.1), 200.0),
    ]
    return Publishing(30, rows, 400, 31.0, 82.0)


def bench(**changes: Any) -> Bench:
    content: dict[str, Any] = {
        "device": "testing-board",
        "origin": ORIGIN,
        "before": State("ondemand", 1800.0, 51.0, "no"),
        "after": State("ondemand", 1500.0, 61.0, "no"),
        "invalid": None,
        "rounds": 20,
        "minutes": 3.5,
        "notes": ["the h5: Keras is not installed here"],
        "rows": rows(),
        "loop": loop(),
        "footprint": Footprint(times(210, 200), 1000, 110.0, 303.0),
        "publishing": publishing(),
    }
    return Bench(**(content | changes))


def evaluation() -> Evaluation:
    bins = [Bin(0.3, 0.35, 20), Bin(0.9, 0.88, 20)]
    calibration = Calibration(
        *(40, estimate(0.05), estimate(0.02), bins, bins),
        [Point(0.0, 1.0, 0.65), Point(0.5, 0.7, 0.77)],
        *(0.77,),
        **{"temperature": 1.1, "threshold": 0.5, "coverage": 0.7},
        votes=Judged(40, estimate(0.04), estimate(0.01), bins, bins, [Point(0.0, 1.0, 0.8)], 0.88),
    )
    top1 = {"Finalmodel": 0.65}
    return Evaluation(
        origin=ORIGIN,
        models={"Finalmodel.tflite": "ab" * 32},
        calibration={"Finalmodel": calibration},
        copies={"Finalmodel": Copies(3, 37, estimate(0.8), estimate(0.6398))},
        robustness=[Robustness("none", "–", top1), Robustness("blur", "σ 1 px", top1)],
        framing_model="Finalmodel",
        framing=[FramingRow("96", 100, 1, {"derived": None}), FramingRow("280", 100, 98, top1)],
        search=[
            Recall("BlazeFace", searched, share, 4, 20, found, found // 2, 1, 9.0)
            for searched, share, found in (
                *((False, 0.06, 0), (False, 0.3, 18)),
                *((True, 0.06, 14), (True, 0.3, 20)),
            )
        ],
        live=Live(1.05, 3.2, 0.2, 0.4, 0.1, 1.1),
        sequences=sequences(),
    )


def smoothed(setting: Setting, both: float, lag: float, gain: float = 0.0) -> Smoothed:
    """``both`` is over held expressions and changes, ``lag`` in seconds."""
    top1, seconds = estimate(both), estimate(lag)
    return Smoothed(
        *(setting, top1, top1, top1, top1, estimate(gain)),
        *(estimate(0.7), estimate(0.8), estimate(1.5), seconds, seconds),
    )


def sequences() -> Sequences:
    """The best of all is too late, the best of those that are in time is not the default."""
    default = Setting(0.1, 0.12, 0.1)
    rows = [
        smoothed(Setting(0.0, 0.0, 0.0), 0.58, 0.07, -0.02),
        smoothed(default, 0.6, 0.2),
        smoothed(Setting(0.2, 0.12, 0.1), 0.61, 0.3, 0.01),
        smoothed(Setting(0.2, 0.0, 0.1), 0.62, 0.4, 0.02),
        smoothed(Setting(1.0, 0.0, 0.1), 0.63, 0.9, 0.03),
        smoothed(msgspec.structs.replace(default, view="both"), 0.64, 0.2, 0.04),
    ]
    return Sequences(600, 320, estimate(0.65), default, rows)


def peers() -> Peers:
    return Peers(
        *(ORIGIN, {"Finalmodel.tflite": "cd" * 32}, 10, 1.0, 3, (640, 360)),
        [
            PeerRow("this project", p50_ms=0.9, p95_ms=1.0, fps=1100.0, found=1.0, top1=0.654),
            PeerRow("other, Haar", "1.2", p50_ms=20.0, p95_ms=30.0, fps=50.0, error="it broke"),
        ],
    )


def photographs() -> Photographs:
    named = Named(estimate(0.66), estimate(0.65), {"happy": estimate(0.9), "sad": estimate(0.4)})
    certainty = Certainty(
        *(0.5, 0.52, 0.83, 0.56, estimate(0.1)),
        {TOP: [Point(0.0, 1.0, 0.66), Point(0.5, 0.52, 0.83)]},
        {TOP: [0.84] * len(SHARES), "lead over the second": [0.83] * len(SHARES)},
    )
    confusion = [[0] * len(EXPRESSIONS) for _ in EXPRESSIONS]
    confusion[3][3], confusion[5][4] = 36, 60
    return Photographs(
        *(ORIGIN, "faces.zip", "ef" * 32, {"Finalmodel.tflite": "ab" * 32}, False),
        *(["happy"], {"happy": 40, "sad": 60}, {"happy": 2, "sad": 1}),
        {
            "Finalmodel": Model(
                *(
                    list(EXPRESSIONS),
                    named,
                    named,
                    [Scaled(0.92, 0.67, 0.66), Scaled(1.0, 0.66, 0.65)],
                ),
                *(certainty, confusion),
            )
        },
        "Finalmodel",
        [Mistake("a.jpg", "happy", "neutral", 0.93), Mistake("b.jpg", "happy", "sad", 0.61)],
    )


def scanning(**changes: Any) -> Scanning:
    ways = [
        Way(RUN, [100.0, 100.0, 80.0], [6.0, 6.0, 7.5]),
        Way(ONE, [90.0, 95.0, 96.0], [13.5, 12.6, 12.6]),
        Way(TWO, [90.0, 90.0, 90.0], [7.5, 7.0, 6.0]),
        Way(WIDE, [120.0, 120.0, 120.0], [9.0, 9.0, 9.0]),
    ]
    content: dict[str, Any] = {
        "origin": ORIGIN,
        "models": {"Finalmodel.tflite": "ab" * 32},
        "rounds": 3,
        "minutes": 4.5,
        "clip_seconds": 20,
        "ways": ways,
        "peaks": [Peak(300, (640, 360), 201.5), Peak(20, (1920, 1080), 240.0)],
        "costs": [Cost(2_000, 0.6, 0.9, 150.0), Cost(20_000, 0.625, 0.95, 300.4)],
        "reach": [Reach(1.0, 1650, 1600), Reach(10.0, 16_500, 16_000), Reach(60.0, MOST, 96_000)],
    }
    return Scanning(**(content | changes))


class Bars:
    """Knows the class of the synthetic images: where the bright bar is."""

    def classify(self, crops: np.ndarray) -> Floats:
        heights = crops[..., 0].astype(float).mean(axis=2)
        bars = (
            heights[:, : 6 * len(EXPRESSIONS)].reshape(len(crops), len(EXPRESSIONS), 6).mean(axis=2)
        )
        return np.asarray(np.eye(len(EXPRESSIONS))[bars.argmax(axis=1)] * 0.7 + 0.3 / 7, np.float32)


class FakeProcess:
    """A worker whose replies are made up; ``fails`` names the request that fails."""

    def __init__(self, milliseconds: float = 1.0, fails: str = "", classify: Any = None) -> None:
        self.asked: list[str] = []
        self._ms, self._fails, self._classify = milliseconds, fails, classify or Bars().classify

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.asked.append("exit")

    def reply(self) -> dict[str, Any]:
        return self._checked("load", {"load_ms": 10.0, "first_ms": 2.0, "runtime": "fake 1.0"})

    def ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        reply: Mapping[str, Any] = {}
        if request == "predict":
            np.save(arguments["output"], self._classify(np.load(arguments["images"])))
        elif request in ("latency", "reference"):
            reply = {"ms": [self._ms] * arguments.get("calls", 20)}
        return self._checked(request, reply)

    def peak_rss_mb(self) -> float:
        return 50.0

    def _checked(self, request: str, reply: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        if request == self._fails:
            raise WorkerError(f"{request} fails")
        return dict(reply)


def candidates(*variants: str) -> Sequence[Candidate]:
    return [Candidate(Path("models/Finalmodel.h5"), variant) for variant in variants]
