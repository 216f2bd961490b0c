"""What smoothing over time gives in accuracy, and what it costs after a change.

The sequences are those of ``motion``: a validation image that is held, and the same one that gives
way to another with another label. The runtime's own tracker follows them. Intervals are by the
bootstrap over images, as all frames of a sequence are of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from benchmarks import motion, stats
from benchmarks.motion import FPS
from benchmarks.results import Estimate
from benchmarks.robustness import Classify, Crops
from edge.contract import ModelContract
from edge.settings import Tracking
from edge.types import Box, Face, Floats
from edge.vision.tracking import Tracker, decay
from train.data import Split

IMAGES = 600
HELD, PART = 3.0, 2.0
"""Seconds of a held expression, and of each of two that follow one another."""
SMOOTHINGS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
SOON = 0.5
"""Seconds within which a change should be shown, in the median."""
_SEED = 0
_FEWEST = 20
"""Images with a certain frame from which on the share of those that are right is given."""
_LEAST = 1e-6
_BEFORE = round(PART * FPS)
_FACE = Face(Box(100, 100, 200, 200), 0.9, np.zeros((6, 2), np.float32))
Mean = Literal["of logarithms", "plain"]
View = Literal["one", "mirrored in turn", "both"]
Ints = NDArray[np.int64]


class Setting(Struct, frozen=True):
    """Of the tracker: time constant and hold in seconds, margin in probability.

    ``view`` is what the classifier is asked about: the crop, its mirror image in every second
    frame, or both in each.
    """

    smoothing: float
    hold: float
    margin: float
    mean: Mean = "of logarithms"
    view: View = "one"


class Row(Struct, frozen=True):
    """What is shown with one setting.

    ``held``, ``later`` (from the second second on) and ``change`` are top-1 over the frames of held
    and of changing expressions, ``both`` is the mean of ``held`` and ``change``, ``gain`` how far
    it is above that of the default. The shares of frames that are ``certain`` and of those that are
    ``right`` among them (None for fewer than 20 images), and the ``changes`` of the label in a
    second, are of held ones. ``lag`` and ``lag_p90`` are seconds from a change until it is shown,
    ``PART`` where it is not.
    """

    setting: Setting
    held: Estimate
    later: Estimate
    change: Estimate
    both: Estimate
    gain: Estimate
    certain: Estimate
    right: Estimate | None
    changes: Estimate
    lag: Estimate | None
    lag_p90: Estimate | None


class Sequences(Struct, frozen=True):
    """Of ``images`` each is held, and changes; the lag is of those where that is to be ``seen``.

    ``still`` is top-1 of the images as they are, ``default`` the setting of the runtime.
    """

    images: int
    seen: int
    still: Estimate
    default: Setting
    rows: list[Row]

    def row(self, setting: Setting) -> Row:
        """Return the row of ``setting``."""
        return next(row for row in self.rows if row.setting == setting)

    def best(self) -> Row:
        """Return the most accurate row over both kinds that shows a change within ``SOON``.

        Of the settings that a user has.
        """
        usual = (self.default.mean, self.default.view)
        own = [row for row in self.rows if (row.setting.mean, row.setting.view) == usual]
        soon = [row for row in own if row.lag and row.lag.value <= SOON]
        return max(soon or own, key=lambda row: row.both.value)


@dataclass(frozen=True)
class Asked:
    """The answers about each frame and about its mirror image.

    Both are ``float32[sequences, frames, labels]``; ``truth`` is ``int64[sequences, frames]``.
    """

    rows: Floats
    mirrored: Floats
    truth: Ints

    def of(self, view: View) -> Floats:
        """Return what the tracker is given: ``float32[sequences, frames, labels]``."""
        if view == "both":
            mean = np.sqrt(np.maximum(self.rows, _LEAST) * np.maximum(self.mirrored, _LEAST))
            return np.asarray(mean / mean.sum(axis=2, keepdims=True), np.float32)
        rows = self.rows.copy()
        if view == "mirrored in turn":
            rows[:, 1::2] = self.mirrored[:, 1::2]
        return rows


@dataclass(frozen=True)
class Shown:
    """Index of the label of each frame, and whether it is certain: ``[sequences, frames]``."""

    labels: Ints
    certain: stats.Bools


def measure(
    classify: Classify, contract: ModelContract, split: Split, images: int = IMAGES
) -> Sequences:
    """Follow ``images`` of the validation ``split`` with every setting; a minute or so."""
    # A split is sorted by folder, so that equal steps go through all classes.
    count = min(images, len(split.labels))
    chosen = np.linspace(0, len(split.labels) - 1, count).round().astype(np.int64)
    asked = ask(classify, split, chosen)
    default = Setting(Tracking().smoothing, contract.hold, Tracking().margin)
    seen = can_be_seen(asked[1])
    followed = {
        setting: (follow(asked[0], setting, contract), follow(asked[1], setting, contract))
        for setting in settings(default)
    }
    usual = both(followed[default], asked)
    return Sequences(
        images=count,
        seen=int(seen.sum()),
        still=stats.share(classify(split.images[chosen]).argmax(axis=1) == split.labels[chosen]),
        default=default,
        rows=[_row(each, shown, asked, usual, seen) for each, shown in followed.items()],
    )


def settings(default: Setting) -> list[Setting]:
    """Return what is compared: every time constant in several ways, the default among them."""
    constants = sorted({*SMOOTHINGS, default.smoothing})
    kinds: Sequence[Setting] = (
        default,
        replace(default, hold=0.0),
        replace(default, hold=0.0, margin=0.0),
        replace(default, mean="plain"),
    )
    grid = [
        replace(kind, smoothing=constant)
        for kind in kinds
        for constant in constants
        if constant or kind.mean == default.mean  # there is but one mean of a single frame
    ]
    views: Sequence[View] = ("mirrored in turn", "both")
    return list(dict.fromkeys([*grid, *(replace(default, view=view) for view in views)]))


def ask(classify: Classify, split: Split, chosen: Ints) -> tuple[Asked, Asked]:
    """Return the answers about the images at ``chosen``: held, and giving way to another label."""
    random = np.random.default_rng(_SEED)
    held, change, truth = [], [], []
    for index in chosen:
        image, label = split.images[index], split.labels[index]
        other = random.choice(np.flatnonzero(split.labels != label))
        held.append(_answers(classify, motion.held(image, HELD, random)))
        crops = motion.changing(image, split.images[other], PART, random)
        change.append(_answers(classify, crops))
        truth.append(np.repeat([label, split.labels[other]], _BEFORE))
    labels, still, moved = np.stack(truth), np.stack(held), np.stack(change)
    return (
        Asked(still[:, 0], still[:, 1], labels[:, :1].repeat(still.shape[2], axis=1)),
        Asked(moved[:, 0], moved[:, 1], labels),
    )


def _answers(classify: Classify, crops: Crops) -> Floats:
    """``float32[2, frames, labels]``, of the crops and of their mirror images."""
    return np.stack([classify(crops), classify(np.ascontiguousarray(crops[:, :, ::-1]))])


def follow(asked: Asked, setting: Setting, contract: ModelContract) -> Shown:
    """Return what a tracker shows of each sequence."""
    rows, smoothing = asked.of(setting.view), setting.smoothing
    if setting.mean == "plain":
        rows, smoothing = plainly_smoothed(rows, smoothing), 0.0
    options = Tracking(smoothing=smoothing, margin=setting.margin)
    labels, certain = np.empty(rows.shape[:2], np.int64), np.empty(rows.shape[:2], bool)
    for n, sequence in enumerate(rows):
        tracker = Tracker(contract.labels, contract.uncertain_below, options, setting.hold)
        for frame in range(len(sequence)):
            found = tracker.update([_FACE], sequence[frame : frame + 1], frame / FPS)[0].smoothed
            labels[n, frame] = contract.labels.index(found.label)
            certain[n, frame] = found.certain
    return Shown(labels, certain)


def plainly_smoothed(rows: Floats, smoothing: float) -> Floats:
    """Return ``rows`` (``float32[sequences, frames, labels]``) as plain means over time."""
    keep, means = decay(1 / FPS, smoothing), rows.copy()
    for frame in range(1, rows.shape[1]):
        means[:, frame] = keep * means[:, frame - 1] + (1 - keep) * rows[:, frame]
    return means


def both(shown: tuple[Shown, Shown], asked: tuple[Asked, Asked]) -> stats.Floats:
    """Return the mean of the top-1 of both sequences of each image, ``float[images]``."""
    parts = [top1(own, each) for own, each in zip(shown, asked, strict=True)]
    return np.asarray(np.mean(parts, axis=0))


def top1(shown: Shown, asked: Asked) -> stats.Floats:
    """Return the share of the frames of each sequence that are named rightly."""
    return np.asarray((shown.labels == asked.truth).mean(axis=1))


def can_be_seen(change: Asked) -> stats.Bools:
    """``bool[sequences]``: whether single frames see the change.

    Most of them name the label after it in the last second, and most of them do not in the last
    second before it.
    """
    named = change.rows.argmax(axis=2) == change.truth[:, -1:]
    return np.asarray(
        (named[:, -FPS:].mean(axis=1) > 0.5)
        & (named[:, _BEFORE - FPS : _BEFORE].mean(axis=1) < 0.5)
    )


def lags(shown: Shown, change: Asked) -> stats.Floats:
    """Return seconds from the change until its label is shown, ``PART`` where it is not."""
    named = shown.labels[:, _BEFORE:] == change.truth[:, -1:]
    return np.where(named.any(axis=1), named.argmax(axis=1) / FPS, PART)


def changes(shown: Shown) -> stats.Floats:
    """Return how often a second the label of each sequence changes."""
    labels = shown.labels
    return np.asarray((labels[:, 1:] != labels[:, :-1]).mean(axis=1) * FPS)


def _row(
    setting: Setting,
    shown: tuple[Shown, Shown],
    asked: tuple[Asked, Asked],
    usual: stats.Floats,
    seen: stats.Bools,
) -> Row:
    (held, change), certain = shown, shown[0].certain
    right = held.labels == asked[0].truth
    own, late = both(shown, asked), lags(change, asked[1])[seen]
    enough = certain.any(axis=1).sum() >= _FEWEST
    return Row(
        setting=setting,
        held=stats.mean(right.mean(axis=1)),
        later=stats.mean(right[:, FPS:].mean(axis=1)),
        change=stats.mean(top1(change, asked[1])),
        both=stats.mean(own),
        gain=stats.mean(own - usual),
        certain=stats.mean(certain.mean(axis=1)),
        right=stats.ratio((right & certain).sum(axis=1), certain.sum(axis=1)) if enough else None,
        changes=stats.mean(changes(held)),
        lag=stats.percentile(late, 50) if late.size else None,
        lag_p90=stats.percentile(late, 90) if late.size else None,
    )
