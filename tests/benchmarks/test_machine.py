"""A run counts on a machine that nothing held back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.errors import BenchmarkError
from benchmarks.results import State
from edge.device import Device

FINE = State("ondemand", 1800.0, 50.0, "no")


def board(root: Path, throttled: str = "0x0") -> Device:
    files = {
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
        "sys/class/thermal/thermal_zone0/temp": "51000\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    ask: Callable[[Sequence[str]], str] = lambda _: f"throttled={throttled}"  # noqa: E731
    return Device(root=root, ask=ask)


def test_a_pi_is_called_by_its_model(tmp_path: Path) -> None:
    assert machine.name(board(tmp_path)) == "raspberry-pi-4-model-b-rev-1.4"


def test_another_machine_is_called_by_its_processor(tmp_path: Path) -> None:
    assert "cores" in machine.name(Device(root=tmp_path))


def test_the_state_is_what_the_machine_says(tmp_path: Path) -> None:
    assert machine.state(board(tmp_path)) == State("ondemand", 1500.0, 51.0, "no")
    found = machine.state(board(tmp_path, "0x50001")).throttled
    assert found == "under-voltage, under-voltage since the start, throttling since the start"
    assert machine.state(Device(root=tmp_path / "none", ask=lambda _: None)) == State()


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (FINE, State("ondemand", 600.0, 84.0, "no"), None),
        (State(), State(), None),
        (FINE, State("powersave", 600.0, 50.0, "no"), "the governor was ondemand and became pow"),
        (FINE, State("ondemand", 600.0, 85.0, "throttling since the start"), "throttling was no"),
        (*[State(throttled="under-voltage since the start")] * 2, "throttled before the run"),
    ],
)
def test_what_caps_the_machine_makes_a_run_invalid(
    before: State, after: State, reason: str | None
) -> None:
    found = machine.invalid(before, after)
    assert found is None if reason is None else reason in str(found)


def test_a_throttled_machine_is_refused_beforehand(tmp_path: Path) -> None:
    machine.check(board(tmp_path))
    with pytest.raises(BenchmarkError, match="restart the machine"):
        machine.check(board(tmp_path, "0x10000"))


def test_the_origin_names_what_is_installed() -> None:
    found = machine.origin()
    assert "numpy" in found.versions
    assert len(found.date) == 10
