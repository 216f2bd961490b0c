"""What dist/ is made of: its list of parts, and the page of the licences."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from edge.assets import ASSETS, ASSETS_FOLDER
from edge.settings import Settings
from tools import licences_page
from tools.assets_list import PARTS
from tools.list_parts import NAME, write_parts

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs/licences.md").read_text(encoding="utf-8")


def write_wheel(path: Path, metadata: str, **members: bytes | str) -> Path:
    name, version, *_ = path.name.split("-")
    with zipfile.ZipFile(path, "w") as archive:
        head = f"Metadata-Version: 2.4\nName: {name.replace('_', '-')}\nVersion: {version}\n"
        archive.writestr(f"{name}-{version}.dist-info/METADATA", head + metadata)
        for member, content in members.items():
            archive.writestr(member, content)
    return path


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    assets = {f"edge/models/{part.file}": part.name for part in PARTS if part.file}
    ours = tmp_path / "edge_expressions-1.0-py3-none-any.whl"
    write_wheel(ours, "License-Expression: MIT AND Apache-2.0\n", **assets)
    for machine in ("x86_64", "aarch64"):
        path = tmp_path / f"video_tools-2.1-cp311-cp311-manylinux_2_28_{machine}.whl"
        words = "Classifier: License :: OSI Approved :: BSD License\n"
        write_wheel(path, words, **{"video_tools.libs/libx264-1.so": machine})
    (tmp_path / "install-service").touch()
    return tmp_path


def components(folder: Path) -> dict[str, dict[str, Any]]:
    write_parts(folder)
    text = (folder / NAME).read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    return {each["bom-ref"]: each for each in json.loads(text)["components"]}


def test_every_wheel_is_a_part_with_its_hash(dist: Path) -> None:
    found = components(dist)
    assert set(found) == {path.name for path in dist.glob("*.whl")}
    for name, part in found.items():
        digest = hashlib.sha256((dist / name).read_bytes()).hexdigest()
        assert part["hashes"] == [{"alg": "SHA-256", "content": digest}]
    part = found["video_tools-2.1-cp311-cp311-manylinux_2_28_aarch64.whl"]
    assert (part["name"], part["version"]) == ("video-tools", "2.1")
    assert part["purl"].startswith("pkg:pypi/video-tools@2.1?file_name=video_tools-2.1-cp311")
    assert part["licenses"] == [{"license": {"name": "BSD License"}}]
    assert part["properties"] == [{"name": "GPL library", "value": "x264"}]


def test_our_wheel_names_the_weights_and_pictures_inside(dist: Path) -> None:
    ours = components(dist)["edge_expressions-1.0-py3-none-any.whl"]
    assert ours["licenses"] == [{"expression": "MIT AND Apache-2.0"}]
    inside = {each["name"]: each for each in ours["components"]}
    assert set(inside) == {part.name for part in PARTS if part.file}
    face = inside["BlazeFace, short range"]
    assert face["type"] == "machine-learning-model"
    assert face["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    digest = hashlib.sha256(b"BlazeFace, short range").hexdigest()
    assert face["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert "FER+ votes" in inside["Finalmodel"]["description"]


def test_a_wheel_without_an_asset_is_no_wheel_of_ours(dist: Path) -> None:
    write_wheel(dist / "edge_expressions-1.0-py3-none-any.whl", "License: MIT\n")
    with pytest.raises(KeyError, match="edge/models"):
        write_parts(dist)


def test_every_file_of_the_wheel_that_others_made_is_a_part() -> None:
    licences = {ASSETS["BlazeFace licence"].file_name}
    assets = {asset.file_name for asset in ASSETS.values()} - licences
    listed = {Path(part.file) for part in PARTS if part.file}
    assert listed == {Path("Finalmodel.tflite"), *(Path("assets", name) for name in assets)}
    assert Settings().model.name == "Finalmodel.tflite"
    assert ASSETS_FOLDER.name == "assets"


def test_the_page_of_the_licences_is_that_of_the_requirements() -> None:
    known = licences_page.stated(PAGE)
    wanted = set(licences_page.pins())
    assert wanted <= set(known), "run 'python -m tools.licences_page > docs/licences.md'"
    assert licences_page.page(lambda name, version: known[name, version]) == PAGE
    assert all(known[each] for each in wanted)
    assert "GPL parts: x264, x265" in known["av", dict(wanted)["av"]]


def test_what_no_environment_has_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert licences_page.main([str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "absl-py: expected it in an environment below" in err


def test_licences_are_those_of_the_installed_packages(tmp_path: Path) -> None:
    info = tmp_path / "train/lib/python3.11/site-packages/av-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: av\nVersion: 1.0\nLicense-Expression: BSD-3-Clause\n")
    (info / "RECORD").write_text("av.libs/libx265-1.so,,\nav/__init__.py,,\n")
    licence = licences_page.installed([tmp_path])
    assert licence("av", "1.0") == "BSD-3-Clause; **GPL parts: x265**"
    assert licence("av", "1.1") == licence("av", "1.0")
