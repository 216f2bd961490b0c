"""What is compared is measured in turn, and for as long as was promised."""

from __future__ import annotations

from itertools import groupby

import pytest

from benchmarks.turns import BLOCK, Scene, blocks, rotated, take_turns
from edge.frames import Frame, FrameResult
from tests.edge.fakes import frames


class Machine:
    """Scenes whose frames take so many milliseconds; it notes who had which turn."""

    def __init__(self) -> None:
        self.now = 0
        self.did: list[str] = []

    def scene(self, faces: int, milliseconds: float, first: float | None = None) -> Scene:
        """``first`` is of each frame of the first block."""
        slow = milliseconds if first is None else first
        pipeline = Pipeline(self, f"frame {faces}", [slow] * BLOCK, milliseconds)
        beside = {"network": lambda: self.spend(f"network {faces}", 0.5)}
        return Scene(faces, [f.image for f in frames(2)], pipeline, beside, 2, lambda: self.now)

    def spend(self, what: str, milliseconds: float) -> None:
        self.did.append(what)
        self.now += round(milliseconds * 1e6)

    @property
    def turns(self) -> list[str]:
        return [what for what, _ in groupby(self.did)]


class Pipeline:
    def __init__(self, machine: Machine, name: str, first: list[float], usual: float) -> None:
        self._machine, self._name, self._first, self._usual = machine, name, first, usual
        self.indices: list[int] = []

    def process(self, frame: Frame) -> FrameResult:
        self.indices.append(frame.index)
        self._machine.spend(self._name, self._first.pop() if self._first else self._usual)
        return FrameResult(frame.index, frame.captured_at, (), {"detect": 0.25})


def test_each_has_its_block_and_its_networks_in_every_round() -> None:
    machine = Machine()
    scenes = [machine.scene(1, 2.0, first=9.0), machine.scene(5, 6.0)]
    take_turns(scenes, 2, 100)
    one, five = ["frame 1", "network 1"], ["frame 5", "network 5"]
    assert machine.turns == [*one, *five, *one, *five, *five, *one]
    first, second = scenes
    assert first.frame_ms == [[2.0] * BLOCK] * 2, "what warmed up is not kept"
    assert second.frame_ms == [[6.0] * BLOCK] * 2
    assert first.beside_ms == second.beside_ms == {"network": [[0.5] * 2] * 2}
    assert first.stage_ms == {"detect": [[0.25] * BLOCK] * 2}
    assert first.pipeline.indices == list(range(3 * BLOCK))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("warm_up", "seconds", "rounds"),
    [(10.0, 100, 40), (10.0, 1.0, 4), (4000.0, 1.0, 4), (10.0, 0.1, 2)],
)
def test_the_time_of_each_is_its_own_without_the_warm_up(
    warm_up: float, seconds: float, rounds: int
) -> None:
    """A block of the quicker one takes 0.25 s, of the other 1.25 s."""
    machine = Machine()
    scenes = [machine.scene(1, 10.0, first=warm_up), machine.scene(5, 50.0)]
    take_turns(scenes, 40, seconds)
    assert [len(scene.frame_ms) for scene in scenes] == [rounds] * 2


def test_rounds_have_as_many_frames_at_the_least() -> None:
    assert [blocks(count) for count in (1, 50, 51, 1000, 1001)] == [2, 2, 3, 40, 41]


@pytest.mark.parametrize("items", ["", "a", "abcd"])
def test_each_is_once_at_each_place(items: str) -> None:
    orders = [rotated(items, number) for number in range(len(items))]
    places = [set(column) for column in zip(*orders, strict=True)]
    assert places == [set(items)] * len(items)
