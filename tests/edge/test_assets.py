"""The runtime reads the pinned bytes or says what mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.assets import ASSETS, ASSETS_FOLDER, home, read_asset
from edge.errors import AssetError


@pytest.mark.parametrize("name", ASSETS)
def test_the_runtime_reads_what_was_fetched(name: str) -> None:
    assert read_asset(name) == (ASSETS_FOLDER / ASSETS[name].file_name).read_bytes()


def test_a_missing_or_changed_asset_is_explained(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"No such file.*run 'make assets'"):
        read_asset("astronaut", tmp_path)
    (tmp_path / "astronaut.png").write_bytes(b"changed")
    with pytest.raises(AssetError, match=r"expected SHA-256 88431cd9653c.*run 'make assets'"):
        read_asset("astronaut", tmp_path)


def test_models_are_found_beside_the_package_and_inside_it(
    tmp_path: Path, repository: Path
) -> None:
    package = tmp_path / "edge"
    package.mkdir()
    assert home(package) == tmp_path
    (package / "models").mkdir()
    assert home(package) == package
    assert home() == repository
