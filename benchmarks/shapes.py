"""What a results file must have for what is made from it, and what a damaged one lacks.

A shape is a type; a mapping of the shapes of what it must have, ``"name?"`` of what it may; a list
with the shape of all items, ``Some`` where there is one at least; ``Each`` for a mapping with keys
of any name, ``Nothing`` for an empty one; ``Maybe`` for what may be null; ``Either`` of two.
Whatever else a file has is nothing to us, so that a later one may have more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.pipeline import STAGES
from train.data import LABELS

Shape = Any
NUMBER = (int, float)
_KINDS = {str: "text", bool: "true or false", int: "a whole number", NUMBER: "a number"}


@dataclass(frozen=True, slots=True)
class Each:
    """A mapping whose values have the ``shape``."""

    shape: Shape

    def problems(self, value: Any, place: str) -> Iterator[str]:
        """Say what is wrong with ``value``."""
        if not isinstance(value, Mapping):
            yield _other(value, place, "a group of names")
            return
        for name, part in value.items():
            yield from _problems(part, self.shape, f"{place}.{name}".lstrip("."))


@dataclass(frozen=True, slots=True)
class Some:
    """A list of one item at least, all with the ``shape``."""

    shape: Shape

    def problems(self, value: Any, place: str) -> Iterator[str]:
        """Say what is wrong with ``value``."""
        if value == []:
            yield _other(value, place, "one item at least")
        yield from _of_items(value, self.shape, place)


@dataclass(frozen=True, slots=True)
class Maybe:
    """The ``shape``, or null."""

    shape: Shape

    def problems(self, value: Any, place: str) -> Iterator[str]:
        """Say what is wrong with ``value``."""
        if value is not None:
            yield from _problems(value, self.shape, place)


@dataclass(frozen=True, slots=True)
class Either:
    """One of two shapes; what is wrong is said of the other."""

    one: Shape
    other: Shape

    def problems(self, value: Any, place: str) -> Iterator[str]:
        """Say what is wrong with ``value``."""
        if problem(value, self.one, place):
            yield from _problems(value, self.other, place)


@dataclass(frozen=True, slots=True)
class Nothing:
    """A mapping of nothing."""

    def problems(self, value: Any, place: str) -> Iterator[str]:
        """Say what is wrong with ``value``."""
        if value != {}:
            yield _other(value, place, "nothing")


def problem(value: Any, shape: Shape, place: str = "") -> str | None:
    """Say what ``value`` lacks first, or what is of another kind; None where it has the ``shape``.

    ``place`` is where ``value`` stands in its file.
    """
    return next(_problems(value, shape, place), None)


def _problems(value: Any, shape: Shape, place: str) -> Iterator[str]:
    if isinstance(shape, Each | Some | Maybe | Either | Nothing):
        yield from shape.problems(value, place)
    elif isinstance(shape, list):
        yield from _of_items(value, shape[0], place)
    elif isinstance(shape, Mapping):
        yield from _of_names(value, shape, place)
    elif not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        yield _other(value, place, _KINDS[shape])


def _of_items(value: Any, shape: Shape, place: str) -> Iterator[str]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        yield _other(value, place, "a list")
        return
    for index, item in enumerate(value):
        yield from _problems(item, shape, f"{place}[{index}]")


def _of_names(value: Any, shape: Mapping[str, Shape], place: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield _other(value, place, "a group of names")
        return
    missing = [name for name in shape if not name.endswith("?") and name not in value]
    if missing:
        yield f"{place or 'them'} without {', '.join(sorted(missing))}"
    for name, part in shape.items():
        own = name.removesuffix("?")
        if own in value:
            yield from _problems(value[own], part, f"{place}.{own}".lstrip("."))


def _other(value: Any, place: str, kind: str) -> str:
    return f"{value!r:.40} where {kind} belongs{f' ({place})' if place else ''}"


_ORIGIN = {"machine": str, "commit": str, "date": str}
_PAIR = [NUMBER]
_TAILS = ("p90", "p95", "p99")
"""Of too few samples there is none."""
_TIMES = {"p50": NUMBER, **dict.fromkeys(_TAILS, Maybe(NUMBER))}
_ENDS = {"p50": _PAIR, **dict.fromkeys(_TAILS, Maybe(_PAIR))}
_SHARES = {"top1": NUMBER, "top1_without_copies": NUMBER, "macro_f1": NUMBER}
_INTERVALS = {
    **{"top1": _PAIR, "macro_f1": _PAIR, "calibration_error": _PAIR},
    "recall": dict.fromkeys(LABELS, _PAIR),
}
_PART = {
    **{"images": int, "top1": NUMBER, "macro_f1": NUMBER, "calibration_error": NUMBER},
    "per_class": {label: {"recall": NUMBER, "support": int} for label in LABELS},
    "mcnemar": Maybe({"only_h5": int, "only_this": int, "p": NUMBER}),
    "intervals": _INTERVALS,
}
"""Of some images of a split."""
_SPLIT = {
    **_PART,
    **_SHARES,
    "macro_f1_without_copies": NUMBER,
    "confusion_matrix": [[int]],
    "votes": Either(Nothing(), {"top1": NUMBER}),
    "intervals": {**_INTERVALS, "top1_without_copies": _PAIR, "macro_f1_without_copies": _PAIR},
    "without_copies": Maybe(_PART),
}
_ACCURACY = {**_SPLIT, "test?": _SPLIT}
_RUN = {
    **{"threads": int, "load_ms": NUMBER, "first_ms": NUMBER, "memory_mb": NUMBER},
    **{"invocations": int, "face_ms": _TIMES, "face_ms_interval": _ENDS},
    **{"fps": NUMBER, "frame_ms": _TIMES, "frame_ms_interval": _ENDS, "stage_ms": Each(_TIMES)},
    "against_seed": Maybe({"ratio": NUMBER, "interval": _PAIR}),
}
_SUBJECT = {
    **{"name": str, "model": str, "variant": str, "file": str, "deployed": bool},
    **{"bytes": Maybe(int), "sha256": Maybe(str), "multiply_accumulates": Maybe(int)},
    **{"error": Maybe(str), "accuracy": Maybe(_ACCURACY), "runs": [_RUN]},
}
_STAGE_TIMES = dict.fromkeys(STAGES, _TIMES)
_DETECTOR = {
    **{"detector": str, "error": Maybe(str), "faces": int, "found": NUMBER},
    **{"frame_ms": _TIMES, "frame_ms_interval": _ENDS, "stage_ms": _STAGE_TIMES},
}
_LOOP = {
    "footprint": Maybe(
        {
            **{"start_s": NUMBER, "start_s_interval": _PAIR, "frames": int},
            **{"memory_mb": Maybe(NUMBER), "environment_mb": NUMBER},
        }
    ),
    "stages": Some(
        {
            **{"faces": int, "frame_ms": _TIMES, "frame_ms_interval": _ENDS},
            **{"stage_ms": _STAGE_TIMES, "invoke_ms": Each(_TIMES)},
            **{"classifier_calls": int, "over_networks": NUMBER},
        }
    ),
    "throughput": Some({"networks": int, "faces": int, "fps": NUMBER, "fps_interval": _PAIR}),
    "detectors": [Either({"detector": str, "error": str}, _DETECTOR)],
    "intervals": [
        {
            **{"subject": str, "mean_ms": NUMBER, "mean_ms_interval": _PAIR},
            **{"p95_ms": Maybe(NUMBER), "p95_ms_interval": Maybe(_PAIR)},
            **{"found": NUMBER, "overlap": NUMBER, "same_label": NUMBER},
        }
    ],
    "camera": [
        {
            **{"rate": int, "frames": int, "dropped": int},
            **{"latency_ms": _TIMES, "latency_ms_interval": _ENDS},
            **{"work_ms": _TIMES, "work_ms_interval": _ENDS},
        }
    ],
}
_STATE = {
    **{"governor": Maybe(str), "mhz": Maybe(NUMBER)},
    **{"celsius": Maybe(NUMBER), "throttled": Maybe(str)},
}
BENCH = {
    **_ORIGIN,
    "versions": {"ai-edge-litert": str, "tensorflow": str},
    "device": {"name": str, "before": _STATE, "after": _STATE},
    "void": Maybe(str),
    "left_out": [str],
    "effort": {"rounds": int, "calls": int, "frames": int, "seconds": NUMBER},
    "subjects": [_SUBJECT],
    "loop": Maybe(_LOOP),
    "samples_sha256": str,
}
_ROUNDS = [[NUMBER]]
SAMPLES = {
    **{"subject": str, "threads?": int, "error?": str, "right?": str, "images?": str},
    **{"face_ms?": _ROUNDS, "frame_ms?": _ROUNDS, "reference_ms?": _ROUNDS},
    **{"latency_ms?": _ROUNDS, "work_ms?": _ROUNDS, "cost_ms?": _ROUNDS},
    **{"reference_cost_ms?": _ROUNDS, "stage_ms?": Each(_ROUNDS), "fps?": [NUMBER]},
    **{"load_ms?": NUMBER, "first_ms?": NUMBER, "memory_mb?": Maybe(NUMBER)},
    **{"start_s?": [NUMBER], "pace_ms?": [NUMBER], "frames?": int, "dropped?": int},
}
"""Of a line."""
_RELIABILITY = {
    "calibration_error": NUMBER,
    "reliability": [{"confidence": NUMBER, "accuracy": NUMBER, "images": int}],
}
_FRAMED = {
    **{"background": str, "side": Either(int, str), "shown": int, "found": NUMBER},
    "top1": Each(Maybe(NUMBER)),
}
_MODELS = Each(str)
"""SHA-256 of each file that was measured, by its name."""
EVALUATION = {
    **_ORIGIN,
    "models": _MODELS,
    "calibration": Each(
        {
            **{"images": int, "temperature": NUMBER, "threshold": NUMBER, "coverage": NUMBER},
            **{"accuracy_answered": Maybe(NUMBER), "before": _RELIABILITY, "after": _RELIABILITY},
            "coverage_curve": [{"threshold": NUMBER, "coverage": NUMBER, "accuracy": NUMBER}],
        }
    ),
    "robustness": [{"corruption": str, "strength": str, "top1": Each(NUMBER)}],
    "framing": {"model": str, "rows": Some(_FRAMED)},
}
PEERS = {
    **_ORIGIN,
    "models": _MODELS,
    "effort": {"rounds": int, "seconds": NUMBER, "starts": int},
    "frames": {"width": int, "height": int},
    "rows": [
        {
            **{"name": str, "version": str, "error": Maybe(str), "frame_ms": Maybe(_TIMES)},
            **{"fps": Maybe(NUMBER), "found": Maybe(NUMBER), "start_s": Maybe(NUMBER)},
            **{"memory_mb": Maybe(NUMBER), "environment_mb": Maybe(NUMBER)},
            "accuracy": Maybe({**_SHARES, "votes?": {"top1?": NUMBER}}),
        }
    ],
}
