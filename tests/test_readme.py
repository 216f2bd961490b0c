"""What the README and the pages show is what happens: examples run, links lead to files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge import FrameResult, __version__
from edge.assets import ASSETS, ASSETS_FOLDER
from edge.sinks.video import VideoSink
from edge.sources.demo import DemoSource, load_portraits
from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT
from tools.options_page import options_page

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text("utf-8")
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *(REPOSITORY / "docs").glob("*.md")]
BLOCKS = re.findall(r"^```(\w+) run\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", README, re.M | re.S)
"""Language, code and shown output of every example that runs."""
OLD_WORDS = re.compile(
    r"\b(crew|ahead|sight|sparing|voice|speaker|last words|wish(es)?|stretch|keeping|evidence"
    r"|yardstick|ingredients?)\b"
)
OTHERS = {"--no-index", "--find-links", "--system-site-packages", "--suite", "--rounds"}
OTHERS |= {"--host", "--nthreads", "--nworkers", "--logdir", "--images"}
"""Options of pip, venv, Dask, TensorBoard, of the training and of what ARGS reaches."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the examples name, and the command."""
    folder = tmp_path_factory.mktemp("place")
    with VideoSink(folder / "holiday.mp4") as sink:
        for frame in DemoSource(load_portraits(), frames=20):
            sink.write(frame, FrameResult(frame.source, frame.index, frame.time, ()))
    shutil.copy(folder / "holiday.mp4", folder / "clip.mp4")
    portraits = [ASSETS_FOLDER / ASSETS[name].file_name for name in ("astronaut", "grace hopper")]
    (folder / "photos" / "party").mkdir(parents=True)
    shutil.copy(portraits[0], folder / "photo.jpg")
    shutil.copy(portraits[0], folder / "photos")
    shutil.copy(portraits[1], folder / "photos" / "party")
    command = folder / "bin" / "expressions"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {Path(PYTHON).absolute()} -m edge "$@"\n')
    command.chmod(0o755)
    return folder


def run(place: Path, *command: str | Path) -> str:
    path = f"{place / 'bin'}:{QUIET_ENVIRONMENT['PATH']}"
    done = subprocess.run(
        command,
        cwd=place,
        env=QUIET_ENVIRONMENT | {"PATH": path, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "expressions:" not in done.stderr
    return done.stdout


def shape(text: str) -> list[str]:
    """The lines with 0 for every number and one blank for many."""
    return [" ".join(re.sub(r"\b\d+(\.\d+)?\b", "0", line).split()) for line in text.splitlines()]


@pytest.mark.slow
def test_the_commands_print_what_is_shown(place: Path) -> None:
    for language, code, shown in BLOCKS:
        if language == "sh":
            printed = iter(shape(run(place, "bash", "-euo", "pipefail", "-c", code)))
            missing = [line for line in shape(shown) if line != "…" and line not in printed]
            assert not missing, code
    assert (place / "annotated" / "photos" / "party" / "grace_hopper.jpg").exists()
    assert (place / "annotated" / "holiday.mp4").exists()
    assert (place / "faces.csv").read_text().count("holiday.mp4,") == 40
    assert (place / "events.jsonl").read_text().count('"left"') == 4
    assert (place / "seconds.csv").read_text().count("clip.mp4,") == 2
    assert (place / "clips.webm").stat().st_size > 10_000


@pytest.mark.slow
def test_the_python_examples_run(place: Path) -> None:
    code = "".join(code for language, code, _ in BLOCKS if language == "python")
    lines = run(place, Path(PYTHON).absolute(), "-c", code).splitlines()
    assert lines[0].startswith("happy ")
    assert re.fullmatch(r"\d\.\d s: face \d left, \w+", lines[-1])


@pytest.mark.slow
def test_the_page_of_the_records_has_every_field_and_column(place: Path) -> None:
    files = ["--output", "fields.jsonl", "--output", "fields.csv"]
    run(place, "expressions", "run", "--source", "demo", "--frames", "1", *files)
    record = json.loads((place / "fields.jsonl").read_text())
    columns = (place / "fields.csv").read_text().splitlines()[0].split(",")
    page = (REPOSITORY / "docs/records.md").read_text("utf-8")
    fields = {*record, *record["faces"][0]} - {"faces"}
    columns = [name for name in columns if not name.startswith(("p_", "smoothed_"))]
    columns = [name for name in columns if not name.endswith("_ms")]
    assert [name for name in (*fields, *columns) if f"`{name}`" not in page] == []


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150
    assert len(README.split()) <= 1500
    assert len(BLOCKS) >= 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)", page.read_text("utf-8"))
    for name, heading in links:
        target = page.parent / name if name else page
        assert target.exists(), name
        if heading:
            titles = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            assert heading in {title.lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_options_and_targets_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    known = set(re.findall(r"(?:^- |, )`(--[a-z.-]+)`", options_page(), re.MULTILINE)) | OTHERS
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z.-]*[a-z]", text)) <= known
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^|`|sudo )make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_words_of_the_first_design_are_gone(page: Path) -> None:
    assert not OLD_WORDS.search(page.read_text("utf-8"))


def test_the_page_of_the_options_is_current() -> None:
    page = (REPOSITORY / "docs/options.md").read_text("utf-8")
    assert page == options_page(), "run 'python -m tools.options_page > docs/options.md'"


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (\S+)", changelog, re.MULTILINE) == [__version__]
