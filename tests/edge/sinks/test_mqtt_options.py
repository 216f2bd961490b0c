"""Where the broker is and what is asked of it: addresses, passwords, names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge.cli import _parse
from edge.errors import SettingsError
from edge.sinks.mqtt import ADAPTER, MqttOptions, identity, level_of
from edge.sinks.mqtt_broker import parse_address
from tests.edge.sinks.broker import (
    options,
)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("mqtt://broker", ("broker", 1883, False, "", "")),
        ("mqtts://broker", ("broker", 8883, True, "", "")),
        ("mqtt://pi@10.0.0.2:1884/home/hall/", ("10.0.0.2", 1884, False, "pi", "home/hall")),
        ("mqtt://p%40i@[::1]", ("::1", 1883, False, "p@i", "")),
    ],
)
def test_an_address_says_all_but_the_password(address: str, expected: tuple[object, ...]) -> None:
    broker = parse_address(address)
    assert (broker.host, broker.port, broker.tls, broker.user, broker.topic) == expected


@pytest.mark.parametrize(
    "address",
    [
        *("broker", "http://broker", "mqtt://", "mqtt://broker:x", "mqtt://broker:0"),
        *("mqtt://a?b", f"mqtt://{'a' * 70}"),
        *("mqtt://broker/a/+", "mqtt://broker/a//b", "mqtt://broker/$SYS"),
    ],
)
def test_a_bad_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(SettingsError, match=r"mqtt\.address: expected .*, found"):
        MqttOptions(address=address)


@pytest.mark.parametrize("address", ["mqtt://pi:secret@broker", "mqt://pi:secret@broker"])
def test_a_password_in_the_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(SettingsError, match="expected no password") as caught:
        MqttOptions(address=address)
    assert "secret" not in str(caught.value)


def test_a_picture_every_tenth_of_a_second_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"picture-every: expected 1…86400 s, found 0\.1"):
        options(picture_every=0.1)


def test_the_password_is_that_of_the_file_or_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "password"
    path.write_text("from the file\n")
    assert options().password("pi") == ""
    monkeypatch.setenv("EXPRESSIONS_MQTT_PASSWORD", "from the environment")
    assert options().password("pi") == "from the environment"
    assert options(password_file=str(path)).password("pi") == "from the file"
    with pytest.raises(SettingsError, match="expected the user that the password belongs to"):
        options().password("")


@pytest.mark.parametrize(
    ("name", "text"),
    [("address", "mqtt://h/\udcff"), ("device", "\udcff"), ("device", "x" * 1001)],
)
def test_a_text_that_mqtt_cannot_send_is_refused(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=rf"mqtt\.{name}: expected at most 1000 bytes of UTF-8"):
        MqttOptions(**{name: text})


def test_a_password_that_is_no_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPRESSIONS_MQTT_PASSWORD", "\udcff")
    with pytest.raises(SettingsError, match=r"password: expected .* found bytes that are none"):
        options().password("pi")


def test_a_pipe_as_the_authority_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ca")
    with pytest.raises(SettingsError, match=r"found: .*a pipe, a device or a socket"):
        ADAPTER.check(options(address="mqtts://localhost", ca_file=str(tmp_path / "ca")))


def test_a_password_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="expected a file with the broker's password, found"):
        options(password_file=str(tmp_path / "none")).password("pi")


def test_a_missing_package_is_told_with_its_extra(repository: Path) -> None:
    code = (
        "import sys; sys.modules['paho'] = None\n"
        "from edge.sinks.mqtt import ADAPTER, MqttOptions\n"
        "ADAPTER.check(MqttOptions(address='mqtt://localhost'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert "SettingsError: mqtt: expected the package paho-mqtt" in done.stderr
    assert "run 'make run-edge', or pip install '.[mqtt]'" in done.stderr


def test_no_run_without_a_broker_imports_the_package(repository: Path) -> None:
    code = "import sys, edge.sinks, edge.run.build; print({'paho', 'ssl'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("camera 0", "camera-0"),
        ("rtsp://10.0.0.5:554/a+b#c", "rtsp-10-0-0-5-554-a-b-c"),
        ("Flur/Küche", "Flur-K-che"),
        ("摄像头", "camera"),
    ],
)
def test_a_name_becomes_one_level_of_a_topic(name: str, level: str) -> None:
    assert level_of(name) == level


def test_the_name_of_a_device_stays_and_is_its_own(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1" * 32)
    other.write_text("2" * 32)
    names = {identity(base, path) for base in ("a", "b") for path in (one, other)}
    assert len(names) == 4
    assert identity("a", one) in names
    assert all(len(name) <= 23 for name in names)  # what a broker must take
    assert "1111" not in "".join(names)


@pytest.mark.parametrize(
    "words",
    [
        ["--mqtt", "mqtt://broker", "--mqtt.device", "pi"],
        ["--mqtt.device=pi", "--mqtt=mqtt://broker"],
        ["--mqtt.address", "mqtt://broker", "--mqtt.device", "pi"],
        ["--config", "SETTINGS", "--mqtt", "mqtt://broker"],
    ],
)
def test_the_address_has_a_short_name_beside_the_other_options(
    words: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[mqtt]\naddress = "mqtt://other"\ndevice = "pi"\n')
    words = [str(path) if word == "SETTINGS" else word for word in words]
    settings: Any = _parse(["run", "demo", *words])
    assert settings.mqtt == MqttOptions(address="mqtt://broker", device="pi")


def test_doctor_reads_the_settings_and_opens_no_connection() -> None:
    assert "localhost:1883, not tried" in str(ADAPTER.check(options()))
    with pytest.raises(SettingsError, match="expected certificates in PEM"):
        ADAPTER.check(options(address="mqtts://localhost", ca_file="/dev/null"))
