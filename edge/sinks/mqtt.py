"""Results for an MQTT broker: what home automation and dashboards read.

Below the topic, "expressions/<device>" by default: ``availability`` ("online" or "offline",
retained), and of each camera ``<camera>/state`` (JSON, retained), ``<camera>/events`` (JSON) and,
where it is asked for, ``<camera>/picture`` (JPEG).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from cyclopts import Parameter

from edge import __version__
from edge.adapters import PublisherAdapter
from edge.errors import SettingsError
from edge.events import Event
from edge.files import read_regular
from edge.protocols import BaseSink
from edge.settings import check_range, check_text, expanded
from edge.sinks.home_assistant import discovery
from edge.sinks.mqtt_broker import Broker, Client, Connection, load_paho, open_client, parse_address
from edge.sinks.mqtt_pictures import Pictures
from edge.sinks.mqtt_state import CameraState
from edge.types import Frame, FrameResult, Outage
from edge.vision.painter import Painter

if TYPE_CHECKING:
    from edge.settings import Settings

_PASSWORD = "EXPRESSIONS_MQTT_PASSWORD"
_MOST_EVENTS = 1000
"""Events that wait for a broker that is away: an hour of a lively room."""
_MOST_PASSWORD, _MOST_TEXT = 65_535, 1000
"""Bytes; MQTT has room for 65,535 in a password and in a topic."""
_FILES = "files"
"""The camera that files are: each with topics of its own would be left in the broker for ever."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class MqttOptions:
    """What is sent to an MQTT broker."""

    address: Annotated[str, Parameter(name=("address", "--mqtt"))] = ""
    """Send results to this MQTT broker: "mqtt://user@host:1883/topic", or "mqtts://" for TLS. The
    topic is "expressions/" and the device's name unless it is given. The password comes from the
    environment variable EXPRESSIONS_MQTT_PASSWORD or a file."""
    password_file: str = ""
    """A file with the broker's password, in place of EXPRESSIONS_MQTT_PASSWORD."""
    ca_file: str = ""
    """A file with the certificate of the authority that signed the broker's; those that the system
    trusts where it isn't given."""
    device: str = ""
    """The name of this device, by default its host name."""
    discovery: str = "homeassistant"
    """Where Home Assistant looks for new devices; "" announces none to it."""
    picture_every: float = 0.0
    """Send an annotated picture every so many seconds: 1…86400, 0 for never."""

    def __post_init__(self) -> None:
        """Check the values; raises ``SettingsError``."""
        for name in ("address", "device", "discovery"):
            check_text(f"mqtt.{name}", getattr(self, name), _MOST_TEXT)
        if self.address:
            parse_address(self.address)
        if self.picture_every:
            check_range("mqtt.picture-every", self.picture_every, 1, 86400, "s")
        if re.search(r"[+#\0]", self.discovery):
            raise SettingsError(
                f"mqtt.discovery: expected a topic without + and #, found {self.discovery!r}; "
                "choose another one"
            )

    def password(self, user: str) -> str:
        """Return the password, empty where there is none; raises ``SettingsError``."""
        password = os.environ.get(_PASSWORD, "")
        if self.password_file:
            path = Path(expanded(self.password_file))
            try:
                password = read_regular(path, _MOST_PASSWORD).decode().rstrip("\r\n")
            except (OSError, ValueError) as error:
                raise SettingsError(
                    f"{path}: expected a file with the broker's password, found: "
                    f"{getattr(error, 'strerror', 'no text')}; check the path and its permissions"
                ) from error
        check_text("the broker's password", password, _MOST_PASSWORD)
        if password and not user:
            raise SettingsError(
                "mqtt.address: expected the user that the password belongs to, found none; write "
                "mqtt://user@host"
            )
        return password


@dataclass(slots=True)
class _Camera:
    """What is published of one source, and where; ``level`` is its own one of the ``topic``.

    ``announced`` is the generation of the connection in which that was done last.
    """

    name: str
    level: str
    topic: str
    state: CameraState
    announced: int = 0


class MqttSink(BaseSink):
    """Publishes a state and events of each camera; nothing here waits for the broker.

    ``labels`` are the model's, ``painter`` makes what draws the pictures of one source, ``client``
    replaces paho's in tests, ``clock`` gives seconds.
    """

    def __init__(
        self,
        options: MqttOptions,
        labels: Sequence[str],
        painter: Callable[[], Painter] = Painter,
        client: Client | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect nothing yet; raises ``SettingsError``, ``SinkError``."""
        broker = parse_address(options.address)
        self._options, self._labels, self._clock = options, labels, clock
        self._device = options.device or socket.gethostname()
        self._base = broker.topic or f"expressions/{level_of(self._device)}"
        self._identity = identity(self._base)
        self._connection = Connection(
            client or _open(options, broker, self._identity),
            broker,
            self.availability,
            f"{options.discovery}/status" if options.discovery else "",
            clock,
        )
        self._cameras: dict[str, _Camera] = {}
        self._events: deque[tuple[str, str]] = deque()
        self._dropped = 0
        every = options.picture_every
        self._pictures = Pictures(every, painter, self._send_picture) if every else None

    @property
    def availability(self) -> str:
        """The topic that says whether this run is there."""
        return f"{self._base}/availability"

    def __enter__(self) -> Self:
        """Begin to connect: a broker that is away is waited for, beside the run."""
        if self._pictures:
            self._pictures.start()
        self._connection.start()
        return self

    def __exit__(self, *problem: object) -> None:
        """Send what is left, for at most a second, and say "offline"."""
        if self._pictures:
            self._pictures.stop()
        if self._connection.up:
            for camera in self._cameras.values():
                self._send_state(camera)
        self._connection.stop(flush=self._send_events)

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Take one result, and send the state where it is time."""
        camera = self._camera(frame.source, frame.live)
        counts = camera.state.write(frame, result)
        self._send(camera)
        if counts and self._pictures and self._connection.up and camera.state.complete:
            self._pictures.offer(camera.topic, frame, result, self._clock())

    def lost(self, outage: Outage) -> None:
        """Take one outage, and send the state where it is time."""
        camera = self._camera(outage.source, live=True)
        camera.state.lost(outage)
        self._send(camera)

    def notice(self, event: Event) -> None:
        """Send one event, now or when the broker is back; the state follows with the next frame."""
        camera = self._camera(event.source, event.wall_time is not None or event.track is None)
        camera.state.notice(event)
        if len(self._events) >= _MOST_EVENTS:
            self._events.popleft()
            if not self._dropped:
                log.warning(
                    "mqtt: %d events wait for the broker; the oldest are dropped from here on",
                    _MOST_EVENTS,
                )
            self._dropped += 1
        content = json.dumps(event.to_dict(), ensure_ascii=False)
        self._events.append((f"{camera.topic}/events", content))
        self._send_events()

    def _camera(self, source: str, live: bool) -> _Camera:
        name = source if live or source == "demo" else _FILES
        if name not in self._cameras:
            level = level_of(name)
            if any(camera.level == level for camera in self._cameras.values()):
                level = f"{level}-{hashlib.sha256(name.encode()).hexdigest()[:4]}"
            state = CameraState(self._labels)
            self._cameras[name] = _Camera(name, level, f"{self._base}/{level}", state)
        return self._cameras[name]

    def _send(self, camera: _Camera) -> None:
        """Send what is due."""
        if not self._connection.up:
            return
        generation = self._connection.generation
        if new := camera.announced != generation:
            camera.announced = generation
            self._announce(camera)
        if new or camera.state.due(self._clock()):
            self._send_state(camera)
        self._send_events()

    def _send_state(self, camera: _Camera) -> None:
        state = json.dumps(camera.state.to_dict(self._clock(), self._dropped), ensure_ascii=False)
        self._connection.send(f"{camera.topic}/state", state, retain=True)

    def _send_events(self) -> bool:
        """Send the events that there is room for; return whether some are left."""
        while self._events and self._connection.room:
            self._connection.send(*self._events.popleft(), receipt=True)
        return bool(self._events)

    def _announce(self, camera: _Camera) -> None:
        """Tell Home Assistant of ``camera``, where that is wanted."""
        if not self._options.discovery:
            return
        own = f"{self._identity}_{camera.level}"
        name = f"{self._device} {camera.name}"
        pictures = self._pictures is not None
        content = discovery(
            own, name, camera.topic, self.availability, self._labels, pictures, __version__
        )
        topic = f"{self._options.discovery}/device/{own}/config"
        self._connection.send(topic, json.dumps(content, ensure_ascii=False), retain=True)

    def _send_picture(self, topic: str, jpeg: bytes) -> None:
        """Send it now or never; called on the thread that draws."""
        if self._connection.up:
            self._connection.send(f"{topic}/picture", jpeg)


def level_of(name: str) -> str:
    """Return ``name`` as one level of a topic that Home Assistant takes too: "camera-0"."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-") or "camera"


def identity(base: str, machine_id: Path = Path("/etc/machine-id")) -> str:
    """Return what tells this machine's run that publishes below ``base`` from all others.

    The broker ends an older connection of the same name, so that its "offline" comes before our
    "online" and not after.
    """
    try:
        machine = machine_id.read_text("utf-8")
    except OSError:
        machine = socket.gethostname()
    # machine-id(5) asks for a hash: the id itself is confidential.
    return "edge-" + hashlib.sha256(f"edge-expressions {machine} {base}".encode()).hexdigest()[:16]


def _open(options: MqttOptions, broker: Broker, name: str) -> Client:
    ca_file = expanded(options.ca_file) if options.ca_file else ""
    return open_client(broker, options.password(broker.user), ca_file, name)


def _publisher(options: MqttOptions, labels: Sequence[str], settings: Settings) -> MqttSink:
    painter = partial(Painter, settings.overlay_parts, settings.hide_faces)
    return MqttSink(options, labels, painter)


def _check(options: Any) -> str:
    load_paho()
    broker = parse_address(options.address)
    _open(options, broker, identity(broker.topic))
    return f"{broker.name}, not tried: only 'run' connects"


ADAPTER = PublisherAdapter("mqtt", MqttOptions, _publisher, _check)
