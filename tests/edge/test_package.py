"""The wheel: what it carries and needs, and its command."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from edge.assets import ASSETS, ASSETS_FOLDER
from edge.places import advice, home
from edge.settings import Settings
from tests.edge.processes import PYTHON


@pytest.fixture(scope="module")
def project(repository: Path) -> Mapping[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_wheel_carries_the_model_and_every_asset(project: Mapping[str, Any]) -> None:
    carried = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    model = Settings().model
    assets = [Path("models/assets", asset.file_name) for asset in ASSETS.values()]
    assert carried == {str(path): f"edge/{path}" for path in (model, *assets)}


def test_the_wheel_needs_what_the_environment_of_a_device_has(
    project: Mapping[str, Any], repository: Path
) -> None:
    files = ("edge.txt", "opencv-headless.txt")
    lines = [
        line
        for name in files
        for line in (repository / "requirements" / name).read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert project["project"]["dependencies"] == lines


def test_the_command_of_the_wheel_is_python_m_edge(project: Mapping[str, Any]) -> None:
    module, _, name = project["project"]["scripts"]["expressions"].partition(":")
    assert callable(getattr(import_module(module), name))
    code = f"import sys, {module}; sys.argv = ['expressions', 'run', '--threads', '0']; "
    done = subprocess.run(
        [PYTHON, "-c", f"{code}{module}.{name}()"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("expressions: threads: expected 1…64, found 0")


def test_models_are_found_beside_the_package_and_inside_it(
    tmp_path: Path, repository: Path
) -> None:
    package = tmp_path / "edge"
    package.mkdir()
    assert home(package) == tmp_path
    (package / "models").mkdir()
    assert home(package) == package
    assert home() == repository
    assert advice("run 'make assets'", package=tmp_path) == "run 'make assets'"
    assert "pip install" in advice("run 'make assets'", package=package)
    assert advice("run 'make x'", "run 'pip x'", package) == "run 'pip x'"
    assert repository / "models" / "assets" == ASSETS_FOLDER
