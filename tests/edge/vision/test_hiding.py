"""Faces that are not to be recognised, in every picture that leaves the process."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.settings import Hiding
from edge.sources.demo import load_portraits
from edge.types import Box, Frame
from edge.vision import open_detector
from edge.vision.hiding import hide
from edge.vision.overlay import annotate
from edge.vision.painter import Painter
from tests.edge.fakes import image, result, seen, square

coordinate = st.floats(-300, 600)


def test_a_face_that_is_blanked_is_found_no_more() -> None:
    detector = open_detector("blazeface")
    for portrait in load_portraits():
        canvas = portrait.image.copy()
        found = detector.detect(canvas)
        assert len(found) == 1
        hide(canvas, [face.box for face in found], "blank")
        assert not detector.detect(canvas)


def test_what_is_blurred_keeps_a_few_numbers_of_the_face() -> None:
    """Noise of every pixel goes: what is left is the mean of a sixth of the head."""
    canvas = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    hide(canvas, [square(100, 100, 100)], "blur")
    part = canvas[60:140, 60:140].astype(int)
    assert abs(np.diff(part, axis=1)).max() <= 8


@given(x=coordinate, y=coordinate, side=st.floats(0.5, 900))
@pytest.mark.parametrize("how", ["blur", "blank", "off"])
def test_any_face_anywhere_can_be_hidden(how: Hiding, x: float, y: float, side: float) -> None:
    canvas = image(320, 240, 90)
    canvas[::2] = 200
    before = canvas.copy()
    hide(canvas, [square(x, y, side)], how)
    changed = (canvas != before).any(axis=2)
    if how == "off":
        assert not changed.any()
    inside = Box(0, 0, 320, 240).iou(square(x, y, side))
    rows, columns = np.nonzero(changed)
    if len(rows):
        assert abs(columns - x).max() <= side + 2
        assert abs(rows - y).max() <= 1.1 * side + 2
    if how == "blank" and inside:
        assert changed.any()


def test_boxes_and_labels_are_drawn_over_what_is_hidden() -> None:
    face = seen(square(160, 120, 80))
    plain = annotate(image(320, 240, 90), result(0, [face]))
    hidden = annotate(image(320, 240, 90), result(0, [face]), hide_faces="blank")
    drawn = (plain != 90).any(axis=2)
    assert (hidden[drawn] != 72).any(axis=1).mean() > 0.8


def test_a_face_that_is_missed_for_a_moment_stays_hidden() -> None:
    painter = Painter(frozenset(), "blank")
    face = [seen(square(160, 120, 80))]

    def is_hidden(at: float, faces: list[object]) -> bool:
        frame = Frame(image(320, 240, 90), 0, at)
        return bool((painter.paint(frame, result(0, faces))[120, 160] == 72).all())  # type: ignore[arg-type]

    assert is_hidden(0.0, list(face))
    assert [is_hidden(at, []) for at in (0.1, 0.4, 0.5)] == [True, True, True]
    assert not is_hidden(0.6, [])


def test_a_face_that_is_found_is_hidden_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden: list[int] = []
    monkeypatch.setattr(
        "edge.vision.painter.draw", lambda *arguments: hidden.append(len(arguments[-1]))
    )
    painter = Painter(frozenset(), "blur")
    for index in range(10):  # it moves by a sixteenth of its side
        faces = [seen(square(100 + 5 * index, 120, 80))]
        painter.paint(Frame(image(320, 240), index, index / 30), result(index, faces))
    assert hidden == [1] * 10, "not where it was as well"


def test_of_one_photograph_nothing_is_hidden_in_the_next() -> None:
    painter = Painter(frozenset(), "blank")
    still = Frame(image(320, 240, 90), 0, 0.0, still=True)
    painter.paint(still, result(0, [seen(square(160, 120, 80))]))
    assert (painter.paint(still, result()) == 90).all()
