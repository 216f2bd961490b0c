"""Both pages show everything that was measured, and say what was not."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import pytest

from benchmarks import results
from benchmarks.errors import ResultsError
from benchmarks.report import devices, page, pages
from benchmarks.report.evidence import Evidence, Measured, gather, labels, newest
from tests.benchmarks.device import ACCURACY, result, samples, subject


@pytest.fixture(scope="module")
def folder(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed results with the report on them."""
    folder = tmp_path_factory.mktemp("results")
    for path in (repository / "benchmarks" / "results").glob("*.json*"):
        (folder / path.name).write_bytes(path.read_bytes())
    assert pages.write(folder) == []
    return folder


class Outline(HTMLParser):
    """What a page refers to, its headings, and how many of each element it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.count: dict[str, int] = {}
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.open += [] if tag in {"meta", "input"} else [tag]
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "action", "data"}:
                self.addresses.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_html_page_needs_nothing_else(folder: Path) -> None:
    text = (folder / pages.HTML).read_text()
    outline = Outline(text)
    assert not outline.open
    assert outline.addresses
    assert all(a.startswith(("#", "data:image/")) for a in outline.addresses)
    assert "http" not in text
    assert "@import" not in text
    assert not {"script", "link", "iframe"} & outline.count.keys()
    assert len(text) < 2_000_000


def test_every_reference_within_the_page_leads_somewhere(folder: Path) -> None:
    outline = Outline((folder / pages.HTML).read_text())
    assert len(set(outline.ids)) == len(outline.ids)
    assert {a[1:] for a in outline.addresses if a.startswith("#")} <= set(outline.ids)


def test_both_pages_have_every_section_table_and_figure(folder: Path) -> None:
    markdown, html = ((folder / name).read_text() for name in (pages.MARKDOWN, pages.HTML))
    titles = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    for title in (
        *("The devices", "The variants", "The loop by the number of faces", "Detectors"),
        *("Detection at intervals", "A paced camera", "Accuracy", "Recall of each label"),
        *("Without copies", "State of the machine", "Times of one face"),
        *("What is taken for what", "Calibration", "Robustness", "Framing", "Beside others"),
        "How it was measured",
    ):
        assert title in titles
        assert f">{title}</h" in html
    shown = re.findall(r"^!\[.+\]\((.+)\)$", markdown, re.MULTILINE)
    kinds = {name.rpartition("-")[2] for name in shown}
    assert kinds >= {"accuracy.png", "latency.png", "stages.png", "confusion.png", "robustness.png"}
    assert kinds >= {"reliability.png", "coverage.png"}
    for name in shown:
        assert cv2.imread(str(folder / name)).std() > 5
    outline = Outline(html)
    assert outline.count["svg"] == outline.count["figcaption"] == len(shown)
    assert outline.count["table"] == len(re.findall(r"^\| ---", markdown, re.MULTILINE))


def test_the_committed_pages_show_the_last_results(folder: Path, repository: Path) -> None:
    """Drawings are left out: they differ with the version of the library that draws."""
    for name in (pages.MARKDOWN, pages.HTML):
        fresh, committed = (
            re.sub(r"<svg .*?</svg>", "", (place / name).read_text(), flags=re.DOTALL)
            for place in (folder, repository / "benchmarks" / "results")
        )
        assert fresh == committed, "run 'make document'"


def test_a_second_device_adds_a_column_and_a_section() -> None:
    found = [result(), result(name="two", loop=None)]
    head, *rows = devices.table(found).splitlines()
    assert head == "|  | machine one | machine two |"
    assert "| one face, ms: int8 | 1.50 (1.40–1.60) | 1.50 (1.40–1.60) |" in rows
    assert "| whole frame with one face, ms | 1.50 (1.40–1.60) | – |" in rows
    assert "| start to first result, s | 0.40 (0.30–0.50) | – |" in rows
    assert "| resident memory of a run, MB | 111 | – |" in rows
    text = page.build(evidence(found)).text
    assert "## machine one" in text
    assert "## machine two" in text
    assert "- machine two: deploy **" in text


def test_rows_that_one_device_lacks_are_gaps() -> None:
    text = devices.table([result(subject("int8")), result(subject("float32", runs=[]), name="b")])
    assert "| one face, ms: int8 | 1.50 (1.40–1.60) | – |" in text
    assert "| one face, ms: float32 | – | – |" in text
    assert "| recommended | **int8** | – |" in text


def evidence(found: list[dict], raw: list[list[dict]] | None = None) -> Evidence:
    """Results of devices, with samples or none."""
    raw = raw or [[] for _ in found]
    pairs = zip(found, raw, strict=True)
    return Evidence([Measured(each, own) for each, own in pairs])


def built(*changes: dict[str, Any], rows: Any = ()) -> tuple[str, dict[str, Any]]:
    """Text and figures of a report on a device for each of ``changes``, with samples."""
    found = [result(*rows, name=f"d{i}", **each) for i, each in enumerate(changes)]
    report = page.build(evidence(found, [samples(each) for each in found]))
    return report.text, report.figures


def test_without_accuracy_or_loop_the_rest_is_shown() -> None:
    rows = subject("float32", accuracy=None), subject("int8", accuracy=None)
    text, figures = built({"loop": None}, rows=rows)
    assert list(figures) == ["d0-latency.png"]
    assert "Accuracy against latency is not drawn" in text
    assert "The loop was not measured" in text
    assert "No accuracy was measured" in text


def test_what_is_far_slower_than_all_others_is_named_and_not_drawn() -> None:
    rows = subject("h5, predict", 66.4), subject("int8", deployed=True)
    text, figures = built({}, rows=rows)
    assert "Not drawn: `h5, predict`" in text
    assert "takes 66 ms" in text
    assert len(figures["d0-accuracy.png"]().axes[0].collections) == 1
    text, figures = built({}, rows=rows[:1])
    assert "Not drawn" not in text
    assert len(figures["d0-accuracy.png"]().axes[0].collections) == 1


def test_without_an_h5_or_int8_file_there_are_no_confusion_matrices() -> None:
    text, figures = built({}, rows=[subject("float32")])
    assert "The confusion matrices are not drawn" in text
    assert "confusion.png" not in figures


def test_a_device_without_accuracy_takes_that_of_the_files_from_another() -> None:
    found = [result(), result(*(r | {"accuracy": None} for r in result()["subjects"]), name="two")]
    report = page.build(evidence(found))
    assert "two-accuracy.png" in report.figures


def test_errors_and_void_runs_are_said() -> None:
    rows = subject("float32"), subject("int8", error="damaged", runs=[], accuracy=None)
    text, _ = built({"void": "under-voltage at its end"}, rows=rows)
    assert "**This run does not count:** under-voltage at its end." in text
    assert "Not measured, or not wholly: int8: damaged." in text
    assert "no recommendation: the run does not count" in text


def test_a_test_split_has_a_table_of_its_own() -> None:
    row = subject("int8")
    assert "On the test split" not in built({}, rows=[row])[0]
    row["accuracy"] = row["accuracy"] | {"test": row["accuracy"]}
    assert "On the test split" in built({}, rows=[row])[0]


def test_what_took_turns_is_said_as_it_was() -> None:
    text, _ = built({})
    assert "the h5 of each model ran in rounds of their own" in text
    assert " is not counted. In each round all TFLite files" in text


def test_a_dash_of_the_table_without_copies_is_explained() -> None:
    text, _ = built({}, rows=[subject("h5, compiled", accuracy=ACCURACY | {"mcnemar": None})])
    (explained,) = [line for line in text.splitlines() if "A dash: not measured" in line]
    assert explained.endswith("for McNemar's test of an h5, nothing to compare with.")


def test_the_calibration_error_says_of_which_images_it_is() -> None:
    assert "not fitted on, 2,691 of 3,589" in built({})[0]


def test_what_was_left_out_is_named() -> None:
    assert "Left out: no edge environment." in built({"left_out": ["no edge environment"]})[0]


def test_half_written_results_are_left_out_and_named(tmp_path: Path) -> None:
    whole = result()
    results.write(tmp_path / "one.json", whole, [])
    (tmp_path / "one.jsonl").write_text('{"subject": ')
    (tmp_path / "old.json").write_text('{"version": 3}')
    (tmp_path / "old.jsonl").write_text("")
    found = gather(tmp_path)
    assert [each["device"]["name"] for each in found.results] == ["one"]
    missing = " ".join(found.missing)
    assert "old.json: expected version 4, found 3; run 'make bench' again" in missing
    assert "one.jsonl: expected raw samples" in missing
    text = page.build(found).text
    assert str(tmp_path) not in text
    assert "old.json: expected version 4" in text
    (tmp_path / "one.json").unlink()
    with pytest.raises(ResultsError, match=r"old\.json: expected version 4.*one\.json"):
        gather(tmp_path)
    with pytest.raises(ResultsError, match="found none"):
        gather(tmp_path / "empty")


def test_what_was_never_measured_is_no_problem_and_named(tmp_path: Path) -> None:
    results.write(tmp_path / "one.json", result(), [])
    found = gather(tmp_path)
    assert not found.missing
    text = page.build(found).text
    assert "Not measured; `make evaluate` does." in text
    assert "Not measured; `make bench-peers` does." in text
    (tmp_path / "peers.json").write_text("{")
    assert "peers.json: expected" in " ".join(gather(tmp_path).missing)


def test_figures_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    whole = result()
    results.write(tmp_path / "one.json", whole, samples(whole))
    pages.write(tmp_path)
    drawn = {path.name for path in tmp_path.glob("*.png")}
    assert drawn == {"one-accuracy.png", "one-latency.png", "one-stages.png", "confusion.png"}
    (tmp_path / "another.png").write_bytes(b"")
    rows = [row | {"accuracy": None} for row in whole["subjects"]]
    results.write(tmp_path / "one.json", whole | {"subjects": rows, "loop": None}, [])
    pages.write(tmp_path)
    assert [path.name for path in tmp_path.glob("*.png")] == ["another.png"]


def test_the_newest_is_by_date_then_name_and_counts() -> None:
    one, two = result(), result(name="two")
    assert newest([two, one]) is two
    later = result(date="2026-01-02")
    assert newest([later, two]) is later
    assert newest([later | {"void": "hot"}, two]) is two
    assert newest([]) is None


def test_devices_of_one_machine_are_told_apart() -> None:
    found = [result(machine="m"), result(name="two", machine="m"), result(name="three")]
    assert labels(found) == ["m (one)", "m (two)", "machine three"]
