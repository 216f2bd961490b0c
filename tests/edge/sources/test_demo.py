"""The demo's pictures: the same each time, and the faces are where it says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import SettingsError
from edge.sources.demo import DemoSource, Portrait, load_portraits, open_demo
from edge.vision.blazeface import BlazeFace
from tests.edge.fakes import image, square

PLAIN = [Portrait(image(256, 256, 90), square(128, 120, 80))]


@pytest.fixture(scope="module")
def portraits() -> tuple[Portrait, ...]:
    return load_portraits()


def test_a_frame_depends_on_its_index_alone(portraits: tuple[Portrait, ...]) -> None:
    one, other = DemoSource(portraits), DemoSource(portraits)
    other.render(3)
    np.testing.assert_array_equal(one.render(77), other.render(77))
    assert one.true_faces(77) == other.true_faces(77)


def test_it_moves_smoothly(portraits: tuple[Portrait, ...]) -> None:
    demo = DemoSource(portraits)
    paths = [demo.true_faces(index) for index in range(600)]
    for before, now in itertools.pairwise(paths):
        for a, b in zip(before, now, strict=True):
            assert np.hypot(*np.subtract(a.centre, b.centre)) < 4
            assert abs(b.width - a.width) < 1
    widths = [boxes[0].width for boxes in paths]
    assert max(widths) > 1.1 * min(widths), "it zooms"
    levels = [float(demo.render(index)[:20].mean()) for index in range(0, 330, 30)]
    assert max(levels) > 1.15 * min(levels), "the light changes"


@pytest.mark.parametrize("faces", [1, 2, 3, 4, 5])
def test_the_detector_finds_the_faces_where_they_are(
    portraits: tuple[Portrait, ...], faces: int
) -> None:
    demo, detector = DemoSource(portraits, faces=faces), BlazeFace()
    found = []
    for index in range(0, 450, 15):
        boxes = [face.box for face in detector.detect(demo.render(index))]
        found += [
            max((box.iou(true) for box in boxes), default=0.0) for true in demo.true_faces(index)
        ]
        assert len(boxes) <= faces
    assert np.mean([iou > 0.5 for iou in found]) >= 0.98
    assert np.median(found) > 0.75


def test_an_empty_demo_has_no_face(portraits: tuple[Portrait, ...]) -> None:
    demo = DemoSource(portraits, faces=0)
    assert demo.true_faces(0) == ()
    assert not BlazeFace().detect(demo.render(0))


def test_frames_come_with_their_index_and_the_demos_own_clock() -> None:
    with DemoSource(PLAIN, size=(160, 120), frames=4, fps=25) as demo:
        given = list(demo)
    assert [frame.index for frame in given] == [0, 1, 2, 3]
    times = [frame.time for frame in given]
    np.testing.assert_allclose(times, np.arange(4) / 25, atol=1e-9)
    assert given[0].image.shape == (120, 160, 3)


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(64, 900),
    height=st.integers(64, 700),
    faces=st.integers(0, 5),
    index=st.integers(0, 5000),
)
def test_true_faces_lie_in_the_frame_and_apart(
    width: int, height: int, faces: int, index: int
) -> None:
    demo = DemoSource(PLAIN, size=(width, height), faces=faces)
    boxes = demo.true_faces(index)
    assert demo.render(index).shape == (height, width, 3)
    assert len(boxes) == faces
    for box in boxes:
        assert box.left >= 0
        assert box.top >= 0
        assert box.right <= width
        assert box.bottom <= height
    assert all(a.iou(b) == 0 for a, b in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("wrong", [{"faces": -1}, {"faces": 6}, {"frames": -1}, {"size": (10, 10)}])
def test_arguments_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="demo: expected"):
        DemoSource(PLAIN, **wrong)  # type: ignore[arg-type]


def test_it_ends_after_ten_seconds_unless_somebody_else_ends_the_run() -> None:
    assert sum(1 for _ in open_demo(endless=False)) == 300
    assert sum(1 for _ in itertools.islice(open_demo(endless=True), 310)) == 310
