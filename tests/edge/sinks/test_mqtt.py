"""What goes to an MQTT broker and when, with a stand-in for paho's client."""

from __future__ import annotations

import logging
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.cli import _parse
from edge.errors import SettingsError
from edge.events import Event
from edge.settings import Settings
from edge.sinks.mqtt import ADAPTER, MqttOptions, MqttSink, identity, level_of
from edge.sinks.mqtt_broker import parse_address
from edge.types import Frame, FrameResult, Outage
from edge.vision.painter import Painter
from tests.edge.fakes import LABELS, frames, image, seen, square
from tests.edge.sinks.broker import FakeClient

BOX = square(20, 20, 10)
BASE = "expressions/pi"
STATE, EVENTS = f"{BASE}/camera-0/state", f"{BASE}/camera-0/events"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def options(**more: Any) -> MqttOptions:
    return MqttOptions(**{"address": "mqtt://localhost", "device": "pi", **more})


def sink(client: FakeClient, clock: Clock | None = None, **more: Any) -> MqttSink:
    return MqttSink(options(**more), LABELS, client=client, clock=clock or Clock())


def write(to: MqttSink, n: int = 0, faces: int = 0, source: str = "camera 0") -> None:
    frame = Frame(image(), n, n / 10, source, live=True)
    shown = tuple(seen(BOX, track_id=track + 1) for track in range(faces))
    to.write(frame, FrameResult(source, n, n / 10, shown))


def event(n: int = 0) -> Event:
    return Event("appeared", "camera 0", n / 10, 1e9, track=n, label="happy", score=0.9)


# The address and the options


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
    assert "edge-expressions[mqtt]" in done.stderr


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


# What is published


def test_a_run_says_that_it_is_there_and_that_it_ended() -> None:
    client = FakeClient()
    with sink(client) as opened:
        assert client.started
        assert client.will == (f"{BASE}/availability", "offline", 1, True)
        client.accept()
        assert client.published == [(f"{BASE}/availability", "online", 1, True)]
        write(opened)
    assert client.published[-1] == (f"{BASE}/availability", "offline", 1, True)
    assert client.disconnected


def test_a_camera_has_a_retained_state_and_events_with_a_receipt() -> None:
    client = FakeClient()
    with sink(client) as opened:
        client.accept()
        opened.notice(event(1))
        write(opened, 1, faces=1)
        assert client.last(EVENTS).content == event(1).to_dict()
        assert client.last(EVENTS)[2:] == (1, False)
        state = client.last(STATE)
        assert state.retain
        assert (state.content["people"], state.content["expression"]) == (1, "happy")


def test_every_camera_has_topics_of_its_own_and_files_share_theirs() -> None:
    client = FakeClient()
    with sink(client) as opened:
        client.accept()
        for source in ("camera 0", "camera-0", "camera 1"):
            write(opened, source=source)
        for name in ("a.mp4", "b.mp4"):
            [frame] = frames(1, source=name)
            opened.write(frame, FrameResult(name, 0, 0.0, ()))
    states = {topic for topic in client.topics() if topic.endswith("/state")}
    assert len(states) == 4
    assert {STATE, f"{BASE}/camera-1/state", f"{BASE}/files/state"} < states


def test_a_camera_that_never_opened_is_no_file() -> None:
    client = FakeClient()
    with sink(client) as opened:
        client.accept()
        opened.notice(Event("source_lost", "camera 0", 1.0, reason="no such camera"))
        opened.lost(Outage("camera 0", 1.0, 1.0, "no such camera", 2.0))
        assert client.last(EVENTS).content["reason"] == "no such camera"
        assert client.last(STATE).content["connected"] is False


def test_the_topic_of_the_address_takes_the_place_of_the_default() -> None:
    client = FakeClient()
    with sink(client, address="mqtt://localhost/home/hall") as opened:
        client.accept()
        write(opened)
        assert "home/hall/camera-0/state" in client.topics()


def test_states_come_once_a_second_at_most_and_the_last_one_at_the_end() -> None:
    client, clock = FakeClient(), Clock()
    with sink(client, clock) as opened:
        client.accept()
        for n in range(30):
            clock.now += 0.1
            opened.notice(event(n))
            write(opened, n)
        assert len([topic for topic in client.topics() if topic == STATE]) in (3, 4)
    assert client.last(STATE).content["people"] == 30


# A broker that is away


def test_events_wait_for_the_broker_and_the_oldest_are_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = FakeClient()
    with sink(client) as opened:
        for n in range(1003):
            opened.notice(event(n))
        write(opened)
        assert client.published == []
        client.accept()
        write(opened, 1)
        told = [message.content["track"] for message in client.published if message.topic == EVENTS]
        assert told == list(range(3, 1003))
        assert client.last(STATE).content["events_dropped"] == 3
    assert caplog.text.count("the oldest are dropped") == 1


def test_no_more_events_are_sent_than_have_a_receipt_to_come() -> None:
    client = FakeClient(confirms=False)
    opened = sink(client)
    opened.__enter__()
    client.accept()
    for n in range(50):
        opened.notice(event(n))
    assert client.topics().count(EVENTS) == 20
    client.confirms = True
    opened.__exit__()
    assert client.topics().count(EVENTS) == 50


def test_a_message_that_the_connection_broke_at_holds_up_no_other() -> None:
    client = FakeClient(breaks=True)
    with sink(client) as opened:
        client.accept()
        for n in range(50):
            opened.notice(event(n))
        assert client.topics().count(EVENTS) == 50


def test_state_and_device_are_sent_again_after_a_reconnection() -> None:
    client, clock = FakeClient(), Clock()
    with sink(client, clock) as opened:
        client.accept()
        write(opened)
        client.lose()
        write(opened, 1)
        before = len(client.published)
        client.accept()
        write(opened, 2)
        again = [message.topic for message in client.published[before:]]
    assert again[0] == f"{BASE}/availability"
    assert any(topic.startswith("homeassistant/device/") for topic in again)
    assert STATE in again


def test_home_assistant_is_told_again_when_it_starts() -> None:
    client = FakeClient()
    with sink(client) as opened:
        client.accept()
        assert client.subscribed == ["homeassistant/status"]
        write(opened)
        [config] = [topic for topic in client.topics() if topic.endswith("/config")]
        assert client.last(config).retain
        for payload, count in ((b"offline", 1), (b"online", 2)):
            client.hear("homeassistant/status", payload)
            write(opened, 1)
            assert client.topics().count(config) == count


def test_without_discovery_nobody_is_told() -> None:
    client = FakeClient()
    with sink(client, discovery="") as opened:
        client.accept()
        write(opened)
    assert client.subscribed == []
    assert not [topic for topic in client.topics() if "config" in topic]


UNKNOWN_CA = ssl.SSLCertVerificationError("certificate verify failed")
UNKNOWN_CA.verify_message = "self-signed certificate in certificate chain"
NO_TLS = ssl.SSLError(1, "wrong version number")


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (lambda c: c.fail(ConnectionRefusedError(111, "Connection refused")), "broker runs"),
        (lambda c: c.fail(TimeoutError("timed out")), "found: timed out"),
        (lambda c: c.fail(UNKNOWN_CA), "found: self-signed certificate in certificate chain; name"),
        (lambda c: c.fail(NO_TLS), "expected TLS at localhost:8883"),
        (lambda c: c.refuse("Not authorized"), "let us without a user in, found: Not authorized"),
        (lambda c: c.lose("Keep alive timeout"), "expected an answer of an MQTT broker"),
    ],
)
def test_what_is_wrong_is_said_once_with_advice(
    happens: Callable[[FakeClient], None], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = FakeClient()
    with sink(client, address=f"{'mqtts' if '8883' in said else 'mqtt'}://localhost") as opened:
        for n in range(3):
            happens(client)
            write(opened, n)
    [line] = [record.getMessage() for record in caplog.records]
    assert said in line
    assert line.endswith("; the run goes on and tries again")


def test_a_broker_that_comes_and_goes_does_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    client, clock = FakeClient(), Clock()
    with sink(client, clock):
        for _ in range(30):
            client.accept()
            client.lose("Unspecified error")
            clock.now += 1
        assert len(caplog.records) == 2
        clock.now += 60
        client.accept()
    assert len(caplog.records) == 3


def test_a_broker_that_answers_after_the_end_hears_no_online() -> None:
    client = FakeClient()
    with sink(client):
        pass
    client.accept()
    assert client.published == []


# Pictures


def asked(client: FakeClient, every: float, hide: Any = "off") -> MqttSink:
    def painter() -> Painter:
        return Painter(frozenset(), hide)

    return MqttSink(
        options(picture_every=every), LABELS, painter, client=client, clock=time.monotonic
    )


def test_there_is_no_picture_unless_asked() -> None:
    client = FakeClient()
    with sink(client) as opened:
        client.accept()
        write(opened, faces=1)
    assert not [topic for topic in client.topics() if topic.endswith("/picture")]
    assert all(isinstance(message.payload, str) for message in client.published)


def test_a_picture_is_a_jpeg_that_hides_faces_and_is_not_retained() -> None:
    client, bright = FakeClient(), image(value=200)
    with asked(client, 60, hide="blank") as opened:
        client.accept()
        result = FrameResult("camera 0", 0, 0.0, (seen(BOX),))
        opened.write(Frame(bright, 0, 0.0, "camera 0", live=True), result)
        wait_for(lambda: f"{BASE}/camera-0/picture" in client.topics())
        for n in range(1, 5):
            write(opened, n)
    [sent] = [message for message in client.published if message.topic.endswith("/picture")]
    assert not sent.retain
    assert isinstance(sent.payload, bytes)
    shown = cv2.imdecode(np.frombuffer(sent.payload, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == bright.shape
    assert abs(int(shown[20, 20].mean()) - 200) > 20  # the face
    assert abs(int(shown[40, 60].mean()) - 200) < 5


def test_a_picture_waits_for_a_frame_in_which_nobody_is_missed() -> None:
    client = FakeClient()
    with asked(client, 60, hide="blank") as opened:
        write(opened, 0, faces=1)
        client.accept()
        write(opened, 1)  # the face is missed, and would not be hidden
        write(opened, 2, faces=1)
        wait_for(lambda: f"{BASE}/camera-0/picture" in client.topics())
    [sent] = [message for message in client.published if message.topic.endswith("/picture")]
    assert isinstance(sent.payload, bytes)
    shown = cv2.imdecode(np.frombuffer(sent.payload, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown[20, 20].mean() > 10  # blanked


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        threading.Event().wait(0.01)


# The registry


def test_doctor_reads_the_settings_and_opens_no_connection() -> None:
    assert "localhost:1883, not tried" in str(ADAPTER.check(options()))
    with pytest.raises(SettingsError, match="expected certificates in PEM"):
        ADAPTER.check(options(address="mqtts://localhost", ca_file="/dev/null"))


def test_a_sink_knows_the_labels_of_the_model() -> None:
    opened = ADAPTER.open(options(), LABELS, Settings())
    assert "happy" in opened._labels  # type: ignore[attr-defined]
