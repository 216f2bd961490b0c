"""The wheel in an environment of its own: what it carries, its command, and the public API."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import pytest

from edge import __version__
from edge.assets import ASSETS
from edge.settings import Settings
from edge.sources.demo import DemoSource, load_portraits
from tests.edge.processes import PYTHON
from tools.list_licences import write_list

pytestmark = pytest.mark.slow

TEN_LINES = """
import json, sys
import cv2
from edge import Recognizer, annotate

recognizer = Recognizer()
result = recognizer(cv2.imread("portrait.png"))
for face in result.faces:
    print(face.label, face.certain, face.track_id)
    assert face.score == max(face.probabilities.values())
    assert face.box.width > 0 and face.key_points.shape == (6, 2)
for frame, result in recognizer.stream("clip.avi"):
    shown = annotate(frame.image, result)
    assert shown.shape == frame.image.shape and (shown != frame.image).any()
    print(json.dumps(result.to_dict()))
assert not {"tensorflow", "keras", "matplotlib"} & set(sys.modules)
"""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the tree: the assets are there, so that no network is needed."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=repository)
    (found,) = folder.iterdir()
    return found


@pytest.fixture(scope="module")
def binaries(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; its libraries are those of the tests' edge environment."""
    folder = tmp_path_factory.mktemp("environment")
    run(PYTHON, "-m", "venv", folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    libraries = run(PYTHON, "-c", "import numpy; print(numpy.__path__[0])").strip()
    (packages / "libraries.pth").write_text(str(Path(libraries).parent))
    run(folder / "bin/python", "-m", "pip", "install", "--no-index", "--no-deps", wheel)
    return folder / "bin"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a portrait and a video, without the repository."""
    folder = tmp_path_factory.mktemp("place")
    demo = DemoSource(load_portraits(), faces=1)
    cv2.imwrite(str(folder / "portrait.png"), demo.render(0))
    writer = cv2.VideoWriter(
        str(folder / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (640, 360)
    )
    for index in range(5):
        writer.write(demo.render(index))
    writer.release()
    return folder


def records(lines: Sequence[str]) -> list[tuple[int, str, int]]:
    """Frame, label and track of every line's first face."""
    found = [json.loads(line) for line in lines]
    return [(each["frame"], (face := each["faces"][0])["label"], face["track"]) for each in found]


def test_it_carries_the_model_every_asset_and_its_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assets = [Path("models/assets", asset.file_name) for asset in ASSETS.values()]
    carried = {f"edge/{path.as_posix()}" for path in (Settings().model, *assets)}
    assert carried | {"edge/py.typed", "edge/service/install", "edge/web/page/page.js"} <= names
    assert all(name.startswith(("edge/", "edge_expressions-")) for name in names)


def test_the_ten_lines_run_with_the_wheel_alone(binaries: Path, place: Path) -> None:
    lines = run(binaries / "python", "-c", TEN_LINES, cwd=place).splitlines()
    assert [line.split()[-1] for line in lines[:-5]] == ["None"] * len(lines[:-5])
    assert len(lines) > 5
    tracked = records(lines[-5:])
    assert [frame for frame, _, _ in tracked] == [0, 1, 2, 3, 4]
    assert {track for _, _, track in tracked} == {1}


def test_the_command_records_what_the_library_finds(binaries: Path, place: Path) -> None:
    command = binaries / "expressions"
    assert run(command, "--version", cwd=place).strip().endswith(__version__)
    output = place / "out.jsonl"
    run(command, "run", "--source", "clip.avi", "--display", "off", "--output", output, cwd=place)
    lines = output.read_text(encoding="utf-8").splitlines()
    library = run(binaries / "python", "-c", TEN_LINES, cwd=place).splitlines()[-5:]
    assert records(lines) == records(library)


def test_the_licences_name_every_wheel_and_its_gpl_parts(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / wheel.name).write_bytes(wheel.read_bytes())
    with zipfile.ZipFile(tmp_path / "video-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("video-1.0.dist-info/METADATA", "Name: video\nVersion: 1\nLicense: BSD\n")
        archive.writestr("video.libs/libx264-1234.so.165", "")
    write_list(tmp_path)
    text = (tmp_path / "LICENSES.txt").read_text(encoding="utf-8")
    assert f"edge-expressions {__version__}: MIT AND Apache-2.0" in text
    assert "video 1: BSD" in text
    assert text.rstrip().endswith("video 1: x264")
