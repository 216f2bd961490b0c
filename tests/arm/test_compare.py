"""The comparison of two runs: what it measures, and what it doesn't let pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.arm.compare import OVERLAP_LIMIT, PROBABILITY_LIMIT, compare, read
from tests.arm.processors import PROCESSORS


def face(label: str = "happy", happy: float = 0.9, left: float = 0) -> dict[str, Any]:
    """A face of 100×100 pixels."""
    return {
        "box": [left, 0, left + 100, 100],
        "label": label,
        "probabilities": {"happy": happy, "sad": round(1 - happy, 4)},
    }


def frames(*faces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"frame": index, "faces": found} for index, found in enumerate(faces)]


def test_runs_that_found_the_same_have_no_problems() -> None:
    run = frames([face(), face("sad", 0.2, left=300)], [], [face()])
    comparison = compare(run, read("\n".join(map(json.dumps, run))))
    assert comparison.facts() == {
        "frames": 3,
        "faces": 3,
        "labels": {"happy": 2, "sad": 1},
        "probability_difference": 0.0,
        "overlap": 1.0,
    }
    assert comparison.problems == ()


def test_the_greatest_difference_counts_and_two_per_cent_pass() -> None:
    reference = frames([face(happy=0.9), face(happy=0.7, left=300)])
    comparison = compare(reference, frames([face(happy=0.89), face(happy=0.72, left=301)]))
    assert comparison.probability_difference == 0.02
    assert comparison.overlap == pytest.approx(99 / 101, abs=1e-4)
    assert comparison.problems == ()


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (face("sad"), "frame 0: expected happy, found sad"),
        (face(happy=0.879), "frame 0: expected probabilities within 0.02, found 0.021"),
        (face(left=10), "frame 0: expected boxes that overlap by 0.9, found 0.8182"),
    ],
)
def test_a_face_that_differs_is_a_problem(found: dict[str, Any], problem: str) -> None:
    assert compare(frames([face()]), frames([found])).problems == (problem,)


def test_of_a_tracked_face_the_smoothed_expression_counts() -> None:
    smoothed = {"label": "happy", "probabilities": {"happy": 0.8, "sad": 0.2}}
    reference = {**face("happy", 0.9), "smoothed": smoothed}
    found = {**face("sad", 0.1), "smoothed": smoothed}
    assert compare(frames([reference]), frames([found])).problems == ()


def test_faces_are_paired_by_place_not_by_order() -> None:
    one, other = face(), face("sad", 0.1, left=300)
    assert compare(frames([one, other]), frames([other, one])).problems == ()


def test_a_face_or_a_frame_that_is_missing_is_a_problem() -> None:
    pair = [face(), face(left=300)]
    assert compare(frames([face()], pair), frames([face()], [face()])).problems == (
        "frame 1: expected 2 faces, found 1",
    )
    assert compare(frames([face()], pair), frames([face()])).problems == (
        "expected 2 frames, found 1",
    )


def test_runs_without_a_face_prove_nothing() -> None:
    assert compare(frames([], []), frames([], [])).problems == (
        "expected faces to compare, found none",
    )


def test_a_label_that_the_other_run_does_not_know_counts_as_zero() -> None:
    known = {**face(), "probabilities": {"happy": 0.9}}
    assert compare(frames([face()]), frames([known])).probability_difference == 0.1


def test_the_recorded_result_keeps_the_limits_on_both_pis(repository: Path) -> None:
    result = json.loads((repository / "tests/arm/result.json").read_text(encoding="utf-8"))
    assert result["limits"] == {
        "probability_difference": PROBABILITY_LIMIT,
        "overlap": OVERLAP_LIMIT,
    }
    assert [each["name"] for each in result["processors"]] == [each.name for each in PROCESSORS]
    for each in result["processors"]:
        assert set(each["compared"]) == {"demo", "stills", "patterns"}
        for figures in each["compared"].values():
            assert figures["faces"] > 0
            assert figures["probability_difference"] <= PROBABILITY_LIMIT
            assert figures["overlap"] >= OVERLAP_LIMIT
