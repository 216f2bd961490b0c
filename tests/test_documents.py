"""What the README tells a user to type exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

DOCUMENTS = ("README.md", "models/README.md", "images/README.md")


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


def test_what_a_stream_as_source_of_the_service_needs_is_that_of_its_unit(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    unit = (repository / "edge" / "service" / "expressions.service").read_text(encoding="utf-8")
    [lines] = re.findall(r"```ini\n(\[Service\]\n(?:\w+=.*\n)+)```", text)
    assert "".join(f"#   {line}\n" for line in lines.splitlines()) in unit


def test_every_edge_option_in_the_makefile_exists(repository: Path) -> None:
    from edge.settings import Settings

    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    recipe = makefile[makefile.index("run-edge:") : makefile.index("data:")]
    options = set(re.findall(r"--([a-z-]+)", recipe))
    assert options == {"source", "detector", "output"}
    assert options <= {name.replace("_", "-") for name in Settings.__dataclass_fields__}
