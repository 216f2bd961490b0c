"""The command line: what it refuses, writes and returns."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import machine, store
from edge.device import Device
from tests.benchmarks.samples import bench, loop


def run(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--rounds", "1"), 1, "rounds: expected 2 or more, found 1"),
        (("--model", "none.h5"), 1, "none.h5: expected a model or its TFLite files, found none"),
        (("--model", "a/x.h5", "--model", "b/x.h5"), 1, "expected different names"),
        (("--speed", "1"), 2, "--speed"),
        (("compare", "none.json"), 1, "none.json: expected results"),
        (("photographs", "none.zip"), 1, "none.zip: expected a ZIP archive or a folder"),
        (("photographs", "."), 1, "expected one CSV file, found none"),
        (("photographs",), 2, "photos"),
        (("scanning", "--rounds", "0"), 1, "rounds: expected 1 or more, found 0"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: tuple[str, ...], code: int, message: str, tmp_path: Path
) -> None:
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_compare_exits_with_1_where_something_is_worse(tmp_path: Path) -> None:
    device = machine.name(Device())
    store.write(tmp_path / "before.json", bench(device=device))
    folder = tmp_path / "benchmarks" / "results"
    store.write(folder / f"{device}.json", bench(device=device))
    done = run("compare", "before.json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 worse" in done.stdout
    store.write(folder / f"{device}.partial.json", bench(device=device, loop=loop(2.0)))
    done = run("compare", "before.json", folder=tmp_path)
    assert done.returncode == 1
    assert "slower" in done.stdout
    assert "partial.json" in done.stdout
