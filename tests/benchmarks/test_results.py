"""What was written is read again, and nothing else is taken for results."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import documents, evaluation, results
from benchmarks.errors import ResultsError
from benchmarks.peers import report as peers
from benchmarks.report import (
    detectors,
    devices,
    recommendation,
    statistics,
    tables,
    variants,
)
from tests.benchmarks.device import WHOLE, result

COMMITTED = "amd-epyc-avx-512-vnni-2-cores-linux-x86_64.json"


def test_a_device_has_its_results_and_its_raw_samples(tmp_path: Path) -> None:
    path = tmp_path / "new" / "one.json"
    results.write(path, WHOLE, [{"subject": "s", "threads": 1, "face_ms": [[0.12345678]]}])
    digest = hashlib.sha256(path.with_suffix(".jsonl").read_bytes()).hexdigest()
    assert results.read(path) == WHOLE | {"samples_sha256": digest}
    assert results.read_samples(path) == [{"subject": "s", "threads": 1, "face_ms": [[0.1235]]}]
    (path.parent / "evaluation.json").write_text("{}")
    results.write(path.with_name("another.json"), result(name="another"), [])
    assert results.devices(path.parent) == [path.with_name("another.json"), path]
    assert results.passed_over(path.parent, {"evaluation.json"}) == []


def test_a_copy_and_what_has_no_samples_are_no_devices_and_are_named(tmp_path: Path) -> None:
    for name in ("one", "before", "one.partial"):
        results.write(tmp_path / f"{name}.json", WHOLE, [])
    (tmp_path / "bare.json").write_text(json.dumps(result(name="bare")))
    (tmp_path / "damaged.jsonl").write_text("")
    (tmp_path / "half.json").write_text('{"version": 4, "dev')
    assert [path.stem for path in results.devices(tmp_path)] == ["damaged", "one"]
    bare, before, half = results.passed_over(tmp_path)
    assert "bare.jsonl: expected raw samples, found no such file" in bare
    assert "before.json: expected results of the device of that name, found those of one" in before
    assert (
        "half.json: expected the results of 'make bench', found no whole JSON (Unterminated" in half
    )


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "1", '{"version": 3}', '{"version": 4', '{"version": 4}', None]
)
def test_other_results_are_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "one.json").write_text(content)
    with pytest.raises(ResultsError, match="make bench"):
        results.read(tmp_path / "one.json")


def test_half_of_the_results_are_none(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps({"version": 4, "machine": "m", "subjects": []}))
    with pytest.raises(ResultsError, match=r"without commit.*device.*loop.*void"):
        results.read(tmp_path / "one.json")


def test_results_of_an_earlier_version_are_refused_by_their_version(tmp_path: Path) -> None:
    """Whatever they lack or have: one line says what to do."""
    path = tmp_path / "one.json"
    for earlier in (WHOLE | {"version": 3}, {"version": 3}):
        path.write_text(json.dumps(earlier))
        path.with_suffix(".jsonl").write_text("")
        for read in (results.read, results.read_samples):
            with pytest.raises(ResultsError, match=r"version 4, found 3; run 'make bench' again"):
                read(path)


def no_device(whole: dict[str, Any]) -> None:
    whole["device"] = None


def text_for_subjects(whole: dict[str, Any]) -> None:
    whole["subjects"] = "x"


def no_calibration(whole: dict[str, Any]) -> None:
    del whole["subjects"][1]["accuracy"]["calibration_error"]


def no_stages(whole: dict[str, Any]) -> None:
    whole["loop"]["stages"] = []


def no_stage_times(whole: dict[str, Any]) -> None:
    del whole["subjects"][1]["runs"][0]["stage_ms"]


def images_in_words(whole: dict[str, Any]) -> None:
    whole["subjects"][0]["accuracy"]["images"] = "many"


def calls_in_words(whole: dict[str, Any]) -> None:
    whole["subjects"][0]["runs"][1]["invocations"] = "many"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (no_device, r"None where a group of names belongs \(device\)"),
        (text_for_subjects, r"'x' where a list belongs \(subjects\)"),
        (no_calibration, r"subjects\[1\]\.accuracy without calibration_error"),
        (no_stages, r"one item at least belongs \(loop\.stages\)"),
        (no_stage_times, r"subjects\[1\]\.runs\[0\] without stage_ms"),
        (images_in_words, r"where a whole number belongs \(subjects\[0\]\.accuracy\.images\)"),
        (calls_in_words, r"belongs \(subjects\[0\]\.runs\[1\]\.invocations\)"),
    ],
)
def test_what_is_damaged_is_named(
    tmp_path: Path, damage: Callable[[dict[str, Any]], None], said: str
) -> None:
    whole = copy.deepcopy(WHOLE)
    damage(whole)
    (tmp_path / "one.json").write_text(json.dumps(whole))
    with pytest.raises(ResultsError, match=said):
        results.read(tmp_path / "one.json")


def test_raw_samples_that_are_missing_or_half_written_are_named(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(WHOLE))
    with pytest.raises(ResultsError, match=r"one\.jsonl: expected raw samples"):
        results.read_samples(path)
    for content, found in (
        ('{"subject": "s", "face_ms": [[0.1', "found Expecting"),
        ("{}", "in line 1 them without subject"),
        ("1", "in line 1 1 where a group of names belongs"),
        ('{"subject": "s", "face_ms": 1}', "in line 1 1 where a list belongs"),
        ('{"subject": "s", "stage_ms": {"detect": [1]}}', "in line 1 1 where a list belongs"),
    ):
        path.with_suffix(".jsonl").write_text(content)
        digest = hashlib.sha256(content.encode()).hexdigest()
        path.write_text(json.dumps(WHOLE | {"samples_sha256": digest}))
        with pytest.raises(ResultsError, match=f"{found}.*make bench"):
            results.read_samples(path)
    with pytest.raises(ResultsError, match="found none"):
        results.devices(tmp_path / "empty")


def test_samples_of_another_run_or_a_part_of_them_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    lines = [{"subject": "s", "face_ms": [[1.0]]}, {"subject": "t", "face_ms": [[1.0]]}]
    results.write(path, WHOLE, lines)
    samples = path.with_suffix(".jsonl")
    for content in (samples.read_text().replace("1.0", "2.0"), samples.read_text()[:37]):
        samples.write_text(content.splitlines()[0] + "\n")
        with pytest.raises(ResultsError, match=r"one\.jsonl: .* those of another run, or a part"):
            results.read_samples(path)


def damaged(value: Any, root: Any = None) -> Iterator[Any]:
    """``root`` without each of its parts in turn, and with null for each; of a list, the first."""
    root = value if root is None else root
    if isinstance(value, list):
        value = value[:1] and value
        places: list[Any] = [0] if value else []
    else:
        places = list(value)
    for place in places:
        kept = value[place]
        if isinstance(value, dict):
            del value[place]
            yield root
        value[place] = None
        yield root
        value[place] = kept
        if isinstance(kept, dict | list):
            yield from damaged(kept, root)


def of_a_bench(folder: Path) -> None:
    whole = results.read(folder / COMMITTED)
    results.read_samples(folder / COMMITTED)
    tables.table(whole)
    tables.targets([whole])
    tables.terminal_table(whole)
    devices.table([whole])
    devices.state(whole)
    variants.times(whole)
    variants.starts(whole)
    detectors.table((whole["loop"] or {"detectors": []})["detectors"])
    recommendation.sentence(whole)
    statistics.table(whole)
    statistics.without_copies(whole)
    statistics.held_out(whole)
    statistics.recall(whole)
    statistics.recall(whole, alone=True)
    documents.runtime_report.sections(whole)
    documents.runtime_report.sections(whole, full=True)


@pytest.mark.parametrize(
    ("name", "render"),
    [
        (COMMITTED, of_a_bench),
        (evaluation.NAME, lambda folder: evaluation.sections(evaluation.read(folder))),
        (peers.NAME, lambda folder: peers.table(peers.read(folder))),
    ],
)
def test_no_part_can_be_missing_without_a_good_line(
    tmp_path: Path, repository: Path, name: str, render: Callable[[Path], object]
) -> None:
    source = repository / "benchmarks" / "results" / name
    whole = json.loads(source.read_text())
    if name == COMMITTED:
        (tmp_path / name).with_suffix(".jsonl").write_text("")
        del whole["subjects"][:-1]
        whole["samples_sha256"] = hashlib.sha256(b"").hexdigest()
    (tmp_path / name).write_text(json.dumps(whole))
    render(tmp_path)
    refused = 0
    for version in damaged(whole):
        (tmp_path / name).write_text(json.dumps(version))
        try:
            render(tmp_path)
        except ResultsError:
            refused += 1
    assert refused > 20
