"""What goes to an MQTT broker and when, with a stand-in for paho's client."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from edge.events import Event
from edge.settings import Settings
from edge.sinks.mqtt import ADAPTER, MqttSink
from edge.types import Frame, FrameResult, Outage
from edge.vision.painter import Painter
from tests.edge.fakes import LABELS, frames, image, seen
from tests.edge.sinks.broker import (
    BASE,
    BOX,
    EVENTS,
    STATE,
    Clock,
    FakeClient,
    event,
    options,
    sink,
    write,
)
from tests.edge.sinks.mosquitto import wait_for

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


def test_a_topic_that_is_no_text_does_not_end_the_connection() -> None:
    """paho decodes it when it is asked for, on the thread that would end with an error."""
    paho = pytest.importorskip("paho.mqtt.client")
    client = FakeClient()
    with sink(client):
        client.accept()
        client.on_message(client, None, paho.MQTTMessage(topic=b"\xff\xfe"))


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
        wait_for(lambda: f"{BASE}/camera-0/picture" in client.topics(), seconds=5)
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
        wait_for(lambda: f"{BASE}/camera-0/picture" in client.topics(), seconds=5)
    [sent] = [message for message in client.published if message.topic.endswith("/picture")]
    assert isinstance(sent.payload, bytes)
    shown = cv2.imdecode(np.frombuffer(sent.payload, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown[20, 20].mean() > 10  # blanked


def test_a_sink_knows_the_labels_of_the_model() -> None:
    opened = ADAPTER.open(options(), LABELS, Settings())
    assert "happy" in opened._labels  # type: ignore[attr-defined]
