"""What is measured of peers that run, and of those that don't. No time is asserted."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import WorkerError
from benchmarks.memory import demo
from benchmarks.peers.adapters.expressions import FileAdapter
from benchmarks.peers.measure import Effort, Faces, measure
from benchmarks.peers.process import PeerProcess
from benchmarks.peers.registry import OF_A_FILE, OURS, Peer
from benchmarks.peers.worker import Worker
from train.data import LABELS

from .conftest import MakePeer

BRIGHT = """
import numpy as np
print("a package that talks")
class Adapter:
    WORDS = ("Anger", "disgust", "fear", "happy", "neutral", "sadness", "Surprised")
    def __init__(self, argument):
        assert argument == "given"
    def recognise(self, image):
        assert image.shape == (4, 6, 3)
        print("No face detected")
        return int(image.max() > 100)
    def label(self, face):
        assert face.shape == (48, 48)
        return self.WORDS[face[0, 0]]
"""
BROKEN = "raise ImportError('libGL.so.1: not there')"
DIES = BRIGHT + "    def label(self, face): raise ValueError('48 is too small')"
FOREIGN = BRIGHT + "    def label(self, face): return 'contempt'"
SLEEPS = BRIGHT + "    def label(self, face): import time; time.sleep(60)"
NOTES = """
class Adapter:
    def __init__(self, argument):
        pass
    def recognise(self, image):
        with open("{notes}", "a") as notes:
            notes.write("{name}")
        return 1
"""
FRAMES = [np.full((4, 6, 3), level, np.uint8) for level in (0, 200, 200, 200)]
EFFORT = Effort(rounds=4, seconds=0, starts=2)


@pytest.fixture
def faces() -> Faces:
    """One of each class; the peer's answer to the second is wrong, and that is a copy."""
    labels = np.arange(len(LABELS))
    images = np.zeros((len(labels), 48, 48), np.uint8)
    images[:, 0, 0] = [0, 0, *labels[2:]]
    voted = np.where(labels < 2, -1, labels)
    return Faces(images, labels, voted, labels == 1)


def test_a_peer_is_measured_by_its_own_words(make_peer: MakePeer, faces: Faces) -> None:
    said: list[str] = []
    (row,) = measure([make_peer("bright", BRIGHT)], FRAMES, faces, EFFORT, said.append)
    assert row["error"] is None
    assert row["version"] == np.__version__
    assert (row["frames"], row["found"]) == (4, 0.75)
    assert row["accuracy"]["top1"] == pytest.approx(6 / 7)
    assert row["accuracy"]["top1_without_copies"] == 1
    # angry has precision 1/2 and recall 1, disgust neither, the other five both.
    assert row["accuracy"]["macro_f1"] == pytest.approx((2 / 3 + 0 + 5) / 7)
    assert row["accuracy"]["votes"]["top1"] == 1
    assert min(row["fps"], row["start_s"], row["memory_mb"], row["frame_ms"]["p50"]) > 0
    assert 0 < row["environment_mb"] < 0.1
    assert said[0] == "starting bright …"
    json.dumps(row)


def test_one_that_fails_keeps_what_it_had_and_leaves_the_others(
    make_peer: MakePeer, faces: Faces
) -> None:
    peers = [
        make_peer("broken", BROKEN),
        make_peer("dies", DIES),
        make_peer("foreign", FOREIGN),
        Peer("absent", "absent", Path("no/such/place"), "absent"),
        make_peer("bright", BRIGHT),
    ]
    rows = {row["name"]: row for row in measure(peers, FRAMES, faces, EFFORT, lambda _: None)}
    assert "libGL.so.1" in rows["broken"]["error"]
    assert rows["broken"]["fps"] is None
    assert "48 is too small" in rows["dies"]["error"]
    assert rows["dies"]["fps"] > 0
    assert rows["dies"]["accuracy"] is None
    assert "'contempt'" in rows["foreign"]["error"]
    assert "make bench-peers" in rows["absent"]["error"]
    assert rows["absent"]["environment_mb"] is None
    assert rows["bright"]["error"] is None


def test_without_the_data_set_there_is_no_accuracy(make_peer: MakePeer) -> None:
    (row,) = measure([make_peer("bright", BRIGHT)], FRAMES, None, EFFORT, lambda _: None)
    assert (row["error"], row["accuracy"]) == (None, None)


def test_another_is_first_in_each_round(make_peer: MakePeer, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    peers = [make_peer(name, NOTES.format(notes=notes, name=name)) for name in "abc"]
    rows = measure(peers, FRAMES, None, Effort(rounds=2, seconds=0, starts=1), lambda _: None)
    assert [row["error"] for row in rows] == [None] * 3
    assert notes.read_text() == "abc" + "abcbca" + "cababc", "after each has started"


def test_one_that_hangs_is_ended(make_peer: MakePeer, tmp_path: Path, faces: Faces) -> None:
    np.save(tmp_path / "faces.npy", faces.images)
    with (
        PeerProcess(make_peer("sleeps", SLEEPS), limit=2) as process,
        pytest.raises(WorkerError, match="ended with -9 after at most 2 s"),
    ):
        process.ask("faces", path=str(tmp_path / "faces.npy"))


@pytest.mark.parametrize(
    ("script", "limit", "said"),
    [
        ("echo hello; read line", 60, r"^expected an answer of its process, .*found 'hello\\n'"),
        ("printf half; exec sleep 60", 0.5, r"^its process ended with -9 after at most 0\.5 s"),
    ],
)
def test_what_is_no_whole_answer_is_said_without_the_name_that_its_row_has(
    tmp_path: Path, script: str, limit: float, said: str
) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    with (
        PeerProcess(Peer("loud", "", tmp_path, "none"), limit) as process,
        pytest.raises(WorkerError, match=said),
    ):
        process.ask("version", package="numpy")


def test_a_turn_is_of_time_and_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{level}.npy") for level in range(4)]
    for level, path in enumerate(paths):
        np.save(path, np.full((4, 6, 3), level, np.uint8))
    now = [0]

    class Slow:
        def recognise(self, image: np.ndarray) -> int:
            now[0] += 20_000_000
            return int(image.max())

        def label(self, face: np.ndarray) -> str:
            raise AssertionError

    worker = Worker(Slow(), lambda: now[0])
    assert worker.frames(paths, 0.05) == {"ms": [20, 20, 20], "found": [0, 1, 2]}
    assert worker.frames(paths, 0) == {"ms": [20], "found": [3]}
    assert worker.frames(paths, 0) == {"ms": [20], "found": [0]}


def test_our_frames_of_a_file_are_looked_at_ahead(repository: Path) -> None:
    peer = next(peer for peer in OURS if peer.name == OF_A_FILE)
    model, images = repository / peer.arguments[0], demo(1, 5)
    adapter = FileAdapter(str(model))
    for _ in range(2):
        assert list(adapter.stream(images)) == [1] * 5
    # A turn ends in the middle: what was begun by then is not taken for what comes next.
    assert list(itertools.islice(adapter.stream(images), 2)) == [1, 1]
    assert list(adapter.stream(demo(0, 3))) == [0] * 3
