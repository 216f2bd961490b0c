"""The Makefile's help, the exact versions, and the ranges of the wheel belong together."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]
SOURCES = sorted((REPOSITORY / "requirements").rglob("*.in"))
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")


def pinned(path: Path) -> Iterator[tuple[str, str]]:
    """Name and version of every "name==version" that begins a line."""
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text("utf-8"), re.MULTILINE):
        yield name.lower().replace("_", "-"), version


@pytest.fixture(scope="module")
def pyproject() -> Mapping[str, Any]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(pyproject: Mapping[str, Any]) -> Mapping[str, Any]:
    return pyproject["project"]


def test_what_builds_the_wheel_has_one_version(pyproject: Mapping[str, Any]) -> None:
    versions = dict(pinned(REPOSITORY / "requirements/package.in"))
    assert f"hatchling=={versions['hatchling']}" in pyproject["build-system"]["requires"]


def test_pip_takes_nothing_without_a_hash() -> None:
    calls = re.findall(r"^.*\$\((?:PIP\) -m pip|pip\)) .*$", MAKEFILE, re.MULTILINE)
    calls = [line for line in calls if not line.startswith("pip = ")]
    assert len(calls) == 2
    assert all("--require-hashes" in line for line in calls)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_compiled_file_has_the_versions_of_its_source_and_hashes(source: Path) -> None:
    compiled = source.with_suffix(".txt")
    missing = set(pinned(source)) - set(pinned(compiled))
    assert not missing, "run 'make requirements'"
    blocks = re.split(r"^(?=[\w.-]+==)", compiled.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert all("--hash=sha256:" in block for block in blocks[1:])


def test_what_is_tested_is_what_the_wheel_asks_for(project: Mapping[str, Any]) -> None:
    asked = [*project["dependencies"], *project["optional-dependencies"]["video"]]
    files = ("edge", "video", "opencv-headless", "edge-tflite-runtime")
    found = {name: set(pinned(REPOSITORY / f"requirements/{name}.in")) for name in files}
    newest = {**dict(found["edge"]), **dict(found["video"]), **dict(found["opencv-headless"])}
    lowest = dict(found["edge-tflite-runtime"])
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(newest[requirement.name])
        if requirement.name in lowest:
            assert requirement.specifier.contains(lowest[requirement.name])


def test_every_target_and_every_variable_is_in_the_help() -> None:
    help_text = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (phony,) = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    targets = {name for name in phony.replace("\\\n", " ").split() if "given-" not in name}
    assert targets == set(re.findall(r"^  make ([\w-]+) ", help_text, re.MULTILINE))
    exported = re.search(r"^export (.*)$", MAKEFILE, re.MULTILINE)
    assert exported
    defaults = re.findall(r"^(\w+) \?=", MAKEFILE, re.MULTILINE)
    for name in (*exported[1].split(), *defaults, "ARGS", "TESTS", "VIDEO"):
        assert f"{name}=" in help_text
