"""A stand-in for paho's client: it keeps what is published, and does what the test says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from edge.events import Event
from edge.sinks.mqtt import MqttOptions, MqttSink
from edge.types import Frame, FrameResult
from tests.edge.fakes import LABELS, image, seen, square


class Published(NamedTuple):
    topic: str
    payload: str | bytes
    qos: int
    retain: bool

    @property
    def content(self) -> Any:
        return json.loads(self.payload)


@dataclass
class Reason:
    """What paho gives for an answer of the broker."""

    text: str = "Success"
    is_failure: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass
class Receipt:
    client: FakeClient

    def is_published(self) -> bool:
        if self.client.breaks:
            raise RuntimeError("Message publish failed: The client is not currently connected.")
        return self.client.confirms


@dataclass
class FakeClient:
    """``confirms`` says whether the broker sends receipts; ``breaks`` that paho's lose theirs."""

    confirms: bool = True
    breaks: bool = False
    published: list[Published] = field(default_factory=list)
    will: Published | None = None
    subscribed: list[str] = field(default_factory=list)
    started = disconnected = False
    on_connect: Any = None
    on_connect_fail: Any = None
    on_disconnect: Any = None
    on_message: Any = None

    def will_set(self, *will: Any) -> None:
        self.will = Published(*will)

    def loop_start(self) -> None:
        self.started = True

    def publish(self, *message: Any) -> Receipt:
        self.published.append(Published(*message))
        return Receipt(self)

    def subscribe(self, topic: str, qos: int) -> None:
        self.subscribed.append(topic)

    def disconnect(self) -> None:
        self.disconnected = True
        self.on_disconnect(self, None, None, Reason(), None)

    def accept(self) -> None:
        """The broker lets us in."""
        self.on_connect(self, None, None, Reason(), None)

    def refuse(self, text: str) -> None:
        self.on_connect(self, None, None, Reason(text, True), None)
        self.on_disconnect(self, None, None, Reason("Unspecified error", True), None)

    def fail(self, error: OSError) -> None:
        """No connection comes about, as paho says it."""
        try:
            raise error
        except OSError:
            self.on_connect_fail(self, None)

    def lose(self, text: str = "Unspecified error") -> None:
        """The connection breaks."""
        self.on_disconnect(self, None, None, Reason(text, True), None)

    def hear(self, topic: str, payload: bytes) -> None:
        """A message comes."""
        self.on_message(self, None, Heard(topic, payload))

    def topics(self) -> list[str]:
        return [message.topic for message in self.published]

    def last(self, topic: str) -> Published:
        """The newest message of ``topic``."""
        return [message for message in self.published if message.topic == topic][-1]


class Heard(NamedTuple):
    topic: str
    payload: bytes


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
