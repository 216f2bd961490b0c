"""A complete result stays until there is another complete one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks import keeping, results
from tests.benchmarks.device import result

WHOLE = result()
MODELS = {"m"}
FLOAT32, INT8 = WHOLE["subjects"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ({}, {}, None),
        ({}, {"void": "throttled"}, "does not count"),
        ({}, {"subjects": []}, "lacks m"),
        ({}, {"loop": None}, "lacks the loop"),
        ({}, {"subjects": [FLOAT32, INT8 | {"accuracy": None}]}, "lacks the accuracy of int8"),
        (
            {},
            {"subjects": [FLOAT32, INT8 | {"runs": []}]},
            "lacks int8 at 1 thread, int8 at 2 threads",
        ),
        (
            {},
            {"subjects": [FLOAT32 | {"accuracy": None}], "loop": None},
            "lacks the loop, the accuracy of float32, the accuracy of int8, int8 at 1 thread and 1 "
            "more",
        ),
        ({"loop": None}, {"loop": None}, None),
        ({"subjects": [FLOAT32]}, {}, None),
        ({"subjects": [FLOAT32, INT8, INT8 | {"model": "of before", "name": "gone"}]}, {}, None),
        ({}, {"effort": WHOLE["effort"] | {"rounds": 1}}, "has 1 rounds where that has 2"),
        ({"void": "throttled"}, {"void": "throttled"}, None),
        ({"subjects": []}, {"subjects": []}, None),
    ],
)
def test_a_complete_result_gives_way_to_another_one_alone(
    tmp_path: Path, old: dict[str, Any], new: dict[str, Any], reason: str | None
) -> None:
    path = tmp_path / "one.json"
    assert keeping.shortcoming(path, WHOLE | new, MODELS) is None, "nothing is there"
    results.write(path, WHOLE | old, [])
    assert keeping.shortcoming(path, WHOLE | new, MODELS) == reason


def test_the_last_run_is_the_newer_file(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    assert keeping.last(path) == path, "what reads it says that it isn't there"
    results.partial(path).write_text("")
    assert keeping.last(path) == results.partial(path)
    path.write_text("")
    for newer, older in ((path, results.partial(path)), (results.partial(path), path)):
        os.utime(older, (1, 1))
        os.utime(newer, (2, 2))
        assert keeping.last(path) == newer
