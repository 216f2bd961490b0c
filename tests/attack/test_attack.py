"""A sample of the attacks, three minutes of them; 'make attack' tries all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attack.__main__ import DOCUMENT, PARTS, RESULT, record
from tests.attack.case import Case, judge
from tests.attack.child import Ending, run


@pytest.mark.parametrize("part", PARTS)
def test_the_product_withstands(part: str) -> None:
    found = list(PARTS[part](True, 0))
    assert found
    if not any(result.count for result in found):
        pytest.skip(found[0].name)
    assert [result.line() for result in found if result.problems] == []


def ending(code: int | None = 2, err: str = "a: expected b\n", mib: float = 90) -> Ending:
    return Ending(code, 0.5, mib, "", err)


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (ending(0), "exit code 0"),
        (ending(-11), "exit code -11"),
        (ending(None), "did not end within"),
        (ending(err="Traceback (most recent call last):\n"), "a traceback"),
        (ending(err="a: \x1b[2J expected b\n"), "printed '\\x1b' raw"),
        (ending(err="a: expected b\n[12:00] all is well\n"), "2 lines of complaint, 1 is right"),
        (ending(err=""), "0 lines of complaint"),
        (ending(mib=900), "900 MiB"),
    ],
)
def test_a_wrong_answer_is_noticed(found: Ending, problem: str, tmp_path: Path) -> None:
    case = Case("a", lambda folder: [])
    (said, *_) = judge(case, found, tmp_path)
    assert problem in said
    assert list(judge(case, ending(), tmp_path)) == []


def test_a_file_that_changed_is_noticed(tmp_path: Path) -> None:
    before = {Path("a.csv"): "what it was"}
    (said,) = judge(Case("a", lambda folder: []), ending(), tmp_path, before)
    assert said == "a.csv is not what it was"


def test_a_child_has_limits_of_time_and_memory(tmp_path: Path) -> None:
    sleeping = run(["sleep", "30"], tmp_path, seconds=0.2)
    assert sleeping.code is None
    assert sleeping.seconds < 5
    eating = run(["python3", "-c", "bytearray(1 << 30)"], tmp_path, most_mib=200)
    assert "MemoryError" in eating.err
    fed = run(["python3", "-c", "a = bytearray(b'1' * (100 << 20))"], tmp_path)
    assert 100 < fed.peak_mib < 300


def test_a_part_that_is_tried_again_replaces_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    DOCUMENT.parent.mkdir()
    DOCUMENT.write_text("# A\n<!-- attack -->\n<!-- /attack -->\n")
    RESULT.parent.mkdir(parents=True)
    row = {"tried": 1200, "passed": 1199, "seconds": 40, "peak_mib": 0, "failures": []}
    origin = {"machine": "a PC", "commit": "abc", "date": "2026-01-01", "seed": 3}
    record({"name": "page", **row, **origin})
    record({"name": "data", **row, **origin})
    record({"name": "page", **row, **origin, "passed": 1200, "commit": "def"})
    lines = DOCUMENT.read_text().splitlines()
    assert lines[4] == "| data | 1,200 | 1,199 | 40 s | – | abc | 2026-01-01 |"
    assert lines[5] == "| page | 1,200 | 1,200 | 40 s | – | def | 2026-01-01 |"
    assert lines[7] == "Written by `make attack` on a PC; seed 3."
