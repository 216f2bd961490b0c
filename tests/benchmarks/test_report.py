"""The report and the tables of the documents, from a small result."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import cv2
import msgspec
import pytest
from markdown_it import MarkdownIt

from benchmarks import documents, figures, report, store
from benchmarks.material import Material, gather
from benchmarks.scanning import FER, Way
from tests.benchmarks.samples import (
    bench,
    evaluation,
    loop,
    peers,
    photographs,
    row,
    rows,
    scanning,
)

WHOLE = Material(
    [bench()],
    evaluation(),
    peers(),
    photographs(),
    scanning(),
    present={"Finalmodel.tflite": "ab" * 32},
)
SECTIONS = (
    *("targets", "results", "stages", "throughput", "camera"),
    "publishing",
    *("calibration", "copies", "robustness", "framing", "search", "live", "sequences", "peers"),
    *report.PHOTOGRAPHS,
    "scanning",
)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_is_a_whole_table_that_says_where_it_is_from(name: str) -> None:
    text = report.section(name, WHOLE)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) > 2
    assert len({line.count("|") for line in lines}) == 1
    assert MarkdownIt("commonmark").enable("table").render(text).count("<table>") == 1
    assert "Measured by `make" in text
    assert "(commit 0123456789ab, 2026-11-28)." in text
    assert "{" not in text
    assert "None" not in text
    assert "  \n" not in text


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_without_results_is_none(name: str) -> None:
    assert report.section(name, Material()) is None
    assert report.section("unknown", WHOLE) is None


def test_how_far_people_are_seen_is_one_sentence() -> None:
    text = report.section("reach", WHOLE)
    assert "up to 3.8 m away with a camera of 60° and up to 2.2 m with one of 90°" in text
    assert "(0.8 and 0.4 m by the whole frame alone)" in text


def test_a_scan_says_its_ratios_and_what_was_not_measured() -> None:
    text = report.section("scanning", WHOLE)
    assert "| 0.950 × (0.900–1.200): 95, 100 | ≥ 0.9 × |" in text
    assert "| 1.800 × (1.800–2.100) | ≥ 1.7 × |" in text
    assert "`Video.analyze` of fer | not measured | – |" in text
    assert "| peak memory of a worker, 640×360, 300 s of video | 201.5 MB | ≤ 250 MB |" in text
    assert "each of 20,000 files: processor time, time | 0.62 ms, 0.95 ms |" in text
    assert (
        "95% busy with files of 10 s of work: simulated, by the formula | 16,500, 16,000 |" in text
    )
    assert "files of 60 s of work: simulated, by the formula | more than 20,000, 96,000 |" in text
    ways = [*scanning().ways, Way(FER, [8.0, 10.0, 12.0], [75.0, 60.0, 50.0])]
    with_fer = Material(scanning=scanning(ways=ways, fer="25.10.3"))
    text = report.section("scanning", with_fer)
    assert "of fer 25.10.3 | 12.000 × (10.000–15.000): 120, 10 | – |" in text


def test_how_far_a_scheduler_reaches_is_one_sentence() -> None:
    text = report.section("scanning-line", WHOLE)
    assert text.startswith(
        "One scheduler takes 0.6 ms a file. By simulation that keeps 1,650 workers busy with files "
        "of 1 s of work, and more than 20,000 with those of 60 s. Measured by `make bench-scan` on"
    )
    assert text.count("\n") == 1


def test_photographs_say_what_counts_and_what_was_not_found() -> None:
    text = report.section("photographs", WHOLE)
    assert "On 40 faces of `faces.zip` that are happy by its own labels" in text
    assert "in 3 of 103 photographs the product found no face" in text
    assert "| sad (not in totals) | 60 |" in report.section("photographs-labels", WHOLE)
    assert "| happy | sad | 1 |" in report.section("photographs-mistakes", WHOLE)
    given = msgspec.structs.replace(photographs(), boxes_given=True, mistakes=[])
    boxed = Material(photographs=given)
    assert "their boxes came with them" in report.section("photographs", boxed)
    assert "The 0 most confident mistakes" in report.section("photographs-mistakes", boxed)


def test_the_best_setting_that_is_in_time_is_named_beside_the_default() -> None:
    text = report.section("sequences", WHOLE)
    assert "has 62.0% over both kinds of sequences (smoothing 0.2 s, hold 0.0 s, margin" in text
    assert "the defaults 60.0% (smoothing 0.1 s, hold 0.12 s, margin 0.1). It is the best" in text
    assert (
        "| **0.1** | 0.12 | 0.1 | of logarithms | one | 60.0% | 60.0% | 60.0% | 60.0% | – |" in text
    )
    assert "| −2.0 (−2.0…−2.0) |" in text


def test_results_from_before_there_were_sequences_have_no_table_of_them() -> None:
    older = Material([bench()], msgspec.structs.replace(evaluation(), sequences=None), peers())
    assert report.section("sequences", older) is None
    assert "## Over time" not in report.render("report.md.j2", older, intervals=True)
    assert "## Over time" in report.render("report.md.j2", WHOLE, intervals=True)


def test_the_targets_hold_the_figures() -> None:
    cells = report.section("targets", WHOLE).splitlines()[2].split(" | ")
    assert cells[0] == "| **Finalmodel**"
    assert cells[1:4] == ["65.00%", "63.98%", "78.00%"]
    assert cells[5] == "0.00 points"
    assert cells[8:] == ["0.51 MB", "–", "36.8 |"]


def test_a_time_is_given_against_the_seed_network_of_the_same_run() -> None:
    seed = row("float32", 0.5, model="seed", name="seed float32", deployed=False)
    material = Material([bench(rows=[seed, row("int8", 0.1)])])
    assert "| 0.20 × |" in report.section("targets", material)


def test_intervals_stand_in_the_report_and_not_in_documents() -> None:
    whole = report.render("report.md.j2", WHOLE, intervals=True)
    assert "0.90 (0.88–0.92)" in whole
    assert "| 0.90 |" in report.section("stages", WHOLE)


def test_the_report_opens_with_a_picture_and_a_sentence() -> None:
    lines = report.render("report.md.j2", WHOLE, intervals=True).splitlines()
    assert lines[0] == "# Benchmark"
    assert lines[2].endswith("(testing-board-accuracy.png)")
    assert lines[4].startswith("On Testing board, 4 cores, deploy **Finalmodel int8** (`Finalmodel")
    assert lines[4].endswith("MB, top-1 65.0% (78.0% against the FER+ majority).")


def test_the_blocks_of_the_report_stand_apart() -> None:
    lines = report.render("report.md.j2", WHOLE, intervals=True).splitlines()
    for before, line in itertools.pairwise(lines):
        if line.startswith("#") or (line.startswith("|") and not before.startswith("|")):
            assert before == "", line
    assert "\n\n\n" not in "\n".join(lines)


def test_results_of_replaced_files_say_so() -> None:
    newer = replace(WHOLE, present={"Finalmodel.tflite": "99" * 32})
    for name in SECTIONS:
        said = "Measured before the present Finalmodel.tflite was made." in report.section(
            name, newer
        )
        assert said, name
    assert "Measured before" not in report.section("targets", WHOLE)


def test_an_invalid_run_is_shown_but_recommends_nothing() -> None:
    material = Material([bench(invalid="throttling was no and became yes")])
    text = report.render("report.md.j2", material, intervals=True)
    assert "no recommendation: the run is invalid: throttling" in text
    assert material.rated is None
    assert report.section("targets", material) is None


def test_a_device_without_accuracy_is_lent_that_of_the_same_files() -> None:
    lean = [msgspec.structs.replace(each, accuracy=None) for each in rows()[1:]]
    pi = bench(device="pi", rows=lean, origin=msgspec.structs.replace(bench().origin, machine="Pi"))
    text = report.render("report.md.j2", Material([bench(), pi]), intervals=True)
    assert "On Pi, deploy **Finalmodel int8**" in text
    assert text.count("top-1 65.0% (78.0% against the FER+ majority)") == 2
    assert "## The devices" in text
    assert "Not measured: the h5: Keras is not installed here." in text
    section = report.section("stages", Material([bench(), pi]))
    assert "Of 2 devices this one was measured last" in section


def test_the_newest_valid_run_is_shown() -> None:
    old = bench(origin=msgspec.structs.replace(bench().origin, date="2025-01-01"))
    bad = bench(invalid="throttling", loop=None)
    material = Material([bad, old, bench(loop=None)])
    assert material.last is not bad
    assert material.looped is old


def test_of_one_day_the_run_of_the_present_files_is_shown() -> None:
    runs = [bench(rows=[row("int8", 0.1, sha256=sha * 32)]) for sha in ("aa", "bb")]
    for sha, run in zip(("aa", "bb"), runs, strict=True):
        material = Material(runs, present=dict.fromkeys(run.models, sha * 32))
        assert material.last is material.rated is run


def test_a_folder_is_written_and_read(tmp_path: Path) -> None:
    store.write(tmp_path / "testing-board.json", bench())
    store.write(tmp_path / "peers.json", peers())
    (tmp_path / "evaluation.json").write_text("{}")
    written = report.write(tmp_path)
    assert [path.name for path in written] == [
        *("benchmark.md", "benchmark.html"),
        *("testing-board-accuracy.png", "testing-board-stages.png"),
    ]
    text = (tmp_path / "benchmark.md").read_text()
    assert "- Not in this report: evaluation.json: expected results of this version" in text
    page = (tmp_path / "benchmark.html").read_text()
    assert "<title>Benchmark</title>" in page
    assert '<img src="testing-board-accuracy.png"' in page
    assert page.count("<table>") == 8


def test_a_report_without_a_device_says_how_to_measure(tmp_path: Path) -> None:
    report.write(tmp_path)
    assert (
        "No device has been measured; `make bench` does." in (tmp_path / "benchmark.md").read_text()
    )


def test_every_figure_is_drawn(tmp_path: Path) -> None:
    names = [path.name for path in figures.draw(tmp_path, WHOLE)]
    assert names == [
        *("testing-board-accuracy.png", "testing-board-stages.png"),
        *("reliability.png", "coverage.png", "search.png"),
        *("photographs.png", "photographs-confusion.png"),
    ]
    for name in names:
        picture = cv2.imread(str(tmp_path / name))
        assert picture is not None
        assert picture.shape[1] > 300
        assert picture.std() > 10


def test_equal_results_give_equal_pictures(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in figures.draw(tmp_path, WHOLE)]
    assert first == [path.read_bytes() for path in figures.draw(tmp_path, WHOLE)]


def test_the_front_has_what_nothing_beats() -> None:
    points = [(1.0, 60.0), (0.5, 60.0), (0.2, 50.0), (0.3, 40.0), (2.0, 61.0)]
    assert figures.pareto(points) == [2, 1, 4]


def test_a_document_keeps_what_is_not_known() -> None:
    text = (
        "a <!-- targets -->\nold\n<!-- /targets --> b\n"
        "<!-- options -->\nkept\n<!-- /options -->\n<!-- targets -->\nno end\n"
    )
    filled = documents.filled(text, {"targets": "| new |\n"}.get)
    assert filled == text.replace("old\n", "| new |\n")


def test_documents_are_found_and_written_where_they_differ(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks" / "results"
    store.write(folder / "testing-board.json", bench(loop=loop()))
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "speed.md"
    page.write_text("# Speed\n\n<!-- stages -->\n<!-- /stages -->\n")
    (tmp_path / "README.md").write_text("nothing generated\n")
    material = gather(folder)
    section = documents.filled(page.read_text(), lambda name: report.section(name, material))
    assert "| faces | detect |" in section
