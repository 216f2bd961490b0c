"""What a machine says of itself before and after a run, and when a run does not count."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import host
from benchmarks.__main__ import checked
from benchmarks.errors import BenchmarkError
from edge.device import Device

CALM = {"governor": "performance", "mhz": 1800.0, "celsius": 50.0, "throttled": "no"}


def pi(root: Path, answer: str = "throttled=0x0") -> Device:
    files = {
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1800000\n",
        "sys/class/thermal/thermal_zone0/temp": "48312\n",
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Device(root=root, ask=lambda _: answer)


def test_a_pi_is_called_by_its_model(tmp_path: Path) -> None:
    assert host.name(pi(tmp_path)) == "raspberry-pi-4-model-b-rev-1.4"
    other = host.name(Device(root=tmp_path / "none"))
    assert other == other.lower()
    assert "cores" in other
    assert not set(other) & set(" /,()")


def test_what_it_says_and_what_it_does_not(tmp_path: Path) -> None:
    assert host.state(pi(tmp_path)) == {
        **{"governor": "ondemand", "mhz": 1800.0, "celsius": 48.312, "throttled": "no"}
    }
    flags = host.state(pi(tmp_path, "throttled=0x50005"))["throttled"]
    assert flags == (
        "under-voltage, throttling, under-voltage since the start, throttling since the start"
    )
    nothing = host.state(Device(root=tmp_path / "none", ask=lambda _: None))
    assert set(nothing.values()) == {None}


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, {"governor": "ondemand"}, "governor was 'performance' and became 'ondemand'"),
        ({}, {"throttled": "throttling since the start"}, "became 'throttling since the start'"),
        ({"throttled": "throttling"}, {"throttled": "throttling"}, "throttling at its end"),
        ({"throttled": "throttling"}, {}, "throttling at its beginning"),
    ],
)
def test_a_machine_that_was_held_back_makes_a_run_void(
    before: dict, after: dict, reason: str
) -> None:
    assert reason in (host.void(CALM | before, CALM | after) or "")


def test_what_came_before_the_run_may_have_come_again_in_it(tmp_path: Path) -> None:
    """The firmware's bits since the start stay as they are, whatever happens then."""
    state = host.state(pi(tmp_path, "throttled=0x50000"))
    reason = host.void(state, state) or ""
    for flag in ("under-voltage", "throttling"):
        assert f"{flag} since the start of the machine, so that it can't tell" in reason
    assert "restart the machine" in reason
    assert "at its" not in reason
    calm = host.state(pi(tmp_path))
    assert host.void(calm, calm) is None


@pytest.mark.parametrize("answer", ["throttled=0x50000", "throttled=0x1", "throttled=0x0"])
def test_a_run_that_could_only_be_void_is_refused_before_it_begins(
    tmp_path: Path, answer: str
) -> None:
    (tmp_path / "m.tflite").write_bytes(b"junk")
    wanted = [tmp_path / "m.h5"], 2, tmp_path / "one.json"
    if answer == "throttled=0x0":
        assert checked(*wanted, pi(tmp_path, answer))
        return
    with pytest.raises(BenchmarkError, match=r"found under-voltage.*; restart the machine"):
        checked(*wanted, pi(tmp_path, answer))


@pytest.mark.parametrize("change", [{"mhz": 600.0, "celsius": 70.0}, {"throttled": None}])
def test_clock_temperature_and_what_is_not_told_do_not(change: dict) -> None:
    before = CALM | {"throttled": change.get("throttled", "no")}
    assert host.void(before, CALM | change) is None
