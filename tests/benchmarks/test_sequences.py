"""What smoothing gives: metrics on rows whose answers are plain to see."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import sequences, stats
from benchmarks.sequences import Asked, Setting, Shown
from edge.contract import ModelContract
from tests.benchmarks.samples import Bars
from tests.benchmarks.samples import sequences as sample
from train.data import Split
from train.layout import EXPRESSIONS

CONTRACT = ModelContract(EXPRESSIONS, 48, 48, 1, uncertain_below=0.5)
SINGLE = Setting(0.0, 0.0, 0.0)


def rows(labels: list[int], sure: float = 0.88) -> np.ndarray:
    """``float32[1, frames, 7]``: each frame names its label."""
    others = np.full((1, len(labels), 7), (1 - sure) / 6, np.float32)
    others[0, np.arange(len(labels)), labels] = sure
    return others


def asked(labels: list[int], truth: list[int], mirrored: list[int] | None = None) -> Asked:
    return Asked(rows(labels), rows(mirrored or labels), np.array([truth]))


def shown(labels: list[int], certain: bool = True) -> Shown:
    return Shown(np.array([labels]), np.full((1, len(labels)), certain))


def test_without_memory_each_frame_is_shown_alone() -> None:
    answers = asked([0, 3, 0, 1], [0] * 4)
    found = sequences.follow(answers, SINGLE, CONTRACT)
    assert found.labels.tolist() == [[0, 3, 0, 1]]
    assert found.certain.all()


def test_smoothing_does_not_show_what_lasts_one_frame() -> None:
    found = sequences.follow(asked([0] * 5 + [3] + [0] * 5, [0] * 11), Setting(0.2, 0, 0), CONTRACT)
    assert found.labels.tolist() == [[0] * 11]


@pytest.mark.parametrize("mean", ["of logarithms", "plain"])
def test_both_means_follow_a_change(mean: sequences.Mean) -> None:
    setting = Setting(0.2, 0.0, 0.0, mean)
    found = sequences.follow(asked([0] * 10 + [3] * 10, [0] * 20), setting, CONTRACT)
    assert found.labels.tolist() == [[0] * 12 + [3] * 8]  # 0.2 s · ln 2 are two frames and a bit


def test_a_plain_mean_is_the_exponential_filter() -> None:
    steps = np.zeros((1, 3, 2), np.float32)
    steps[0, 0, 0] = steps[0, 1:, 1] = 1
    found = sequences.plainly_smoothed(steps, 1 / 15 / np.log(2))  # keeps a half
    assert found[0, :, 0] == pytest.approx([1, 0.5, 0.25])
    assert found.sum(axis=2) == pytest.approx(np.ones((1, 3)))


def test_views_are_of_one_both_or_in_turn() -> None:
    answers = asked([0] * 4, [0] * 4, [1] * 4)
    assert answers.of("one").argmax(axis=2).tolist() == [[0] * 4]
    assert answers.of("mirrored in turn").argmax(axis=2).tolist() == [[0, 1, 0, 1]]
    mean = answers.of("both")
    assert mean[0, 0, 0] == mean[0, 0, 1] == mean[0].max()
    assert mean.sum(axis=2) == pytest.approx(np.ones((1, 4)))
    assert answers.of("one") is not answers.rows


def test_the_lag_is_from_the_change_to_the_first_frame_that_shows_it() -> None:
    change = asked([0] * 30 + [3] * 30, [0] * 30 + [3] * 30)
    for late, seconds in ((0, 0.0), (1, 1 / 15), (6, 0.4), (30, 2.0)):
        labels = [0] * (30 + late) + [3] * (30 - late)
        assert sequences.lags(shown(labels), change) == pytest.approx([seconds])
    early = [0] * 20 + [3] * 40
    assert sequences.lags(shown(early), change) == [0]


@pytest.mark.parametrize(
    ("before", "after", "seen"),
    [(0, 3, True), (0, 0, False), (3, 3, False), (3, 0, False)],
)
def test_a_change_is_to_be_seen_where_frames_name_it_and_did_not(
    before: int, after: int, *, seen: bool
) -> None:
    change = asked([before] * 30 + [after] * 30, [0] * 30 + [3] * 30)
    assert sequences.can_be_seen(change).tolist() == [seen]


def test_changes_are_counted_by_the_second() -> None:
    assert sequences.changes(shown([0] * 46)) == [0]
    assert sequences.changes(shown([0] * 20 + [1] * 5 + [0] * 21)) == pytest.approx([2 / 3])


def test_both_kinds_count_alike() -> None:
    held, change = asked([0] * 4, [0] * 4), asked([0] * 8, [0] * 4 + [3] * 4)
    own = sequences.both((shown([0, 0, 0, 1]), shown([0] * 8)), (held, change))
    assert own == pytest.approx([(0.75 + 0.5) / 2])


def test_the_default_and_every_other_setting_is_there_once() -> None:
    default = Setting(0.15, 0.12, 0.1)
    found = sequences.settings(default)
    assert default in found
    assert SINGLE in found
    assert len(set(found)) == len(found)
    assert {each.view for each in found} == {"one", "mirrored in turn", "both"}
    assert not [each for each in found if each.mean == "plain" and not each.smoothing]


def test_the_best_is_in_time_and_one_that_a_user_can_set() -> None:
    found = sample()
    assert found.best().setting == Setting(0.2, 0.0, 0.1)


def test_a_plain_classifier_is_right_throughout(validation_split: Split) -> None:
    found = sequences.measure(Bars().classify, CONTRACT, validation_split)
    assert (found.images, found.still.value) == (35, 1)
    assert len(found.rows) == len(sequences.settings(found.default))
    single = found.row(SINGLE)
    assert 0.5 < single.held.value < 1  # the square moves by more than a bar's half
    default = found.row(found.default)
    assert (default.gain.value, default.gain.low, default.gain.high) == (0, 0, 0)
    assert default.changes.value < single.changes.value
    slow = found.row(Setting(1.0, 0.0, 0.0))
    assert slow.lag.value > single.lag.value
    assert slow.both.value - default.both.value == pytest.approx(slow.gain.value, abs=1e-5)


def test_the_same_frames_are_made_each_time(validation_split: Split) -> None:
    first, again = (
        sequences.ask(Bars().classify, validation_split, np.array([0, 20])) for _ in range(2)
    )
    assert [each.rows.shape for each in first] == [(2, 45, 7), (2, 60, 7)]
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.rows, other.rows)
        assert np.array_equal(one.mirrored, other.mirrored)
    held, change = (each.truth for each in first)
    assert (held == validation_split.labels[[0, 20], np.newaxis]).all()
    assert (change[:, 0] != change[:, -1]).all()
    assert (change[:, 29] != change[:, 30]).all()


def test_means_are_over_units_of_any_weight() -> None:
    parts, wholes = np.array([1.0, 0.0, 9.0]), np.array([2.0, 0.0, 18.0])
    assert stats.mean(parts).value == pytest.approx(10 / 3, abs=1e-4)
    assert stats.ratio(np.tile(parts, 9), np.tile(wholes, 9)).value == 0.5
    found = stats.percentile(np.linspace(0, 1, 101), 90)
    assert found.low < found.value == 0.9 < found.high
