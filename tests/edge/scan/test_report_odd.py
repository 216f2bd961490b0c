"""A page about odd results: names, labels, and folders of something else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from edge.errors import SourceFileError, TargetError
from edge.scan.report import write_report
from tests.edge.scan.page import Page, bars, colours, layers, rows, text
from tests.edge.scan.results import (
    LABELS,
    moment,
    seen,
    write_failures,
    write_picture,
    write_scan,
    write_video,
)


def test_a_folder_without_results_has_a_page_that_says_so(tmp_path: Path) -> None:
    write_scan(tmp_path)
    page = Page(tmp_path)
    assert "No results yet" in page.text
    assert "1.2.3" in text(page.find(".//footer"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ('"><img src=x onerror=alert(1)>', '"><img src=x onerror=alert(1)>'),
        ("{{ 7 * 7 }} &amp;", "{{ 7 * 7 }} &amp;"),
        ("new\nline\x00\x1b[31m", r"new\u000aline\u0000\u001b[31m"),
        ("gpj\u202e.exe", r"gpj\u202e.exe"),
        ("\u05d0\u200f � \U0001f600", "\u05d0\u200f � \U0001f600"),
    ],
)
def test_names_are_shown_and_never_obeyed(tmp_path: Path, name: str, shown: str) -> None:
    labels = (name, "sad")
    write_scan(tmp_path, labels, sources=[name], settings={name: {"deep": name}}, version=name)
    more = {"moments": [moment(name, jpeg=name)], "damaged": name}
    write_video(tmp_path, name, [seen(0, name)], 1, labels, **more)
    write_picture(tmp_path, name, [seen(0, name, 1, track=None)], labels, **more)
    write_failures(tmp_path, [(name, name)])
    page = Page(tmp_path)
    assert text(page.find(".//header/p/bdi")) == shown
    assert text(page.videos[0][0][0]) == f"{shown} damaged"
    assert rows(page.videos[0])[0][0] == shown
    assert f"Read in part: {shown}" in page.text
    assert rows(page.find(".//section[@id='photographs']")) == [[shown, "1", shown]]
    assert rows(page.find(".//section[@id='failures']")) == [[shown, shown]]
    assert page.source.count("<script") == 1
    elements = list(page.root.iter())
    assert {each.get("src", "data:")[:5] for each in elements} == {"data:"}
    assert not [key for each in elements for key in each.attrib if key.startswith("on")]


def test_a_name_that_is_no_text_makes_a_page_all_the_same(begun: Path) -> None:
    write_video(begun, "a.mp4", [seen(0, "sad")], 1, source="a\udcff.mp4")
    (begun / "failures.csv").write_bytes(b"file,reason\n\xff.mp4,empty\n")
    page = Page(begun)
    assert text(page.videos[0][0][0]) == r"a\udcff.mp4"
    assert rows(page.find(".//section[@id='failures']")) == [[r"\xff.mp4", "empty"]]


@pytest.mark.parametrize("count", [2, 9, 120])
def test_any_number_of_labels_has_colours_of_its_own(tmp_path: Path, count: int) -> None:
    labels = [f"label {n}" for n in range(count)]
    write_scan(tmp_path, labels)
    rows_of = [seen(n, label) for n, label in enumerate(labels)]
    write_video(tmp_path, "a.mp4", rows_of, count, labels)
    page = Page(tmp_path)
    found = colours(page.source)
    assert len(found) == len(set(found)) == count
    assert list(bars(page.find(".//section[@id='totals']"))) == labels
    assert len(layers(page.videos[0])) == count


def test_few_labels_have_the_colours_of_the_live_page(begun: Path, repository: Path) -> None:
    live = (repository / "edge" / "web" / "page" / "page.css").read_text()
    assert colours(Page(begun).source) == re.findall(r"--k\d: (.*);", live)[: len(LABELS)]


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    for content in ("[]", "{", '{"format": "other-2"}'):
        (tmp_path / "scan.json").write_text(content)
        with pytest.raises(
            TargetError, match=r"expected the results of a scan, found no scan\.json"
        ):
            write_report(tmp_path)


def test_a_part_that_is_none_is_named(begun: Path) -> None:
    path = write_video(begun, "a.mp4", [seen(0, "sad")], 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(
        SourceFileError, match=r"part-0+\.parquet: expected a part of a scan, found"
    ):
        write_report(begun)
    path.write_bytes(whole)
    write_scan(begun, ("calm", "tense"))
    with pytest.raises(SourceFileError, match="found labels other than calm, tense; delete it"):
        write_report(begun)


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path, repository: Path) -> None:
    program = (
        "import sys; sys.modules['jinja2'] = None\n"
        "from pathlib import Path; from edge.errors import EdgeError\n"
        "from edge.scan.report import write_report\n"
        "try: write_report(Path(sys.argv[1]))\n"
        "except EdgeError as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert "expected the packages 'jinja2' and 'pyarrow', found no 'jinja2'" in done.stdout
    assert "pip install '.[scan]'" in done.stdout
