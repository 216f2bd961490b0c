"""A real mosquitto on a port of its own, and somebody who reads what it is sent."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

USER, PASSWORD = "pi", "a secret"


def wait_for(condition: Callable[[], Any], seconds: float = 10, what: str = "") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what or "it did not come about"
        time.sleep(0.01)


def program(name: str) -> str:
    """Where a program of Debian's package is; the test fails where it isn't."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.fail(
            f"{name}: expected it from Debian's package mosquitto, found none; run "
            "'sudo apt-get install --no-install-recommends mosquitto'"
        )
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Broker:
    """A mosquitto with ``settings``, which keeps what it knows in ``folder`` when it is killed."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._config, self._log = folder / "mosquitto.conf", folder / "mosquitto.log"
        lines = [
            f"user {getpass.getuser()}",
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            *(settings or ["allow_anonymous true"]),
        ]
        self._config.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program("mosquitto"), "-c", self._config], stdout=log, stderr=log
            )
        wait_for(self._listens, what=f"mosquitto: {self._log.read_text(errors='replace')}")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def signal(self, number: int) -> None:
        assert self._process
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a power loss does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.kill()


class Observer:
    """Reads all topics but the broker's own; its subscription outlives it and the broker."""

    def __init__(
        self, broker: Broker, user: str = "", password: str = "", ca_file: str = ""
    ) -> None:
        import paho.mqtt.client as paho

        self.messages: list[tuple[str, bytes]] = []
        self._ready = threading.Event()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, "observer", clean_session=False
        )
        self._client.reconnect_delay_set(1, 1)
        if user:
            self._client.username_pw_set(user, password)
        if ca_file:
            self._client.tls_set(ca_file)
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _, __, m: self.messages.append((m.topic, m.payload))
        self._client.connect_async("localhost" if ca_file else "127.0.0.1", broker.port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *problem: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: str) -> None:
        self._client.publish(topic, payload, 1)

    def of(self, ending: str) -> list[bytes]:
        """What came on topics that end so."""
        return [payload for topic, payload in self.messages if topic.endswith(ending)]

    def wait(self, ending: str, payload: bytes = b"", count: int = 1, seconds: float = 10) -> None:
        """Wait until so many messages with ``payload`` in them came."""
        wait_for(
            lambda: len([one for one in self.of(ending) if payload in one]) >= count,
            seconds,
            f"{count} of {ending} {payload!r} expected, found {self.messages}",
        )


class Silent:
    """Takes connections and says nothing."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.taken: list[socket.socket] = []
        self.url = f"mqtt://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def _take(self) -> None:
        while True:
            try:
                self.taken.append(self._listener.accept()[0])
            except OSError:  # closed
                return

    def __exit__(self, *problem: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.taken:
            connection.close()


def with_password(folder: Path) -> Sequence[str]:
    """Settings of a broker that lets ``USER`` in."""
    path = folder / "passwords"
    command = [program("mosquitto_passwd"), "-c", "-b", path, USER, PASSWORD]
    subprocess.run(command, check=True, capture_output=True)
    return ["allow_anonymous false", f"password_file {path}"]


def with_certificate(folder: Path) -> tuple[Path, Sequence[str]]:
    """The file of a new authority, and settings of a broker that it knows as "localhost"."""
    authority, key = folder / "ca.pem", folder / "ca.key"
    own, own_key = folder / "own.pem", folder / "own.key"
    new = ["req", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    commands: list[list[str | Path]] = [
        [*new, "-x509", "-keyout", key, "-out", authority, "-subj", "/CN=test authority"],
        [
            *[*new, "-x509", "-CA", authority, "-CAkey", key, "-keyout", own_key, "-out", own],
            *["-subj", "/CN=broker", "-addext", "subjectAltName=DNS:localhost"],
            *["-addext", "basicConstraints=critical,CA:FALSE"],
        ],
    ]
    for command in commands:
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    files = [f"cafile {authority}", f"certfile {own}", f"keyfile {own_key}"]
    return authority, ["allow_anonymous true", *files]
