"""BlazeFace finds the faces that are there, and its geometry holds for any frame."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.assets import ASSETS, ASSETS_FOLDER
from edge.errors import DetectorError
from edge.protocols import Window
from edge.types import Box, Image
from edge.vision.blazeface import BlazeFace, Letterbox, anchors, weighted_nms
from edge.vision.interpreter import runtime_name
from edge.vision.windows import sample

# Drawn over the portraits and looked at: from the eyebrows to the chin, ear to ear.
FACES = [
    ("astronaut", Box(177.6, 82.9, 272.9, 178.2)),
    ("grace hopper", Box(171.4, 146.9, 365.8, 341.4)),
]
SIDES = st.integers(1, 300)


def portrait(name: str) -> Image:
    return np.asarray(cv2.imread(str(ASSETS_FOLDER / ASSETS[name].file_name)), np.uint8)


@pytest.fixture(scope="module")
def detector() -> BlazeFace:
    return BlazeFace()


@pytest.mark.parametrize(("name", "box"), FACES)
def test_finds_the_face_of_a_portrait(name: str, box: Box) -> None:
    (face,) = BlazeFace().detect(portrait(name))
    assert face.box.iou(box) > 0.99
    assert 0.85 < face.score < 1
    right_eye, left_eye, nose, mouth, right_ear, left_ear = face.key_points
    assert right_ear[0] < right_eye[0] < nose[0] < left_eye[0] < left_ear[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < mouth[1] < face.box.bottom


@pytest.mark.tflite_runtime
@pytest.mark.parametrize(("name", "box"), FACES)
def test_finds_the_same_with_tflite_runtime(name: str, box: Box) -> None:
    assert runtime_name() == "tflite-runtime 2.14.0"
    (face,) = BlazeFace().detect(portrait(name))
    assert face.box.iou(box) > 0.99


@pytest.mark.tflite_runtime
def test_the_command_line_runs_with_tflite_runtime_and_opencv_4(repository: Path) -> None:
    command = [sys.executable, "-m", "edge", "run", "demo", "--frames", "3", "--display", "off"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert "interpreter  tflite-runtime 2.14.0" in done.stdout


def test_a_score_below_the_threshold_is_no_face() -> None:
    image = portrait("astronaut")
    (face,) = BlazeFace().detect(image)
    assert BlazeFace(min_score=face.score - 0.01).detect(image)
    assert not BlazeFace(min_score=face.score + 0.01).detect(image)


def test_the_best_face_comes_first(detector: BlazeFace) -> None:
    pair = np.hstack([portrait("astronaut")[:300, 75:375], portrait("grace hopper")[100:400]])
    scores = [face.score for face in detector.detect(pair)]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)


def test_a_portrait_of_any_shape_keeps_its_face(detector: BlazeFace) -> None:
    """Landscape, then portrait, then landscape again: nothing of the last frame stays behind."""
    image = portrait("astronaut")[:300, 75:375]
    (expected,) = detector.detect(image)
    wide, tall = np.full((300, 500, 3), 128, np.uint8), np.full((500, 300, 3), 128, np.uint8)
    wide[:, 100:400], tall[100:400] = image, image
    for frame, dx, dy in ((wide, 100, 0), (tall, 0, 100), (wide, 100, 0), (image, 0, 0)):
        (face,) = detector.detect(frame)
        box = face.box
        moved = Box(box.left - dx, box.top - dy, box.right - dx, box.bottom - dy)
        assert moved.iou(expected.box) > 0.8


def test_any_memory_layout_gives_the_same(detector: BlazeFace) -> None:
    image = portrait("astronaut")
    padded = np.zeros((600, 700, 3), np.uint8)
    padded[20:532, 30:542] = image
    views = [
        padded[20:532, 30:542],
        image[::-1][::-1],
        np.asfortranarray(image),
        np.ascontiguousarray(image[..., ::-1])[..., ::-1],
        np.ascontiguousarray(image[:, ::-1])[:, ::-1],
    ]
    (expected,) = detector.detect(image)
    for view in views:
        (face,) = detector.detect(view)
        assert face.box == expected.box


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 500), (500, 1), (2, 3), (1, 32_766), (32_766, 1), (4320, 7680)]
)
def test_nothing_is_found_in_darkness_of_any_shape(
    detector: BlazeFace, shape: tuple[int, int]
) -> None:
    assert not detector.detect(np.zeros((*shape, 3), np.uint8))


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 32_767), (32_767, 1)])
def test_a_frame_that_cannot_be_sampled_is_named(
    detector: BlazeFace, shape: tuple[int, int]
) -> None:
    with pytest.raises(DetectorError, match=rf"found {shape[1]}×{shape[0]}"):
        detector.detect(np.zeros((*shape, 3), np.uint8))


@given(SIDES, SIDES, st.sampled_from([128, 192]))
def test_the_square_lies_around_the_middle_of_the_frame(height: int, width: int, size: int) -> None:
    corners = Letterbox(height, width, size).to_frame(np.array([[[0, 0], [1, 1]]], np.float32))[0]
    np.testing.assert_allclose(corners.mean(axis=0), [width / 2, height / 2], atol=1e-3)
    np.testing.assert_allclose(corners[1] - corners[0], max(height, width), rtol=1e-6)


@given(SIDES, SIDES, st.integers(0, 2**32 - 1))
@example(48, 64, 0)  # whole positions alone
def test_the_square_holds_what_its_inverse_says(height: int, width: int, seed: int) -> None:
    """Each pixel is the frame's, read where ``to_frame`` puts it; outside it is black."""
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    box, size = Letterbox(height, width, 16), 16
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    places = box.to_frame(np.asarray(np.stack([x, y], axis=-1) / size, np.float32))
    expected = bilinear(image[..., ::-1].astype(float), places) / 127.5 - 1
    # Interpolation in 1/32 of a pixel and in whole grey values, as OpenCV does it.
    np.testing.assert_allclose(box.sample(image)[0], expected, atol=0.07)


def bilinear(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Read ``[H, W, C]`` at ``places`` ``[..., 2]`` (x, y); beyond the image there are zeros."""
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    limits = np.array([image.shape[1], image.shape[0]])
    inside = np.all((places > -1) & (places < limits), axis=-1)[..., np.newaxis]
    places = np.clip(places, -1, limits - 1e-6) + 1
    whole = np.floor(places).astype(int)
    (fx, fy), (x, y) = (
        np.moveaxis(places - whole, -1, 0)[..., np.newaxis],
        np.moveaxis(whole, -1, 0),
    )
    top = padded[y, x] * (1 - fx) + padded[y, x + 1] * fx
    bottom = padded[y + 1, x] * (1 - fx) + padded[y + 1, x + 1] * fx
    return np.where(inside, top * (1 - fy) + bottom * fy, 0)


def test_the_square_is_rgb_in_minus_one_to_one_with_a_black_border() -> None:
    blue = np.zeros((10, 20, 3), np.uint8)
    blue[..., 0] = 255
    square = Letterbox(10, 20, 128).sample(blue)[0]
    np.testing.assert_allclose(square[64, 64], [-1, -1, 1], rtol=1e-6)
    np.testing.assert_array_equal(square[10, 64], [-1, -1, -1])


def test_anchors_are_the_centres_of_their_cells() -> None:
    centres = anchors(128, 256)
    assert centres.shape == (2 * 896, 2)
    np.testing.assert_allclose(centres[[0, 2, 64]], [[4, 4], [12, 4], [4, 12]])
    np.testing.assert_allclose(centres[-1], [248, 120])
    np.testing.assert_allclose(centres.mean(axis=0), [128, 64], rtol=1e-5)


def test_a_window_of_the_published_size_is_the_frame_as_published(detector: BlazeFace) -> None:
    image = portrait("astronaut")
    (whole,) = detector.detect(image)
    (face,) = detector.look(image, Window(0, 0, 512, 512, 128, 128), 0.5)
    assert face.box.iou(whole.box) > 0.95  # sampled without MediaPipe's aliasing


@pytest.mark.parametrize("columns", [64, 96, 200, 256])
def test_a_window_of_any_size_finds_the_same_face(detector: BlazeFace, columns: int) -> None:
    """The network is convolutional: its input may have another size than it was published with."""
    image = portrait("astronaut")
    (whole,) = detector.detect(image)
    face, *_ = detector.look(image, Window(125, 30, 200, 200, columns, columns), 0.5)
    assert face.box.iou(whole.box) > 0.75  # larger: more of its input is face
    assert np.hypot(*(face.key_points - whole.key_points)[:4].T).max() < 0.1 * whole.box.width


def test_the_mirror_image_has_the_same_face(detector: BlazeFace) -> None:
    image, window = portrait("grace hopper"), Window(100, 80, 340, 340, 96, 96)
    (plain,) = detector.look(image, window, 0.5)
    (mirrored,) = detector.look(image, window._replace(mirrored=True), 0.5)
    assert mirrored.box.iou(plain.box) > 0.85
    assert np.hypot(*(mirrored.key_points - plain.key_points).T).max() < 0.1 * plain.box.width


def test_two_neighbours_in_a_window_stay_two(detector: BlazeFace) -> None:
    face = cv2.resize(portrait("astronaut")[60:205, 150:295], (48, 48))
    image = np.full((128, 192, 3), 128, np.uint8)
    image[40:88, 48:96] = image[40:88, 96:144] = face
    assert len(detector.look(image, Window(0, 0, 192, 128, 192, 128), 0.5)) == 2


def test_beyond_the_frame_a_window_is_black(detector: BlazeFace) -> None:
    assert detector.look(portrait("astronaut"), Window(-999, 0, 100, 100, 64, 64), 0.5) == ()


@given(st.floats(-30, 70), st.floats(-30, 70), st.floats(8, 120), st.integers(8, 40), st.booleans())
def test_a_window_reads_the_frame_where_it_says(
    left: float, top: float, side: float, pixels: int, mirrored: bool
) -> None:
    """A picture that grows evenly to the right and downwards shows where each pixel was read."""
    size = 200
    ramp = np.arange(size, dtype=np.uint8)
    image = np.zeros((size, size, 3), np.uint8)
    image[..., 0], image[..., 1] = ramp, ramp[:, np.newaxis]
    image[..., 2] = 255
    shown = sample(image, Window(left, top, side, side, pixels, pixels, mirrored)).astype(float)
    steps = np.arange(pixels)[:: -1 if mirrored else 1] * side / pixels
    inside = shown[..., 2] > 254
    x, y = np.meshgrid(left + steps, top + np.arange(pixels) * side / pixels)
    step = max(side / pixels, 1)
    np.testing.assert_allclose(shown[..., 0][inside], x[inside], atol=1.1 * step)
    np.testing.assert_allclose(shown[..., 1][inside], y[inside], atol=1.1 * step)


@st.composite
def detections(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    count = draw(st.integers(1, 12))
    units = st.integers(0, 256).map(lambda n: n / 256)  # areas that float32 can hold
    points = draw(arrays(np.float32, (count, 8, 2), elements=units))
    points[:, :2].sort(axis=1)
    ranks = draw(st.permutations(range(1, count + 1)))
    return points, np.array(ranks, np.float32) / 13


def merge(
    points: np.ndarray, scores: np.ndarray, max_overlap: float
) -> tuple[np.ndarray, np.ndarray]:
    """``weighted_nms`` from arrays to arrays: the points and the scores of the faces."""
    faces = weighted_nms(points, scores.tolist(), max_overlap)
    corners = [[(box.left, box.top), (box.right, box.bottom)] for box in (f.box for f in faces)]
    key_points = [face.key_points for face in faces]
    merged = np.concatenate([np.array(corners, np.float32), np.array(key_points)], axis=1)
    return merged, np.array([face.score for face in faces], np.float32)


@given(detections(), st.sampled_from([0.1, 0.3, 0.7]))
def test_merging_keeps_its_promises(
    found: tuple[np.ndarray, np.ndarray], max_overlap: float
) -> None:
    points, scores = found
    merged, best = merge(points, scores, max_overlap)
    assert 1 <= len(merged) == len(best) <= len(points)
    assert best[0] == scores.max()
    assert set(best) <= set(scores)
    assert np.all(np.diff(best) < 0)
    assert np.all(merged >= points.min(axis=0) - 1e-6)
    assert np.all(merged <= points.max(axis=0) + 1e-6)
    order = np.argsort(scores)
    again, best_again = merge(points[order], scores[order], max_overlap)
    np.testing.assert_allclose(again, merged, atol=1e-5)
    np.testing.assert_array_equal(best_again, best)


@given(detections())
def test_faces_apart_stay_as_they_are(found: tuple[np.ndarray, np.ndarray]) -> None:
    points, scores = found
    points = points + 2 * np.arange(len(points), dtype=np.float32)[:, np.newaxis, np.newaxis]
    merged, best = merge(points, scores, 0.3)
    order = np.argsort(-scores)
    np.testing.assert_allclose(merged, points[order], rtol=1e-6)
    np.testing.assert_array_equal(best, scores[order])


def test_the_same_face_twice_is_averaged_by_score() -> None:
    points = np.zeros((2, 8, 2), np.float32)
    points[:, 1] = 1
    points[1, 2:] = 1
    merged, best = merge(points, np.array([0.6, 0.9], np.float32), 0.3)
    assert best.tolist() == [np.float32(0.9)]
    np.testing.assert_allclose(merged[0, 2:], 0.6)
