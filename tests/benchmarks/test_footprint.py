"""What a run costs, with programs that stand in for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import footprint
from benchmarks.errors import WorkerError

PYTHON = Path(sys.executable)
RUN = """
import sys
print("demo (640×360)", file=sys.stderr, flush=True)
print("demo · one face", flush=True)
if sys.argv[-1] == "1000":
    kept = bytearray(80 << 20)
print("done")
"""


def test_start_memory_and_disk_are_measured(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.symlink_to(PYTHON)
    (tmp_path / "library").write_bytes(bytes(3_000_000))
    found, series = footprint.measure(python, 3, ("-c", RUN))
    assert found.start.count == len(series.times["start"]) == len(series.reference) == 3
    assert 5 < found.start.p50.value < 10_000
    assert found.frames == 1000
    if Path("/proc/self/status").exists():
        assert found.memory_mb > 84
    assert found.environment_mb == pytest.approx(3, rel=0.05)


def test_a_run_that_fails_says_its_last_line() -> None:
    code = "raise SystemExit('no model here')"
    with pytest.raises(WorkerError, match=r"exit code 1 \(no model here\)"):
        footprint.measure(PYTHON, 2, ("-c", code))


def test_a_run_without_a_result_is_an_error() -> None:
    with pytest.raises(WorkerError, match="expected that the demo runs"):
        footprint.measure(PYTHON, 2, ("-c", "pass"))


def test_a_run_that_hangs_is_ended() -> None:
    code = "import time\nprint('frame 0', flush=True)\ntime.sleep(600)"
    with pytest.raises(WorkerError, match="exit code -9"):
        footprint.measure(PYTHON, 2, ("-c", code), limit=0.3)


def test_an_environment_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="expected the Python of an edge environment"):
        footprint.measure(tmp_path / "bin" / "python", 2)
