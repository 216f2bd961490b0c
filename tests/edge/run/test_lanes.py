"""Several sources in one run: files one after the other, live ones side by side."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Generator, Iterable, Iterator

import pytest

from edge.errors import SourceError, SourceLostError
from edge.run.lanes import Item, Lane, Lanes, paced
from edge.types import Frame, Outage
from tests.edge.fakes import FakeSource, frames, outage, result


def follow(items: Iterable[Frame | Outage]) -> Generator[Item]:
    """A recognizer that finds nobody."""
    for item in items:
        yield item if isinstance(item, Outage) else (item, result(item.index))


def named(name: str, count: int = 3, lost: bool = False) -> FakeSource:
    return FakeSource(frames(count, source=name), lost, name=name)


def seen(items: Iterable[Item]) -> list[tuple[str, int]]:
    return [(item[0].source, item[0].index) for item in items if isinstance(item, tuple)]


def test_files_follow_one_another_and_each_is_closed_before_the_next() -> None:
    sources = [named("a"), named("b")]
    lanes = Lanes(Lane(sources, follow, (0.5, 0.5)))
    for item in lanes.results():
        assert isinstance(item, tuple)
        if item[0].source == "b":
            assert sources[0].closed
    assert sources[1].closed
    assert seen(Lanes(Lane([named("a", 2), named("b", 1)], follow, (0.5, 0.5))).results()) == [
        ("a", 0),
        ("a", 1),
        ("b", 0),
    ]


def test_the_share_that_is_done_is_that_of_all_files() -> None:
    half = [Frame(f.image, f.index, f.time, "x", done=0.5) for f in frames(1)]
    lane = Lane([FakeSource(half), FakeSource(half)], follow, (0.8, 0.2))
    done = [item[0].done for item in Lanes(lane).results() if isinstance(item, tuple)]
    assert done == pytest.approx([0.4, 0.9])


def test_the_only_source_that_fails_raises_after_what_it_gave() -> None:
    source, given = named("a", lost=True), []
    with pytest.raises(SourceLostError):
        given.extend(Lanes(Lane([source], follow)).results())
    assert source.closed


def test_one_of_several_that_fails_is_logged_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lanes = Lanes(Lane([named("a", 1, lost=True), named("b", 1)], follow, (0.5, 0.5)))
    assert seen(lanes.results()) == [("a", 0), ("b", 0)]
    assert caplog.messages == ["fake: lost"]
    assert lanes.exit_code == SourceLostError.exit_code


def test_live_sources_run_side_by_side() -> None:
    """Neither gets further than the other needs to be seen: each waits for the other's frame."""
    turn = threading.Barrier(2, timeout=10)

    def together(name: str) -> Iterator[Frame]:
        for frame in frames(5, source=name):
            turn.wait()
            yield frame

    sources = [FakeSource(together(name), name=name) for name in ("camera 0", "camera 1")]
    found = seen(Lanes(live=[Lane([source], follow) for source in sources]).results())
    assert Counter(name for name, _ in found) == {"camera 0": 5, "camera 1": 5}
    for name in ("camera 0", "camera 1"):
        assert [index for source, index in found if source == name] == [0, 1, 2, 3, 4]
    assert all(source.closed for source in sources)


def test_leaving_closes_every_lane() -> None:
    sources = [FakeSource(itertools.repeat(frames(1)[0]), name=name) for name in ("a", "b")]
    results = Lanes(live=[Lane([source], follow) for source in sources]).results()
    assert len(list(itertools.islice(results, 10))) == 10
    results.close()
    assert all(source.closed for source in sources)
    assert not [thread for thread in threading.enumerate() if thread.name == "lane"]


def test_a_lane_that_fails_leaves_the_other_alone(caplog: pytest.LogCaptureFixture) -> None:
    lanes = Lanes(live=[Lane([named("a", 1, lost=True)], follow), Lane([named("b", 4)], follow)])
    assert sorted(seen(lanes.results())) == [("a", 0), *(("b", n) for n in range(4))]
    assert caplog.messages == ["fake: lost"]


def test_a_defect_in_a_lane_is_raised_where_the_results_are_read() -> None:
    def broken(items: Iterable[Frame | Outage]) -> Generator[Item]:
        raise ZeroDivisionError
        yield

    with pytest.raises(ZeroDivisionError):
        list(Lanes(live=[Lane([named("a")], broken), Lane([named("b")], follow)]).results())


def test_the_recognizer_is_left_before_its_source() -> None:
    order: list[str] = []

    def watched(items: Iterable[Frame | Outage]) -> Generator[Item]:
        try:
            yield from follow(items)
        finally:
            order.append("recognizer")

    class Noting(FakeSource):
        def __exit__(self, *_: object) -> None:
            order.append("source")

    results = Lanes(Lane([Noting([*frames(1), outage()])], watched)).results()
    next(results)
    results.close()
    assert order == ["recognizer", "source"]


def test_a_source_that_does_not_open_is_an_error() -> None:
    class Closed(FakeSource):
        def __enter__(self) -> Closed:
            raise SourceError("no camera")

    with pytest.raises(SourceError, match="no camera"):
        list(Lanes(Lane([Closed([])], follow)).results())


def test_a_stop_ends_a_source_and_no_further_one_is_opened() -> None:
    sources, stopped = [named("a"), named("b")], False
    lanes = Lanes(Lane(sources, follow, (0.5, 0.5)), stopped=lambda: stopped)
    results = lanes.results()
    assert seen(itertools.islice(results, 2)) == [("a", 0), ("a", 1)]
    stopped = True
    assert seen(results) == []
    assert sources[0].closed
    assert not sources[1].closed


def test_files_come_before_cameras() -> None:
    """So that pictures of the two never mix in a window or a recording."""
    live = [Lane([named(name)], follow) for name in ("camera 0", "camera 1")]
    found = seen(Lanes(Lane([named("a"), named("b")], follow, (0.5, 0.5)), live).results())
    assert [name for name, _ in found[:6]] == ["a"] * 3 + ["b"] * 3
    assert Counter(name for name, _ in found[6:]) == {"camera 0": 3, "camera 1": 3}


def test_photographs_go_through_one_prefetch() -> None:
    """One call of ``follow`` for all files: it has threads that must not start for each."""
    calls = []

    def counted(items: Iterable[Frame | Outage]) -> Generator[Item]:
        calls.append(1)
        return follow(items)

    sources = [named(f"{n}.jpg", 1) for n in range(9)]
    assert len(seen(Lanes(Lane(sources, counted, (1 / 9,) * 9)).results())) == 9
    assert len(calls) == 1


# Pace


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert 0 <= seconds <= 0.1
        self.now += seconds


def due(items: Iterable[Frame | Outage], work: float = 0.0) -> list[float]:
    clock, times = Clock(), []
    for _ in paced(follow(items), lambda: False, clock, clock.sleep):
        times.append(clock.now - 100)
        clock.now += work
    return times


def test_a_file_comes_at_its_own_pace() -> None:
    given = [*frames(4, fps=10), *frames(2, fps=5, source="b")]
    assert due(given) == pytest.approx([0, 0.1, 0.2, 0.3, 0.3, 0.5])
    assert due(frames(4, fps=10), work=0.04) == pytest.approx([0, 0.1, 0.2, 0.3])


def test_photographs_come_a_second_apart_and_live_frames_at_once() -> None:
    stills = [frame for n in range(3) for frame in frames(1, source=f"{n}.jpg", still=True)]
    assert due(stills) == pytest.approx([0, 1, 2])
    assert due([*stills, *frames(2, fps=10)]) == pytest.approx([0, 1, 2, 3, 3.1])
    assert due([*frames(3, fps=1, live=True), outage()]) == [0, 0, 0, 0]


def test_a_stop_does_not_wait_for_the_next_frame() -> None:
    clock = Clock()
    results = paced(follow(frames(2, fps=0.1)), lambda: clock.now > 100.2, clock, clock.sleep)
    assert len(list(results)) == 2
    assert clock.now < 100.5
