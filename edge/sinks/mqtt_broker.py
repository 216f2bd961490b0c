"""The connection to an MQTT broker, through paho-mqtt on a thread of its own.

MQTT 3.1.1: every broker speaks it, and nothing that came with 5 is needed here.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from edge.assets import extra
from edge.errors import SettingsError, first_line
from edge.files import open_regular

KEEPALIVE = 15
"""Seconds without an answer after which a broker is taken for lost; it waits for 1.5 times that
before it tells others that we are."""
_CONNECT_SECONDS = 5.0
_RETRY_SECONDS = 1, 3
"""The first and the longest pause between two attempts: back within 5 s of the broker's return."""
_IN_FLIGHT = 20
"""Messages that may wait for the broker's receipt."""
_SAID_FOR = 60.0
"""Seconds for which the same remark is not made again."""
_PORTS = {"mqtt": 1883, "mqtts": 8883}
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is. ``topic`` is what topics begin with, empty for the default."""

    host: str
    port: int
    tls: bool
    user: str
    topic: str

    @property
    def name(self) -> str:
        """For people: "host:port"."""
        return f"{self.host}:{self.port}"


def parse_address(address: str) -> Broker:
    """Read mqtt[s]://[user@]host[:port][/topic]; raises ``SettingsError``."""
    try:
        parts = urlsplit(address)
        host, port, password = parts.hostname or "", parts.port, parts.password
        host.encode("idna")  # what the resolver does, where it would end paho's thread
    except ValueError:  # UnicodeError is one
        host, password = "", None
    if password is not None:
        raise SettingsError(
            "mqtt.address: expected no password in it, since any user of this machine could read "
            "it there; set EXPRESSIONS_MQTT_PASSWORD or mqtt.password-file"
        )
    if not host or parts.scheme not in _PORTS or parts.query or parts.fragment or port == 0:
        raise SettingsError(
            "mqtt.address: expected mqtt://[user@]host[:port][/topic] or mqtts://…, found "
            f"{re.sub('//.*@', '//…@', address)!r}; write it like that"
        )
    topic = unquote(parts.path).strip("/")
    if re.search(r"[+#\0]|//", topic) or topic.startswith("$"):
        raise SettingsError(
            f"mqtt.address: expected a topic without +, #, $ and empty levels, found {topic!r}; "
            "choose another one"
        )
    tls = parts.scheme == "mqtts"
    return Broker(host, port or _PORTS[parts.scheme], tls, unquote(parts.username or ""), topic)


def load_paho() -> Any:
    """Import paho's client; raises ``SettingsError`` with advice where it is not installed."""
    try:
        import paho.mqtt.client as paho  # noqa: PLC0415 - takes 2 MB and is rarely asked for
    except ImportError as error:
        raise SettingsError(
            f"mqtt: expected the package paho-mqtt, found: {first_line(error)}; {extra('mqtt')}"
        ) from error
    return paho


class Client(Protocol):
    """What is used of paho's ``Client``."""

    on_connect: Any
    on_connect_fail: Any
    on_disconnect: Any
    on_message: Any

    def will_set(self, topic: str, payload: str, qos: int, retain: bool) -> Any:
        """Set what the broker publishes when the connection is lost."""

    def loop_start(self) -> Any:
        """Connect, again and again, on a thread of its own."""

    def publish(self, topic: str, payload: str | bytes, qos: int, retain: bool) -> Any:
        """Send soon; return what knows whether it ``is_published``."""

    def subscribe(self, topic: str, qos: int) -> Any:
        """Ask for messages."""

    def disconnect(self) -> Any:
        """End the connection and the thread."""


def open_client(
    broker: Broker, password: str, ca_file: str, identity: str, keepalive: int = KEEPALIVE
) -> Client:
    """Return a client that has not begun to connect; raises ``SettingsError``."""
    paho = load_paho()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, identity, protocol=paho.MQTTv311)
    client.connect_timeout = _CONNECT_SECONDS
    client.reconnect_delay_set(*_RETRY_SECONDS)
    if broker.user:
        client.username_pw_set(broker.user, password or None)
    if broker.tls:
        try:
            if ca_file:
                open_regular(Path(ca_file)).close()
            client.tls_set(ca_file or None)
        except OSError as error:  # ssl.SSLError is one
            raise SettingsError(
                f"mqtt.ca-file: expected certificates in PEM, found: {first_line(error)}; name the "
                "file of the authority that signed the broker's"
            ) from error
    client.connect_async(broker.host, broker.port, keepalive)
    made: Client = client
    return made


class Connection:
    """``client`` as an endless connection to ``broker``, which announces itself.

    ``availability`` is the topic that says "online", or "offline" once the connection is lost or
    ended; ``birth`` is one whose "online" asks for everything again, empty for none.
    ``generation`` counts the times that everything retained is to be sent. All methods return at
    once, ``stop`` within a second.
    """

    def __init__(
        self,
        client: Client,
        broker: Broker,
        availability: str,
        birth: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect nothing yet."""
        self.up = False
        self.generation = 0
        self._client, self._broker, self._clock = client, broker, clock
        self._availability, self._birth = availability, birth
        self._waiting: deque[Any] = deque()
        self._ending, self._refused = False, False
        self._gone = threading.Event()
        self._said: dict[str, float] = {}
        self._last_said = ""
        client.will_set(availability, "offline", 1, True)
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_connect_fail, client.on_message = self._failed, self._heard

    def start(self) -> None:
        """Begin to connect."""
        self._client.loop_start()

    @property
    def unconfirmed(self) -> int:
        """How many messages wait for their receipt."""
        while self._waiting and _is_done(self._waiting[0]):
            self._waiting.popleft()
        return len(self._waiting)

    @property
    def room(self) -> bool:
        """Whether a message that wants a receipt can be sent now."""
        return self.up and self.unconfirmed < _IN_FLIGHT

    def send(
        self, topic: str, payload: str | bytes, receipt: bool = False, retain: bool = False
    ) -> None:
        """Send one message; with a ``receipt`` it is sent until the broker has it."""
        sent = self._client.publish(topic, payload, int(receipt), retain)
        if receipt:
            self._waiting.append(sent)

    def stop(self, flush: Callable[[], bool]) -> None:
        """Say "offline" and end; ``flush`` sends what is left and returns whether there is more."""
        deadline = self._clock() + 1.0
        while self.up and flush() and self._clock() < deadline:
            time.sleep(0.01)
        self._ending = True
        if self.up:
            self.send(self._availability, "offline", receipt=True, retain=True)
            while self.up and self.unconfirmed and self._clock() < deadline:
                time.sleep(0.01)
            self._client.disconnect()
            self._gone.wait(max(deadline - self._clock(), 0.1))
        else:
            self._client.disconnect()

    # What follows is called on paho's thread.

    def _connected(self, client: Client, _: object, __: object, reason: Any, ___: object) -> None:
        self._refused = bool(reason.is_failure)
        if self._refused:
            who = f"the user {self._broker.user!r}" if self._broker.user else "us without a user"
            self._warn(
                f"expected {self._broker.name} to let {who} in, found: {reason}; check the user in "
                "the address, EXPRESSIONS_MQTT_PASSWORD and mqtt.password-file"
            )
        elif self._ending:
            client.disconnect()
        else:
            client.publish(self._availability, "online", 1, True)
            if self._birth:
                client.subscribe(self._birth, 1)
            self.generation += 1
            self.up = True
            self._say(logging.INFO, f"mqtt: connected to {self._broker.name}")

    def _failed(self, _: Client, __: object) -> None:
        import ssl  # noqa: PLC0415 - paho has imported it

        error = sys.exception()  # paho calls this while it handles it
        if isinstance(error, ssl.SSLCertVerificationError):
            self._warn(
                f"expected a certificate of {self._broker.name} that can be verified, found: "
                f"{error.verify_message}; name the authority's file with mqtt.ca-file"
            )
        elif isinstance(error, (ssl.SSLError, ConnectionResetError)) and self._broker.tls:
            self._warn(
                f"expected TLS at {self._broker.name}, found: {first_line(error)}; check the port, "
                "or write mqtt:// for a broker without TLS"
            )
        else:
            found = getattr(error, "strerror", None) or first_line(error or OSError("no answer"))
            self._warn(
                f"expected a broker at {self._broker.name}, found: {found}; check the address and "
                "that the broker runs"
            )

    def _disconnected(self, _: Client, __: object, ___: object, reason: Any, ____: object) -> None:
        was_up, self.up = self.up, False
        self._gone.set()
        if self._ending or self._refused:
            return
        if was_up:
            self._warn(f"expected {self._broker.name} to stay connected, found: {reason}")
        else:
            self._warn(
                f"expected an answer of an MQTT broker at {self._broker.name}, found: {reason}; "
                "check the port, and mqtts:// for TLS"
            )

    def _heard(self, _: Client, __: object, message: Any) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # no broker may pass such on
            return
        if topic == self._birth and message.payload == b"online":
            self.generation += 1

    def _warn(self, text: str) -> None:
        self._say(logging.WARNING, f"mqtt: {text}; the run goes on and tries again")

    def _say(self, level: int, text: str) -> None:
        now = self._clock()
        if text != self._last_said and now - self._said.get(text, -_SAID_FOR) >= _SAID_FOR:
            self._last_said, self._said[text] = text, now
            log.log(level, "%s", text)


def _is_done(sent: Any) -> bool:
    """Whether the broker has a message, or paho's receipt will never say so."""
    try:
        return bool(sent.is_published())
    except RuntimeError:  # the connection broke in that moment; paho sends the message again
        return True
