"""The tutorial works as it stands, from photographs to labels."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

BLOCKS = re.compile(r"^```sh run\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORTRAITS = {"smiling": "astronaut.png", "serious": "grace_hopper.jpg"}


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    """The tracked files of the repository, with its environments and assets."""
    listed = subprocess.run(
        ["git", "-C", str(repository), "ls-files", "-z"], capture_output=True, check=True
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        target = tmp_path / "copy" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (repository / name).exists():
            shutil.copy2(repository / name, target)
    (tmp_path / "copy/.venv").symlink_to(repository / ".venv")
    (tmp_path / "copy/models/assets").symlink_to(repository / "models/assets")
    return tmp_path / "copy"


def photographs(folder: Path, assets: Path) -> None:
    """Forty of each portrait, in other light, sizes and places."""
    rng = np.random.default_rng(0)
    for label, name in PORTRAITS.items():
        portrait = cv2.imread(str(assets / name))
        portrait = portrait[: portrait.shape[1] * 2 // 3]
        (folder / label).mkdir(parents=True)
        for i in range(40):
            size = int(rng.integers(200, 420))
            shown = cv2.resize(portrait, (size, size * portrait.shape[0] // portrait.shape[1]))
            top, left = rng.integers(0, 90, 2)
            shown = cv2.copyMakeBorder(shown, top, 30, left, 30, cv2.BORDER_REFLECT)
            shown = cv2.convertScaleAbs(shown, alpha=rng.uniform(0.5, 1.3), beta=rng.uniform(0, 40))
            shown = shown[:, :: int(rng.choice([-1, 1]))]
            cv2.imwrite(str(folder / label / f"{i}.jpg"), shown)


@pytest.mark.slow
def test_the_commands_of_the_tutorial(copy: Path) -> None:
    photographs(copy / "photographs", copy / "models/assets")
    commands = BLOCKS.findall((copy / "docs/tutorial.md").read_text("utf-8"))
    assert len(commands) == 4
    for command in commands:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=copy,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, command + done.stdout + done.stderr
    assert (copy / "mine/faces.png").exists()
    with (copy / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["label"]]
    assert len(rows) >= 78
    right = [Path(row["source"]).parent.name == row["label"] for row in rows]
    assert np.mean(right) > 0.9
