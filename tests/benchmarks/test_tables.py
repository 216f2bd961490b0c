"""The tables say what the results say; the documents show those of the last results."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import documents, evaluation, results, runtime_report
from benchmarks.errors import BenchmarkError, ResultsError
from benchmarks.report import detectors, devices, tables, variants
from tests.benchmarks.device import ACCURACY, INTERVAL, LOOP, RUN, TIMES, result, subject

RESULT = result()


def test_the_table_shows_the_figures() -> None:
    lines = tables.table(RESULT).splitlines()
    assert lines[3] == (
        "| **int8** (deployed) | 2.80 MB | 56.78% | 54.32% | 0.500 | 65.43% "
        "| 1.50 / 2.25 / 3.12 | 1.50 / 2.25 / 3.12 | 321 |"
    )
    assert "commit abc" in lines[-1]


def test_what_is_missing_is_shown_as_missing() -> None:
    changed = copy.deepcopy(RESULT)
    changed["subjects"][0] |= {"bytes": None, "accuracy": None, "runs": [], "error": "no file"}
    assert "| float32 | missing | – | – | – | – | – | – | – |" in tables.table(changed)


def test_every_number_of_threads_has_a_column() -> None:
    four = subject("int8") | {"runs": [RUN, RUN | {"threads": 2}, RUN | {"threads": 4}]}
    lines = tables.table(result(four, subject("h5, compiled") | {"runs": [RUN]})).splitlines()
    assert [c.strip() for c in lines[0].split("|")[7:10]] == [
        "ms a face, p50 / p95 / p99", "2 threads, p50 / p95 / p99", "4 threads, p50 / p95 / p99",
    ]  # fmt: skip
    assert lines[3].endswith("| 1.50 / 2.25 / 3.12 | – | – | 321 |")
    text = variants.times(result(four, subject("h5, compiled") | {"runs": [RUN]}))
    assert [line.split("|")[2].strip() for line in text.splitlines()[2:6]] == ["1", "2", "4", "1"]
    assert "An h5 is timed at one thread alone" in text
    assert "An h5" not in variants.times(result(four))


def test_each_variant_has_its_start_and_all_percentiles_with_their_intervals() -> None:
    few = {"face_ms": TIMES | {"p99": None}, "face_ms_interval": INTERVAL | {"p99": None}}
    shown = result(subject("int8", runs=[RUN | few]))
    assert (
        "| int8 | 1 | 500 | 1.50 (1.40–1.60) | 2.00 (1.90–2.10) | 2.25 (2.15–2.35) | – |"
        in variants.times(shown).splitlines()
    )
    assert "| int8 | 20.9 | 2.80 | 60 |" in variants.starts(shown).splitlines()


def test_the_loop_has_its_intervals_in_the_report_alone() -> None:
    whole = result()
    short, full = runtime_report.sections(whole), runtime_report.sections(whole, full=True)
    for section, text in (
        ("stages", "0.40 (0.30–0.50) s"),
        ("stages", "| 1.50 (1.40–1.60) | 2.25 (2.15–2.35) |"),
        ("throughput", "| 330 (309–339) |"),
        ("intervals", "| 3.00 (2.90–3.10) |"),
        ("camera", "| 1.5 (1.4–1.6) | 2.2 (2.1–2.4) | 3.1 (3.0–3.2) |"),
    ):
        assert text in full[section]
        assert "(" not in short[section].splitlines()[2]
    assert "With Finalmodel int8." in short["camera"]


def test_a_frame_is_compared_with_the_calls_that_follow_one_another() -> None:
    whole = result()
    one = whole["loop"]["stages"][1]
    few = {"frame_ms": {"p50": 10.5, "p95": None, "p99": None}}
    whole["loop"]["stages"] = [one, one | {"faces": 5, "over_networks": 1.2} | few]
    text = runtime_report.sections(whole)["stages"]
    assert "| 10.50 / – / – | 1.20 × |" in text.splitlines()[3]
    assert "which all cores share. 5 faces take 7.00 times as long as one" in text
    whole["loop"]["throughput"][0]["networks"] = 1
    text = runtime_report.sections(whole)["stages"]
    assert "one of the classifier for every face." in text


def test_without_an_edge_environment_its_sentence_is_left_out() -> None:
    whole = result()
    whole["loop"]["footprint"] = None
    assert "start of the process" not in runtime_report.sections(whole, full=True)["stages"]
    assert "| start to first result, s | – |" in devices.table([whole])


def test_the_state_of_the_machine_is_shown_and_what_it_does_not_tell_is_a_dash() -> None:
    before = {"governor": "ondemand", "mhz": 1500.0, "celsius": 51.25, "throttled": None}
    whole = result(device={"name": "pi", "before": before, "after": before | {"celsius": None}})
    text = devices.state(whole)
    assert "| governor | ondemand | ondemand |" in text
    assert "| clock, MHz | 1500 | 1500 |" in text
    assert "| temperature, °C | 51.2 | – |" in text
    assert "| throttle flags | – | – |" in text
    assert "The run counts." in text
    assert "The run is void: hot." in devices.state(whole | {"void": "hot"})


def test_found_faces_of_a_detector_are_a_figure() -> None:
    row = LOOP["detectors"][0] | {"found": 2.9986666666666}
    assert "| blazeface | 1 | 3.00 | 1.50 (1.40–1.60) |" in detectors.table([row])


def test_the_terminal_table_fits_80_columns() -> None:
    slow = RUN | {"face_ms": {"p50": 57.29, "p95": 140.7, "p99": 150.0}}
    named = subject("Finalmodel h5, compiled") | {"runs": [slow, slow | {"threads": 2}]}
    shown = result(*RESULT["subjects"], named)
    with io.StringIO() as file:
        Console(width=80, file=file).print(tables.terminal_table(shown))
        lines = file.getvalue().splitlines()
    assert any("Finalmodel h5, compiled" in x and "57.3" in x and "65.43%" in x for x in lines), (
        lines
    )
    assert any("int8" in x and "56.78%" in x and "2.80 MB" in x and "1.50" in x for x in lines), (
        lines
    )


def test_the_table_goes_between_the_markers_of_its_section() -> None:
    document = "before <!-- a -->old<!-- /a --> between <!-- b --><!-- /b -->"
    assert tables.insert(document, "a", "new") == (
        "before <!-- a -->\nnew\n<!-- /a --> between <!-- b --><!-- /b -->"
    )
    for without in ("no markers", "<!-- /a --><!-- a -->", "<!-- a -->"):
        with pytest.raises(BenchmarkError, match="add them"):
            tables.insert(without, "a", "new")


def test_the_targets_compare_with_the_seed_network_of_the_same_rounds() -> None:
    rows = [subject("float32"), subject("int8", deployed=True)]
    rows[0]["accuracy"] = ACCURACY | {"top1": 0.5698}
    text = tables.targets([RESULT | {"subjects": rows}])
    assert text.splitlines()[2] == (
        "| m | 56.78% | 54.32% | 65.43% | 0.500 | 0.481 | 0.20 points | 3.2% | 2.80 MB | 0.25 × "
        "| 64.4 |"
    )
    rows[1]["runs"][0]["against_seed"] = None  # no seed network was measured
    text = tables.targets([RESULT | {"subjects": rows}])
    assert text.splitlines()[2].endswith("| 2.80 MB | – | 64.4 |")


def seed_and_int8(ratio: float, **changes: object) -> list[dict]:
    rows = [subject("float32", model="seed"), subject("int8", deployed=True)]
    rows[1]["runs"][0]["against_seed"] = {"ratio": ratio, "interval": [ratio, ratio]}
    return [row | changes for row in rows]


def test_a_device_more_is_a_column_more_and_accuracy_stands_once() -> None:
    one = result(*seed_and_int8(0.25))
    two = result(*seed_and_int8(0.5, accuracy=None), name="two", date="2026-02-02")
    lines = tables.targets([one, two]).splitlines()
    assert lines[0].count("time against seed in float32, machine") == 2
    assert lines[2].endswith("| 3.2% | 2.80 MB | 0.25 × | 0.50 × | 64.4 |")
    assert lines[4].startswith("Accuracy: measured by `make bench` on machine one")
    assert "machine two (commit abc, 2026-02-02)" in lines[6]


def test_times_of_other_files_than_the_accuracy_say_so() -> None:
    older = result(*seed_and_int8(0.25, sha256="that of another"), date="2026-01-01")
    newer = result(*seed_and_int8(0.5), name="two", date="2026-02-02")
    line = tables.targets([older, newer]).splitlines()[-1]
    assert "2026-01-01, of files that have been replaced since); machine two" in line
    assert line.endswith("2026-02-02).")


def test_targets_without_any_accuracy_say_what_was_timed() -> None:
    text = tables.targets([result(*seed_and_int8(0.25, accuracy=None))])
    assert "Accuracy" not in text
    assert "Times, one thread, p50: machine one" in text


def another_device(repository: Path, folder: Path, **further: object) -> None:
    """The committed results with those of a second device, which was measured later."""
    for path in (repository / "benchmarks" / "results").glob("*.json*"):
        (folder / path.name).write_bytes(path.read_bytes())
    committed = results.read(results.devices(folder)[0])
    device = committed["device"] | {"name": "another"}
    changes = {"machine": "another", "device": device, "date": "2999-01-01"}
    (folder / "another.json").write_text(json.dumps(committed | changes | further))
    (folder / "another.jsonl").write_text("")


def test_the_documents_show_the_device_that_was_measured_last(
    repository: Path, tmp_path: Path
) -> None:
    another_device(repository, tmp_path)
    text = documents.current(repository, tmp_path)[repository / "README.md"]
    columns = next(line for line in text.splitlines() if line.startswith("| int8 file of"))
    assert "in float32, another |" in columns
    devices = len(results.devices(tmp_path))
    assert columns.count("time against seed") == devices
    stages = text.partition("<!-- stages -->")[2].partition("<!-- /stages -->")[0]
    assert "on another (commit" in stages
    assert f"Of {devices} devices this one was measured last" in stages


def test_the_documents_show_no_percentile_of_too_few_samples(
    repository: Path, tmp_path: Path
) -> None:
    few = {"p50": 1.5, "p90": None, "p95": None, "p99": None}
    camera = LOOP["camera"][0] | {"frames": 19, "latency_ms": few, "work_ms": few}
    another_device(repository, tmp_path, loop=LOOP | {"camera": [camera]})
    text = documents.current(repository, tmp_path)[repository / "README.md"]
    shown = text.partition("<!-- camera -->")[2].partition("<!-- /camera -->")[0]
    assert "| 15 | 19 | 0 | 1.5 / – / – | – |" in shown


def test_a_later_device_without_a_loop_leaves_that_of_an_earlier_one(
    repository: Path, tmp_path: Path
) -> None:
    another_device(repository, tmp_path, loop=None)
    text = documents.current(repository, tmp_path)[repository / "README.md"]
    stages = text.partition("<!-- stages -->")[2].partition("<!-- /stages -->")[0]
    assert "on another" not in stages
    assert "| detect |" in stages


def test_a_run_that_does_not_count_is_not_shown(repository: Path, tmp_path: Path) -> None:
    another_device(repository, tmp_path, void="throttled at its end")
    text = documents.current(repository, tmp_path)[repository / "README.md"]
    assert "on another" not in text.partition("<!-- stages -->")[2].partition("<!-- /stages -->")[0]
    assert "in float32, another |" not in text


def test_figures_of_a_model_that_was_replaced_say_so(repository: Path, tmp_path: Path) -> None:
    results_folder = repository / "benchmarks" / "results"
    (device,) = results.devices(results_folder)
    measured = results.read(device)
    for row in measured["subjects"]:
        if row["deployed"]:
            row["sha256"] = "12ab"
    another_device(repository, tmp_path, subjects=measured["subjects"])
    said = "Measured before the present Finalmodel.tflite was made."
    texts = documents.current(repository, tmp_path)
    card, readme = texts[repository / "models/README.md"], texts[repository / "README.md"]
    for text, section, expected in (
        *((card, "results", True), (card, "targets", True), (card, "robustness", False)),
        *((readme, "stages", True), (readme, "peers", False)),
    ):
        shown = text.partition(f"<!-- {section} -->")[2].partition(f"<!-- /{section} -->")[0]
        assert (said in shown) is expected, section
    path = tmp_path / evaluation.NAME
    earlier = json.loads(path.read_text())
    earlier["models"]["Finalmodel.tflite"] = "12ab"
    path.write_text(json.dumps(earlier))
    card = documents.current(repository, tmp_path)[repository / "models/README.md"]
    assert said in card.partition("<!-- robustness -->")[2].partition("<!-- /robustness -->")[0]


def test_without_a_run_that_counts_the_documents_stay(repository: Path, tmp_path: Path) -> None:
    for path in (repository / "benchmarks" / "results").glob("*.json*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for path in results.devices(tmp_path):
        path.write_text(json.dumps(results.read(path) | {"void": "throttled at its end"}))
    with pytest.raises(ResultsError, match="expected a run that counts"):
        documents.current(repository, tmp_path)


def test_the_documents_show_the_last_results(repository: Path) -> None:
    """The figures in the documents are those that the commands wrote."""
    for path, text in documents.current(repository, Path("benchmarks/results")).items():
        assert path.read_text(encoding="utf-8") == text, path.name
