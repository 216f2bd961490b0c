"""The loop over frames in memory, one network at a time and several. No time is asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import throughput
from benchmarks.memory import Memory, demo
from benchmarks.reference import CALLS
from edge.assembly import look_ahead, networks_at_once
from edge.classifier import Crew, TFLiteClassifier
from edge.frames import Frame
from edge.settings import Settings
from edge.sources.wrappers import Announcing
from tests.edge.fakes import FakeDetector, FakeSource, frames, square
from train.recipes import DEPLOYED, model_path


@pytest.fixture(scope="module")
def content(repository: Path) -> bytes:
    return (repository / model_path(DEPLOYED)).with_suffix(".tflite").read_bytes()


def test_each_number_of_faces_has_a_row_for_each_number_of_networks(content: bytes) -> None:
    images = {faces: demo(faces, 3) for faces in (0, 2)}
    rows, samples = throughput.measure(content, images, 2)
    networks = sorted({1, networks_at_once(Settings())})
    assert [(row["faces"], row["networks"]) for row in rows] == [
        (faces, count) for faces in (0, 2) for count in networks
    ]
    for row, sample in zip(rows, samples, strict=True):
        low, high = row["fps_interval"]
        assert 0 < low <= row["fps"] <= high
        assert (sample["threads"], len(sample["fps"])) == (row["networks"], 2)
        assert len(sample["pace_ms"]) == 2 * CALLS


class Contender:
    """Notes when it had its turn; ``pace`` is what a round notes beside it."""

    def __init__(self, name: str, turns: list[str]) -> None:
        self.name, self.turns = name, turns
        self.fps: list[float] = []
        self.pace = self

    def take(self, images: object = None) -> float:
        self.turns += [self.name] if images else []
        return float(len(self.turns))


def test_another_is_first_in_each_round() -> None:
    turns: list[str] = []
    one, two = (Contender(name, turns) for name in "ab")
    throughput.in_turn([one, two], demo(0, 1), 3)  # type: ignore[list-item]
    assert "".join(turns) == "ab" + "baabba"
    assert (one.fps, two.fps) == ([4, 5, 8], [3, 6, 7]), "and not what warmed up"


def test_memory_gives_every_image_each_time() -> None:
    images = [frame.image for frame in frames(3)]
    with Memory(images) as source:
        given = [*source, *source]
    assert [frame.index for frame in given] == list(range(6))
    assert all(frame.image is images[frame.index % 3] for frame in given)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(parallel=1),
        Settings(parallel=2, detect_every=2),
        Settings(parallel=2, budget=5),
        Settings(parallel=2, detector="mediapipe"),
    ],
)
def test_nothing_is_looked_at_ahead_where_that_would_cost(
    content: bytes, settings: Settings
) -> None:
    source, crew = FakeSource([]), Crew(lambda _: TFLiteClassifier(content, "m"), 1)
    assert look_ahead(source, FakeDetector(), crew, settings)[0] is source


def test_a_file_is_looked_at_ahead(content: bytes) -> None:
    crew = Crew(lambda _: TFLiteClassifier(content, "m"), 2)
    source, pipeline = look_ahead(
        FakeSource(frames(3)), FakeDetector(square(30, 20, 10)), crew, Settings(parallel=2)
    )
    assert isinstance(source, Announcing)
    results = [pipeline.process(frame) for frame in source if isinstance(frame, Frame)]
    assert [result.index for result in results] == [0, 1, 2]
