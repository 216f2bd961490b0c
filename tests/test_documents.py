"""What the documents show is generated from the results, and what they name exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks import documents, report
from benchmarks.material import gather

RESULTS = Path("benchmarks/results")
DOCUMENTS = ("models/README.md", "images/README.md", "benchmarks/results/benchmark.md")
"""README.md and docs/ are looked at by test_readme.py."""
_LONGEST = 600
"""Lines of a committed result."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_exists(repository: Path, document: str) -> None:
    text = (repository / document).read_text(encoding="utf-8")
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", text))
    assert named <= targets, f"{document} names {named - targets}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file_in_git(repository: Path, document: str) -> None:
    path = repository / document
    text = path.read_text(encoding="utf-8")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=True
    )
    tracked = {(repository / name).resolve() for name in listed.stdout.splitlines()}
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    missing = [link for link in links if (path.parent / link).resolve() not in tracked]
    assert not missing


def test_the_tables_are_those_of_the_results(repository: Path) -> None:
    for path, text in documents.current(repository, RESULTS).items():
        assert path.read_text(encoding="utf-8") == text, "run 'make document'"


def test_the_report_is_that_of_the_results(repository: Path) -> None:
    folder = repository / RESULTS
    text = report.render("report.md.j2", gather(folder), intervals=True)
    assert (folder / report.MARKDOWN).read_text(encoding="utf-8") == text, "run 'make document'"


def test_every_marker_has_an_end_and_a_name_that_is_known(repository: Path) -> None:
    tables = repository / "benchmarks" / "templates" / "tables"
    known = {path.name.partition(".")[0] for path in tables.iterdir()}
    known |= {"trainings", "classes", "ablation", "few", "teachers", "attack", "soak", "boot"}
    for path in documents.paths(repository):
        text = path.read_text(encoding="utf-8")
        names = re.findall(r"^<!-- ([\w-]+) -->$", text, re.MULTILINE)
        assert names == re.findall(r"^<!-- /([\w-]+) -->$", text, re.MULTILINE)
        assert set(names) <= known


def test_no_result_is_a_page_of_thousands_of_lines(repository: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", RESULTS], cwd=repository, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split():
        assert len((repository / name).read_bytes().splitlines()) < _LONGEST or ".png" in name


def test_every_edge_option_in_the_makefile_exists(repository: Path) -> None:
    from edge.settings import Settings

    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    recipe = makefile[makefile.index("\nrun-edge:") : makefile.index("\ntest:")]
    options = set(re.findall(r"--([a-z-]+)", recipe))
    assert options == {"source", "detector", "output"}
    assert options <= {name.replace("_", "-") for name in Settings.__dataclass_fields__}
