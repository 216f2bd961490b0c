"""The figures draw what the results hold; what they work out is right."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.figures import marks
from benchmarks.figures.accuracy import accuracy_figure, lifts, pareto
from benchmarks.figures.confusion import confusion_figure
from benchmarks.figures.latency import density, latency_figure
from benchmarks.figures.robustness import ordered, robustness_figure
from benchmarks.figures.stages import stages_figure
from benchmarks.figures.vector import svg
from tests.benchmarks.device import ACCURACY, LOOP, result, samples, subject
from tests.benchmarks.drawn import beyond


def texts(figure: Figure) -> list[str]:
    """What a figure says, legends left out."""
    return [
        text.get_text()
        for axes in figure.axes
        for text in (*axes.texts, axes.title, *axes.get_yticklabels(), *axes.get_xticklabels())
    ]


def test_the_front_is_what_no_other_beats() -> None:
    points = [(1.0, 60.0), (0.5, 50.0), (0.5, 55.0), (2.0, 60.0), (3.0, 61.0), (9.0, 10.0)]
    assert pareto(points) == [2, 0, 4]
    assert pareto([(1.0, 50.0)]) == [0]


def test_accuracy_is_drawn_against_both_label_sets_where_there_are_votes() -> None:
    rows = [subject("float32", 3.0), subject("int8", 1.0, deployed=True)]
    figure = accuracy_figure(rows)
    assert len(figure.axes) == 2
    assert "Pareto front: int8" in figure.axes[0].get_title()
    without = ACCURACY | {"votes": None}
    alone = accuracy_figure([subject("int8", accuracy=without, bytes=None)])
    assert len(alone.axes) == 1


def test_the_area_of_a_mark_is_the_size_of_the_file_whatever_its_shape() -> None:
    """By the pixels: what matplotlib calls a size is another area for each shape."""
    sizes = {"o": 1, "s": 4, "D": 2, "^": 1, "v": 8, "P": 3}
    for shape, megabytes in sizes.items():
        figure = Figure(figsize=(1, 1), dpi=720)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        area = 20.0 * megabytes
        axes.scatter(0, 0, s=marks.sized(shape, area), marker=shape, color="black", linewidths=0)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        dark = 1 - np.asarray(canvas.buffer_rgba())[..., 0] / 255
        assert dark.sum() / (720 / 72) ** 2 == pytest.approx(area, rel=0.02), shape


def test_no_mark_covers_another() -> None:
    places = [(0.0, 0.0), (1.0, 0.5), (0.0, 0.0), (40.0, 0.0)]
    radii = [5.0, 3.0, 4.0, 5.0]
    moved = lifts(places, radii)
    assert moved[0] == moved[3] == 0
    ends = [(x, y + lift) for (x, y), lift in zip(places, moved, strict=True)]
    for one, other in itertools.combinations(range(4), 2):
        assert math.dist(ends[one], ends[other]) >= radii[one] + radii[other]


def test_names_of_models_as_accurate_do_not_lie_on_each_other() -> None:
    assert marks.spread([5.0, 1.0, 1.1], 0.5) == [5.0, 1.0, 1.5]
    rows = [subject("int8", 1.0, model="a"), subject("int8", 1.0, model="b")]
    axes = accuracy_figure(rows).axes[0]
    heights = [text.xyann[1] + text.xy[1] for text in axes.texts if text.get_text()]
    assert abs(heights[0] - heights[1]) > 0.05


def test_a_shape_has_its_top_where_most_samples_are() -> None:
    times = np.concatenate([np.full(900, 2.0), np.linspace(2.0, 8.0, 100)])
    places, heights = density(times)
    assert places[heights.argmax()] == pytest.approx(2.0, rel=0.05)
    assert heights.max() == 1
    for constant in (density(np.full(5, 1.0)), density(np.array([1.0]))):
        assert np.isfinite(constant).all()


def test_each_row_with_samples_has_a_shape() -> None:
    rows = [subject("float32"), subject("int8", deployed=True), subject("dynamic")]
    figure = latency_figure(rows, samples(result(*rows[:2])))
    assert [t for t in texts(figure) if t in ("float32", "int8", "dynamic")] == ["float32", "int8"]


@pytest.mark.parametrize(("calls", "tails"), [(6, 0), (10, 1), (50, 2)])
def test_what_the_table_has_no_figure_for_is_not_drawn(calls: int, tails: int) -> None:
    times = np.random.default_rng(1).lognormal(size=(20, calls)).tolist()
    lines = [{"subject": "int8", "threads": 1, "face_ms": times}]
    figure = latency_figure([subject("int8")], lines)
    drawn = [line for line in figure.axes[0].get_lines() if line.get_marker() == "|"]
    assert [len(line.get_xdata()) for line in drawn] == [tails]


def test_the_stages_are_told_apart_by_hatches_and_figures() -> None:
    figure = stages_figure(LOOP["stages"])
    assert len({bar.get_hatch() for bar in figure.axes[0].patches}) == 4
    assert texts(figure).count("1.50") == 2 * (4 + 1)
    assert "0 faces" in texts(figure)
    assert "1 face" in texts(figure)


def disturbed() -> list[dict]:
    def row(corruption: str, strength: str) -> dict:
        return {"corruption": corruption, "strength": strength, "top1": {"a": 0.5, "b": 0.4}}

    moved = [row("moved", f"{percent:+} %") for percent in (10, 20, 30)]
    return [row("none", "–"), *moved, row("a rather long name", "1/64 of the light")]


def test_all_that_is_drawn_lies_on_the_canvas() -> None:
    rows = [
        subject(variant, milliseconds, model=model, name=f"{model} {variant}")
        for model in ("m", "another one")
        for variant, milliseconds in (("float32", 3.0), ("a long variant", 66.0), ("int8", 1.0))
    ]
    frame = {"frame_ms": {"p50": 6.0, "p95": 7.5, "p99": None}}
    for figure in (
        accuracy_figure(rows),
        latency_figure(rows, samples(result(*rows))),
        confusion_figure(rows[:2]),
        stages_figure([row | frame for row in LOOP["stages"]]),
        robustness_figure(disturbed()),
    ):
        assert beyond(figure) < 0


def test_the_undisturbed_stands_between_less_and_more() -> None:
    def row(corruption: str, strength: str) -> dict:
        return {"corruption": corruption, "strength": strength, "top1": {"a": 0.5, "b": 0.4}}

    none = row("none", "–")
    moved = [row("moved", strength) for strength in ("−20 %", "−10 %", "+10 %")]
    assert [each["strength"] for each in ordered(moved, none)] == ["−20 %", "−10 %", "–", "+10 %"]
    rolled = [row("rolled", "±10°")]
    assert ordered(rolled, none) == [none, *rolled]
    figure = robustness_figure([none, *moved, *rolled, row("blurred", "σ 1 px")])
    assert sum(axes.get_visible() for axes in figure.axes) == 3
    lines = figure.axes[0].get_lines()
    assert len({line.get_linestyle() for line in lines}) == len(lines) == 2
    assert len({line.get_marker() for line in lines}) == 2


def test_a_drawing_is_the_same_twice_and_its_ids_are_its_own() -> None:
    first, again = (svg(stages_figure(LOOP["stages"]), "a.png") for _ in range(2))
    assert first == again
    assert first.startswith("<svg viewBox")
    assert 'id="a-png-' in first
    assert "http" not in first
    assert 'href="#a-png-' in first
