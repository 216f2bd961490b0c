"""Parts that belong to one thread at a time."""

from __future__ import annotations

import itertools
import threading

import pytest

from edge.vision.pool import Pool


def test_a_part_is_kept_for_the_next_one() -> None:
    pool = Pool(itertools.count().__next__)
    for _ in range(5):
        with pool.lend() as part:
            assert part == 0


def test_nobody_has_a_part_that_another_one_has() -> None:
    pool = Pool(itertools.count().__next__)
    with pool.lend() as first, pool.lend() as second:
        assert (first, second) == (0, 1)
    with pool.lend() as again:
        assert again in (0, 1)


def test_a_part_comes_back_after_an_error() -> None:
    pool = Pool(itertools.count().__next__)
    with pytest.raises(ValueError, match="no"), pool.lend():
        raise ValueError("no")
    with pool.lend() as part:
        assert part == 0


def test_as_many_are_opened_as_are_in_use_at_a_time() -> None:
    opened, together = itertools.count(), threading.Barrier(4)
    pool = Pool(opened.__next__)

    def work() -> None:
        for _ in range(20):
            with pool.lend():
                pass
            together.wait(10)
            with pool.lend():
                together.wait(10)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert next(opened) == 4
