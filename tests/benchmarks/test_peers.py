"""The comparison with other packages, with adapters that are made up."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import WorkerError
from benchmarks.peers import measure
from benchmarks.peers.measure import Faces
from benchmarks.peers.registry import OURS, PEERS, Peer
from benchmarks.peers.worker import Worker
from benchmarks.process import Process
from train.layout import EXPRESSIONS

FACES = Faces(
    np.zeros((4, 48, 48), np.uint8),
    np.array([0, 3, 3, 5]),
    np.array([0, 3, -1, -1]),
    np.array([True, False, False, False]),
)
STAND_IN = """
import sys
import time
from benchmarks.peers.worker import Worker
from benchmarks.serving import replies, serve

class Adapter:
    def recognise(self, image):
        time.sleep(0.001)
        return 1
    def label(self, face):
        return sys.argv[1]

stream, worker = replies(), Worker(Adapter())
serve({"frames": worker.frames, "faces": worker.faces,
       "version": lambda package: {"version": "1.2"}}, sys.stdin, stream)
"""


def peer(name: str, word: str) -> Peer:
    return Peer(name, "package", Path("none"), "stand_in", (word,))


def start(peer: Peer) -> Process:
    if peer.arguments == ("none",):
        raise WorkerError("no environment")
    return Process((sys.executable, "-c", STAND_IN, *peer.arguments))


def test_all_are_measured_and_one_that_fails_leaves_the_others_alone() -> None:
    peers = [peer("good", "Happiness"), peer("gone", "none"), peer("odd", "bored")]
    result = measure.measure(FACES, 1, peers, 0.01, start)
    good, gone, odd = result.rows
    assert (good.error, good.version, good.found) == (None, "1.2", 1)
    assert good.frames >= 12
    assert good.fps == pytest.approx(1e3 / good.p50_ms, rel=2)
    assert (good.top1, good.top1_without_copies, good.votes_top1) == (0.5, 0.66667, 0.5)
    assert good.start_s > 0
    assert (gone.error, gone.fps, gone.top1) == ("no environment", None, None)
    assert "found bored" in odd.error
    assert odd.fps is not None
    assert result.frame_size == (640, 360)


def test_without_images_there_is_no_accuracy() -> None:
    (row,) = measure.measure(None, 1, [peer("good", "sad")], 0.01, start).rows
    assert (row.error, row.top1) == (None, None)


@pytest.mark.parametrize(
    ("word", "label"), [("Anger", "angry"), ("SURPRISED", "surprise"), ("neutral", "neutral")]
)
def test_words_are_mapped_by_name(word: str, label: str) -> None:
    labels = np.array([EXPRESSIONS.index(label)] * 4)
    assert replace(FACES, labels=labels).scores([word] * 4)["top1"] == 1


class SlowAdapter:
    """Takes ten milliseconds a frame by the clock that it moves; streams."""

    def __init__(self) -> None:
        self.now = 0
        self.seen: list[int] = []

    def stream(self, images: list[np.ndarray]) -> Iterator[int]:
        for image in images:
            self.now += 10_000_000
            self.seen.append(int(image))
            yield 2


def test_a_block_goes_on_with_the_next_frame_until_its_time_is_over(tmp_path: Path) -> None:
    paths = []
    for number in range(5):
        np.save(tmp_path / f"{number}.npy", np.array(number))
        paths.append(str(tmp_path / f"{number}.npy"))
    adapter = SlowAdapter()
    worker = Worker(adapter, lambda: adapter.now)
    reply = worker.frames(paths, 0.1)
    assert reply == {"ms": [10.0] * 12, "found": [2] * 12}
    worker.frames(paths, 0)
    assert adapter.seen == list(itertools.islice(itertools.cycle(range(5)), 24))


def test_a_video_has_its_frames_and_its_seconds() -> None:
    class Films(SlowAdapter):
        def video(self, path: str) -> int:
            self.now += 3_000_000_000
            return len(path)

    adapter = Films()
    reply = Worker(adapter, lambda: adapter.now).video("clip.mp4")
    assert reply == {"frames": 8, "seconds": 3.0}


def test_every_row_has_its_environment_and_adapter(repository: Path) -> None:
    assert len({each.name for each in (*OURS, *PEERS)}) == len(OURS) + len(PEERS)
    for each in (*OURS, *PEERS):
        assert (repository / "benchmarks/peers/adapters" / f"{each.adapter}.py").is_file()
    for each in PEERS:
        assert (repository / "requirements/peers" / f"{each.environment.name}.txt").is_file()


def test_an_environment_that_is_not_there_is_one_line() -> None:
    with pytest.raises(WorkerError, match="expected the Python of an environment"):
        measure.start(peer("gone", "x"))


@pytest.mark.slow
def test_ours_takes_frames_one_by_one_and_as_a_files(repository: Path) -> None:
    from benchmarks.frames import demo_images
    from benchmarks.peers.adapters.ours import Adapter, FileAdapter

    images = demo_images(1, 6)
    for kind in (Adapter, FileAdapter):
        adapter = kind(str(repository / OURS[0].arguments[0]))
        assert list(adapter.stream(images)) == [1] * 6
        assert list(adapter.stream(images[:2])) == [1] * 2
        assert adapter.label(np.full((48, 48), 90, np.uint8)) in EXPRESSIONS
