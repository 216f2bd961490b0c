"""One image, many frames, and a file on all cores."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge import Recognizer, annotate
from edge.analysis import Analyser, Analysis, Prefetch
from edge.assets import ASSETS, ASSETS_FOLDER
from edge.contract import Framing, ModelContract
from edge.errors import ContractError, ImageError, ModelFileError, SettingsError
from edge.events import Event
from edge.sources.demo import DemoSource, load_portraits
from edge.types import STAGES, Floats, Frame, FrameResult, Image, Outage
from edge.vision.pool import Pool
from edge.vision.search import WHOLE_ALONE, FaceSearch, Plan, SearchOptions
from tests.edge.clips import write_change
from tests.edge.fakes import (
    LABELS,
    FakeClassifier,
    FakeDetector,
    frames,
    image,
    outage,
    square,
)

NOTHING = FrameResult("", 0, 0.0, ())
CONTRACT = ModelContract(LABELS, 48, 48, 1, framings={"blazeface": Framing()})


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


def portrait(name: str) -> Image:
    picture = cv2.imread(str(ASSETS_FOLDER / ASSETS[name].file_name))
    return np.asarray(picture, np.uint8)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, r"None; cv2\.imread returns that"),
        ("photo.jpg", "str; read a file with cv2.imread"),
        (np.zeros((48, 48), np.uint8), r"uint8\[48, 48\]; convert it"),
        (np.zeros((48, 48, 3), np.float32), r"float32\[48, 48, 3\]"),
        (np.zeros((48, 0, 3), np.uint8), r"uint8\[48, 0, 3\]"),
        (np.zeros((48, 48, 4), np.uint8), r"uint8\[48, 48, 4\]"),
    ],
)
def test_what_is_no_image_is_refused(recognizer: Recognizer, given: Any, found: str) -> None:
    for use in (recognizer, lambda image: annotate(image, NOTHING)):
        with pytest.raises(ImageError, match=rf"uint8\[height, width, 3\] in BGR, found {found}"):
            use(given)


def test_what_no_setting_can_be_is_refused(recognizer: Recognizer) -> None:
    with pytest.raises(SettingsError, match="expected 0, 90, 180 or 270, found 45"):
        next(recognizer.stream(ASSETS_FOLDER / "astronaut.png", rotate=45))
    with pytest.raises(SettingsError, match="tracking: expected a Tracking, found dict"):
        Recognizer(tracking={"smoothing": 1.0})  # type: ignore[arg-type]
    for wrong in ({"overlay": "boxs"}, {"overlay": ("box",)}, {"hide_faces": True}):
        with pytest.raises(SettingsError, match=r"expected .*, found"):
            annotate(image(), NOTHING, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "label"), [("astronaut", "happy"), ("grace hopper", "neutral")])
def test_a_portrait_has_one_face_with_its_expression(
    recognizer: Recognizer, name: str, label: str
) -> None:
    result = recognizer(portrait(name))
    (face,) = result.faces
    assert face.label == label
    assert face.score == face.probabilities[label] == max(face.probabilities.values())
    assert set(face.probabilities) == set(recognizer.labels)
    assert (face.track_id, face.smoothed) == (None, None)
    assert face.shown == face.expression
    assert tuple(result.stage_ms) == STAGES


def test_an_image_without_a_face_has_a_result_too(recognizer: Recognizer) -> None:
    assert recognizer(image(320, 240, 120)).faces == ()


def test_the_faces_of_a_film_are_followed(recognizer: Recognizer) -> None:
    demo = DemoSource(load_portraits(), frames=30)
    results = [item[1] for item in recognizer.follow(demo) if not isinstance(item, Outage)]
    assert [result.index for result in results] == list(range(30))
    assert len({face.track_id for result in results for face in result.faces}) == 2
    for result in results:
        for face in result.faces:
            assert face.smoothed is not None
            assert face.smoothed.score == face.smoothed.probabilities[face.smoothed.label]


def test_another_source_has_other_people(recognizer: Recognizer) -> None:
    picture = portrait("astronaut")
    items = [Frame(picture, 0, 0.0, name) for name in ("a.mp4", "b.mp4")]
    first, second = (item[1].faces[0].track_id for item in recognizer.follow(items))
    assert first != second


def test_photographs_are_not_tracked(recognizer: Recognizer) -> None:
    items = [Frame(portrait("astronaut"), n, 0.0, f"{n}.jpg", still=True) for n in range(2)]
    results = [item[1] for item in recognizer.follow(items)]
    assert [face.track_id for result in results for face in result.faces] == [None, None]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_number_of_workers_changes_no_result(workers: int) -> None:
    demo = DemoSource(load_portraits(), frames=12)
    alone, several = (
        [item[1].to_dict()["faces"] for item in Recognizer(workers=n).follow(demo)]
        for n in (1, workers)
    )
    assert alone == several


def test_a_stream_of_a_picture_and_a_folder(recognizer: Recognizer, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), portrait("astronaut"))
    found = list(recognizer.stream(tmp_path / "a.png", tmp_path, rotate=180))
    assert [frame.source for frame, _ in found] == [
        "a.png",
        f"{tmp_path.name}/a.png",
        f"{tmp_path.name}/b.png",
    ]
    np.testing.assert_array_equal(found[0][0].image[0, 0], portrait("astronaut")[-1, -1])


def test_events_come_before_the_result_that_shows_them(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    write_change(tmp_path / "clip.mp4")
    told: list[Event] = []
    shown = {
        result.time: len(told)
        for _, result in recognizer.stream(tmp_path / "clip.mp4", on_event=told.append)
    }
    assert len(shown) == 60
    appeared, changed, left = told
    assert [event.kind for event in told] == ["appeared", "changed", "left"]
    assert (appeared.label, changed.before, changed.label) == ("happy", "happy", "neutral")
    assert len({event.track for event in told}) == 1
    assert {event.source for event in told} == {"clip.mp4"}
    assert next(time for time, count in shown.items() if count == 1) == appeared.time
    assert next(time for time, count in shown.items() if count == 2) == changed.time > 1.0
    assert max(shown) == left.time


def test_what_a_reaction_raises_ends_the_stream(recognizer: Recognizer, tmp_path: Path) -> None:
    write_change(tmp_path / "clip.mp4", 10)
    seen: list[float] = []

    def react(event: Event) -> None:
        raise ZeroDivisionError(event.kind)

    with pytest.raises(ZeroDivisionError, match="appeared"):
        seen.extend(
            frame.time for frame, _ in recognizer.stream(tmp_path / "clip.mp4", on_event=react)
        )
    assert max(seen) < 0.2
    assert len(list(recognizer.stream(tmp_path / "clip.mp4"))) == 20, "it can be used again"


def test_a_result_is_a_line_of_the_records(recognizer: Recognizer) -> None:
    demo = DemoSource(load_portraits(), frames=1)
    ((_, result),) = recognizer.follow(demo)
    line = result.to_dict()
    assert (line["source"], line["time"], line["frame"]) == ("demo", 0.0, 0)
    face = line["faces"][0]
    assert set(face) == {
        *("track", "box", "key_points", "detection_score", "label", "score", "certain"),
        *("probabilities", "smoothed"),
    }
    assert face["score"] == face["probabilities"][face["label"]]
    assert "wall_time" not in line


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"model": "none.tflite"}, ModelFileError),
        ({"detector": "haar"}, SettingsError),
        ({"threads": 0}, SettingsError),
    ],
)
def test_what_cannot_be_had_is_refused(
    arguments: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"expected .*found .*"):
        Recognizer(**arguments)  # type: ignore[arg-type]


def test_each_stage_has_its_own_time() -> None:
    class Slow(FakeClassifier):
        def classify(self, crops: NDArray[np.uint8]) -> Floats:
            time.sleep(0.02)
            return super().classify(crops)

    found = Analyser(FakeDetector(square(30, 20, 20)), Slow(), CONTRACT)(image(), WHOLE_ALONE)
    assert [face.box for face in found.faces] == [square(30, 20, 20)]
    assert tuple(found.stage_ms) == STAGES[:3]
    assert found.stage_ms["classify"] >= 20
    assert found.stage_ms["detect"] < 20


def test_a_detector_that_the_model_knows_no_framing_for_is_refused() -> None:
    class Other(FakeDetector):
        framing = "yunet"

    with pytest.raises(ContractError, match="framing for the detector 'yunet'"):
        Analyser(Other(), FakeClassifier(), CONTRACT)


def searching() -> FaceSearch:
    return FaceSearch(SearchOptions(min_face=0), FakeDetector())


def live_value(frame: Frame, first: bool) -> Analysis:
    return value_of(frame.image)


def value_of(picture: Image, plan: Plan = WHOLE_ALONE) -> Analysis:
    """An analysis that tells which image it is of."""
    return Analysis((), np.full((1, 1), picture[0, 0, 0], np.float32), {})


def values(items: Iterator[tuple[Frame, Analysis] | Outage]) -> list[int]:
    return [int(item[1].probabilities[0, 0]) for item in items if not isinstance(item, Outage)]


def test_prefetch_keeps_the_order_whatever_takes_how_long() -> None:
    def slow(picture: Image, plan: Plan) -> Analysis:
        time.sleep(0.002 * (picture[0, 0, 0] % 3))
        return value_of(picture)

    prefetch = Prefetch(Pool(lambda: slow), 3)
    assert values(prefetch(frames(20), searching(), live_value)) == list(range(20))
    prefetch.close()


def test_prefetch_works_on_as_many_frames_at_a_time_as_it_has_threads() -> None:
    together = threading.Barrier(3)

    def wait(picture: Image, plan: Plan) -> Analysis:
        if picture[0, 0, 0]:  # the first frame comes alone
            together.wait(timeout=5)  # broken, and so a failure, where fewer come
        return value_of(picture)

    prefetch = Prefetch(Pool(lambda: wait), 3)
    assert values(prefetch(frames(4), searching(), live_value)) == [0, 1, 2, 3]
    prefetch.close()


def test_prefetch_reads_no_further_than_it_must() -> None:
    read: list[int] = []

    def source() -> Iterator[Frame]:
        for frame in frames(50):
            read.append(frame.index)
            yield frame

    prefetch = Prefetch(Pool(lambda: value_of), 2)
    items = iter(prefetch(source(), searching(), live_value))
    next(items)
    assert read == [0]
    next(items)
    assert read == [0, 1, 2, 3, 4, 5]
    prefetch.close()


def test_few_large_frames_wait_at_a_time() -> None:
    read: list[int] = []
    large = np.broadcast_to(np.uint8(0), (5000, 8000, 3))

    def source() -> Iterator[Frame]:
        for index in range(5):
            read.append(index)
            yield Frame(large, index, 0.0, str(index), still=True)

    prefetch = Prefetch(Pool(lambda: value_of), 4)
    items = iter(prefetch(source(), searching(), live_value))
    for count in range(5):
        next(items)
        assert len(read) <= count + 2
    prefetch.close()


def test_live_frames_are_analysed_at_once_and_outages_pass() -> None:
    def refuse() -> None:
        pytest.fail("no thread is needed")

    gone = outage()
    items = [*frames(2, live=True), gone]
    prefetch = Prefetch(Pool(refuse), 2)  # type: ignore[arg-type]
    found = list(prefetch(items, searching(), live_value))
    assert found[2] is gone
    assert values(iter(found)) == [0, 1]


@pytest.mark.slow
@pytest.mark.parametrize("live", [False, True])
def test_one_stream_after_another_needs_no_more_memory(live: bool, recognizer: Recognizer) -> None:
    """Hundreds of files in one call: networks are kept, not opened for each."""
    demo = [replace(frame, live=live) for frame in DemoSource(load_portraits(), frames=12)]
    sizes = []
    for _ in range(12):
        assert len(list(recognizer.follow(iter(demo)))) == len(demo)
        status = Path("/proc/self/status").read_text()
        sizes.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
    # Room for one more detector: a scout may still look when the next stream begins.
    assert sizes[-1] - sizes[2] < 80
