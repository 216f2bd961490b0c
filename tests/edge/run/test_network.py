"""What settings need a network for."""

from __future__ import annotations

import pytest

from edge.run.build import RunSettings
from edge.run.network import Need, drop_in, is_local, needs_network
from edge.sinks.mqtt import MqttOptions


def test_a_camera_and_files_need_none() -> None:
    settings = RunSettings(source=("0", "picamera", "demo", "/videos/a.mp4"))
    assert needs_network(settings) == []
    assert drop_in([]) == ""


def test_a_stream_and_a_broker_need_one_and_no_password_is_shown() -> None:
    settings = RunSettings(
        source=("0", "RTSP://me:secret@camera/live"),
        mqtt=MqttOptions(address="mqtts://pi@broker"),  # type: ignore[call-arg]
    )
    assert needs_network(settings) == [
        Need("RTSP://camera/live", False),
        Need("mqtt mqtts://pi@broker", False),
    ]


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *(("localhost", True), ("127.0.0.1", True), ("127.1.2.3:1884", True), ("[::1]", True)),
        *(("broker", False), ("10.0.0.1", False), ("[::]", False), ("0.0.0.0", False)),
        ("localhost.example", False),
    ],
)
def test_this_device_alone_is_told_from_others(host: str, local: bool) -> None:
    settings = RunSettings(mqtt=MqttOptions(address=f"mqtt://{host}"))  # type: ignore[call-arg]
    [need] = needs_network(settings)
    assert need.local is local
    assert ("IPAddressAllow=localhost" in drop_in([need])) is local
    assert ("IPAddressDeny=" in drop_in([need])) is not local


@pytest.mark.parametrize(
    ("address", "local"),
    [("8080", True), ("localhost:8080", True), ("0.0.0.0:8080", False), ("[::1]:8080", True)],
)
def test_the_address_of_a_page_has_no_scheme(address: str, local: bool) -> None:
    assert is_local(address) is local


def test_one_that_leaves_the_device_opens_it_for_all() -> None:
    opened = drop_in([Need("web 8080", True), Need("mqtt mqtt://broker", False)])
    assert "IPAddressAllow" not in opened
    assert "#   web 8080\n#   mqtt mqtt://broker\n" in opened


def test_an_address_adds_no_line_to_the_unit() -> None:
    opened = drop_in([Need("rtsp://camera/\n[Service]\nUser=root", False)])
    assert "#   rtsp://camera/\\u000a[Service]\\u000aUser=root\n" in opened
