"""What ``doctor`` says of machines that are made up, and of this one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from edge.device import Device
from edge.errors import SettingsError
from edge.recognizer import usable_cores
from edge.run.build import RunSettings as Settings
from edge.run.doctor import CHECKS, Finding, examine, require, verdict

PI = "Raspberry Pi 4 Model B Rev 1.4"


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def pi(tmp_path: Path) -> Path:
    write(tmp_path, "proc/device-tree/model", f"{PI}\0")
    write(tmp_path, "proc/meminfo", "MemTotal:        3884360 kB\nMemFree: 1 kB\n")
    write(tmp_path, "dev/video0", "")
    write(tmp_path, "sys/class/video4linux/video0/name", "USB Camera\n")
    write(tmp_path, "sys/class/thermal/thermal_zone0/temp", "48312\n")
    return tmp_path


def device(root: Path, throttled: str | None = "throttled=0x0", **other: Any) -> Device:
    return Device(root, {}, ask=lambda command: throttled, **other)


def found(settings: Settings, machine: Device) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings, machine)}


def test_a_good_pi_has_nothing_to_mend(pi: Path) -> None:
    findings = found(Settings(), device(pi))
    assert tuple(findings) == tuple(CHECKS)
    assert {name: f.line() for name, f in findings.items() if f.state != "ok"} == {}
    assert findings["machine"].text.startswith(f"{PI}, ")
    assert f"{usable_cores()} cores, 3.7 GB of memory" in findings["machine"].text
    assert findings["cameras"].text == "/dev/video0 (USB Camera)"
    assert findings["source"].text == "/dev/video0 (USB Camera), which this user may open"
    assert findings["temperature"].text == "48 °C"
    assert "angry" in findings["model"].text
    assert findings["display"].text.startswith("no window: ")
    assert "can work" in verdict(list(findings.values()))


def test_a_folder_of_damaged_images_is_a_problem(pi: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no image")
    findings = found(Settings(source=(str(tmp_path),)), device(pi))
    assert findings["source"].state == "problem"


def test_a_stream_is_not_called_tried(pi: Path) -> None:
    text = found(Settings(source=("http://127.0.0.1:1/a",)), device(pi))["source"].text
    assert text == "http://127.0.0.1:1/a, not tried: only 'run' opens it"


@pytest.mark.parametrize(
    ("setting", "name", "text", "remedy"),
    [
        ({"model": Path("no.tflite")}, "model", "no.tflite: expected a .tflite", "make convert"),
        ({"source": ("7",)}, "source", "found no such device (there are video0)", "plug one in"),
        ({"source": ("no.mp4",)}, "source", "found none of these", "check the path"),
        ({"source": ("long" * 99,)}, "source", "found File name too long", "check the path"),
        ({"source": ("pyproject.toml",)}, "source", "found none", "copy it again"),
        ({"source": ("auto", "0")}, "source", "found 'auto' among others", "name the camera"),
        ({"output": (Path("a.jpg"),)}, "outputs", "expected one photograph for it", "a folder"),
        ({"display": "on"}, "display", "expected a display", "'--display off'"),
        (
            {"output": (Path("LICENSE/a.mp4"),)},
            "outputs",
            "found: Not a directory",
            "another output",
        ),
    ],
)
def test_what_run_would_stumble_over_is_a_problem_with_its_remedy(
    pi: Path, setting: dict[str, Any], name: str, text: str, remedy: str
) -> None:
    findings = found(Settings(**setting), device(pi))
    assert [n for n, finding in findings.items() if finding.state == "problem"] == [name]
    assert text in findings[name].text
    assert remedy in findings[name].text
    assert verdict(list(findings.values())).endswith(f"mend {name}")


def test_what_is_required_is_refused_with_the_first_problem_and_nothing_else_is_asked(
    pi: Path,
) -> None:
    def ask(command: Sequence[str]) -> str | None:
        pytest.fail(f"asked {command}")

    machine = Device(pi, {}, ask=ask)
    names = ("source", "outputs")
    require(names, Settings(display="on", model=Path("no.tflite")), machine)
    with pytest.raises(SettingsError, match=r"no\.mp4: expected .*; check the path"):
        require(names, Settings(source=("no.mp4",), output=(Path("no/a.mp4"),)), machine)


def test_a_camera_that_this_user_may_not_open_is_a_problem_for_auto_too(pi: Path) -> None:
    finding = found(Settings(), device(pi, access=lambda path, mode: False))["source"]
    assert finding.state == "problem"
    assert "sudo usermod -aG" in finding.text


def test_auto_is_the_camera_that_is_there_whatever_its_index(pi: Path) -> None:
    (pi / "dev/video0").rename(pi / "dev/video2")
    write(pi, "dev/video1", "")
    write(pi, "sys/class/video4linux/video1/name", "bcm2835-codec-decode")
    assert found(Settings(), device(pi))["source"].text.startswith("/dev/video2")


def test_without_a_camera_auto_is_the_demo(pi: Path) -> None:
    (pi / "dev/video0").unlink()
    findings = found(Settings(), device(pi))
    assert findings["cameras"].text == "none"
    assert findings["source"].state == "warning"
    assert "the demo is shown instead" in findings["source"].text


def test_an_address_may_be_longer_than_the_name_of_a_file(pi: Path) -> None:
    source = f"http://camera.local/{'token' * 99}"
    assert found(Settings(source=(source,)), device(pi))["source"].state == "ok"


def test_the_demo_is_opened(pi: Path) -> None:
    assert found(Settings(source=("demo",)), device(pi))["source"].text == "demo (640×360)"


def test_more_threads_than_cores_are_a_warning(pi: Path) -> None:
    finding = found(Settings(threads=64), device(pi))["threads"]
    cores = usable_cores()
    assert finding.state == "warning"
    assert finding.text.startswith(f"64 of {cores} cores; set threads to {cores} or fewer")


@pytest.mark.parametrize(
    ("answer", "state", "texts", "remedy"),
    [
        ("throttled=0x0", "ok", ["enough"], ""),
        ("throttled=0x50005", "warning", ["now under-voltage, throttling;"], "power supply"),
        ("throttled=0x50000", "warning", ["now good; since it started under-v"], "power supply"),
        ("throttled=0x80008", "warning", ["now the soft temperature limit;"], "cool it"),
        ("VCHI initialization failed", "warning", ["found none"], "raspi-utils"),
        (None, "warning", ["found none"], "raspi-utils"),
    ],
)
def test_what_the_firmware_says_of_the_power(
    pi: Path, answer: str | None, state: str, texts: Sequence[str], remedy: str
) -> None:
    finding = found(Settings(), device(pi, answer))["power"]
    assert finding.state == state
    assert [text for text in texts if text not in finding.text] == []
    assert remedy in finding.text


def test_the_hottest_sensor_counts_and_a_broken_one_does_not(pi: Path) -> None:
    write(pi, "sys/class/thermal/thermal_zone1/temp", "81500")
    write(pi, "sys/class/thermal/thermal_zone2/temp", "n/a")
    finding = found(Settings(), device(pi))["temperature"]
    assert (finding.state, finding.text) == ("warning", "82 °C; cool it: it slows down")


def test_a_machine_that_says_nothing_is_no_problem(tmp_path: Path) -> None:
    findings = found(Settings(source=("demo",)), device(tmp_path))
    assert findings["temperature"].text == "no sensor"
    assert findings["power"].text == "only a Raspberry Pi tells"
    assert {f.state for f in findings.values()} == {"ok"}


def test_the_command_prints_a_line_for_each_check_and_a_verdict(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["doctor", "--source", "demo", "--display", "off"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == list(CHECKS)
    assert lines[-1] == "'run' can work with these settings"
    settings = tmp_path / "a.toml"
    settings.write_text('source = "97"\n')
    assert main(["doctor", "--config", str(settings), "--display", "off"]) == 1
    assert capsys.readouterr().out.endswith("can't work with these settings: mend source\n")
    assert main(["doctor", "--threads", "0"]) == 2


def test_it_writes_nothing(pi: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    output = tmp_path / "a.jsonl", tmp_path / "a.mp4"
    assert found(Settings(output=output), device(pi))["outputs"].state == "ok"
    assert sorted(tmp_path.rglob("*")) == before
