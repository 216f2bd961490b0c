"""Results for a real broker that refuses, goes away and comes back (``make test-mqtt``).

The broker is mosquitto, from Debian's package of that name.
"""

from __future__ import annotations

import itertools
import json
import logging
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.events import Event
from edge.sinks.mqtt import MqttOptions, MqttSink
from edge.sinks.mqtt_broker import open_client, parse_address
from edge.types import Frame, FrameResult
from tests.edge.fakes import LABELS, image, seen, square
from tests.edge.processes import finish, start
from tests.edge.sinks.mosquitto import (
    PASSWORD,
    USER,
    Broker,
    Observer,
    Silent,
    with_certificate,
    with_password,
)

pytestmark = [
    pytest.mark.mqtt,
    pytest.mark.slow,
    # paho leaves the socket of a failed handshake to Python to close, which does so at once.
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]
BOX = square(20, 20, 10)
SLOWEST = 1000.0
"""Milliseconds that no call of the loop may take, however busy this machine is."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as started:
        yield started


class Loop:
    """Calls a sink as the loop does, ten times a second, and keeps the time that it took."""

    def __init__(self, sink: MqttSink) -> None:
        self.slowest = 0.0
        self._sink, self._numbers = sink, itertools.count()

    def until(self, condition: Callable[[], Any], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come about"
            n = next(self._numbers)
            frame = Frame(image(), n, n / 10, "camera 0", live=True)
            self._time(self._sink.write, frame, FrameResult("camera 0", n, n / 10, (seen(BOX),)))
            time.sleep(0.1)

    def tell(self, track: int) -> None:
        told = Event("appeared", "camera 0", 0.0, 1e9, track=track, label="happy", score=0.9)
        self._time(self._sink.notice, told)

    def _time(self, call: Callable[..., None], *arguments: Any) -> None:
        began = time.perf_counter()
        call(*arguments)
        self.slowest = max(self.slowest, 1e3 * (time.perf_counter() - began))


def options(url: str, **more: Any) -> MqttOptions:
    return MqttOptions(address=f"{url}/test", device="pi", **more)


def test_a_run_reports_and_ends_with_offline(broker: Broker, repository: Path) -> None:
    with Observer(broker) as observer:
        arguments = ["--display", "off", "--frames", 60, "--mqtt", f"{broker.url}/test"]
        code, _, err = finish(start(repository, "demo", *arguments))
        assert code == 0, err
        observer.wait("/availability", b"offline")
    assert [topic for topic, _ in observer.messages[:1]] == ["test/availability"]
    assert observer.of("/availability") == [b"online", b"offline"]
    assert {json.loads(told)["event"] for told in observer.of("/events")} == {"appeared", "left"}
    assert json.loads(observer.of("/state")[-1])["people"] == 0
    [device] = observer.of("/config")
    assert json.loads(device)["cmps"]["people"]["state_topic"] == "test/demo/state"


def test_the_last_will_is_seen_after_a_kill(broker: Broker, repository: Path) -> None:
    with Observer(broker) as observer:
        arguments = ["--display", "off", "--frames", 100_000, "--mqtt", f"{broker.url}/test"]
        process = start(repository, "demo", *arguments)
        observer.wait("/demo/state", seconds=30)
        process.kill()
        observer.wait("/availability", b"offline")
        finish(process)


def test_a_run_that_comes_before_the_broker_reports_when_it_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(tmp_path)
    with MqttSink(options(broker.url), LABELS) as sink:
        loop = Loop(sink)
        loop.tell(7)
        loop.until(lambda: "Connection refused; check the address" in caplog.text)
        with broker, Observer(broker) as observer:
            loop.until(lambda: observer.of("/state"), 6)
            assert observer.of("/availability") == [b"online"]


def test_a_wrong_password_is_said_and_the_run_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.write_text("another one\n")
    right.write_text(f"{PASSWORD}\n")
    with Broker(tmp_path, *with_password(tmp_path)) as broker:
        address = f"mqtt://{USER}@127.0.0.1:{broker.port}"
        with MqttSink(options(address, password_file=str(wrong)), LABELS) as sink:
            loop = Loop(sink)
            loop.until(lambda: "found: Not authorized" in caplog.text)
            loop.until(lambda: True)
        assert "check the user in the address" in caplog.text
        assert caplog.text.count("Not authorized") == 1
        with (
            Observer(broker, USER, PASSWORD) as observer,
            MqttSink(options(address, password_file=str(right)), LABELS) as sink,
        ):
            Loop(sink).until(lambda: observer.of("/state"))


def test_a_killed_broker_has_everything_again_within_5_s_of_its_return(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    with Observer(broker) as observer, MqttSink(options(broker.url), LABELS) as sink:
        loop = Loop(sink)
        loop.until(lambda: observer.of("/state"))
        time.sleep(2)  # until the broker has saved the subscription
        broker.kill()
        loop.until(lambda: "to stay connected" in caplog.text)
        observer.messages.clear()
        for track in range(30):
            loop.tell(track)
        loop.until(lambda: "Connection refused" in caplog.text)
        broker.start()
        began = time.monotonic()
        loop.until(lambda: len(observer.of("/events")) >= 30, 5)
        logging.getLogger(__name__).info("back after %.1f s", time.monotonic() - began)
        loop.until(lambda: observer.of("/config") and observer.of("/state"))
    tracks = [json.loads(told)["track"] for told in observer.of("/events")]
    assert tracks == list(range(30))
    assert loop.slowest < SLOWEST


def test_a_broker_that_stands_still_holds_up_nothing(broker: Broker) -> None:
    with Observer(broker) as observer:
        sink = MqttSink(options(broker.url), LABELS)
        loop = Loop(sink)
        with sink:
            loop.until(lambda: observer.of("/state"))
            broker.signal(signal.SIGSTOP)
            for track in range(2000):
                loop.tell(track)
            began = time.monotonic()
        assert time.monotonic() - began < 2
        broker.signal(signal.SIGCONT)
        assert loop.slowest < SLOWEST
        observer.wait("/availability", b"offline")


def test_a_silent_broker_is_said_after_the_time_out(caplog: pytest.LogCaptureFixture) -> None:
    with Silent() as silent:
        client = open_client(parse_address(silent.url), "", "", "test", keepalive=2)
        with MqttSink(options(silent.url), LABELS, client=client) as sink:
            loop = Loop(sink)
            loop.until(lambda: "expected an answer of an MQTT broker" in caplog.text)
    assert loop.slowest < SLOWEST


@pytest.mark.parametrize("away", ["silent", "refused"])
def test_a_run_with_its_broker_away_works_and_ends_promptly(away: str, repository: Path) -> None:
    with Silent() as silent:
        url = silent.url if away == "silent" else "mqtt://127.0.0.1:1"
        arguments = ["--display", "off", "--frames", 100_000, "--mqtt", url]
        process = start(repository, "demo", *arguments)
        assert process.stdout
        for line in itertools.islice(process.stdout, 3):
            assert "FPS" in line or "starting" in line
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        code, _, err = finish(process)
    assert code == 0, err
    assert time.monotonic() - began < 10  # much of it is Python's, on a busy machine


@pytest.mark.parametrize("away", ["silent", "refused"])
def test_a_sink_with_its_broker_away_ends_at_once(
    away: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Silent() as silent:
        sink = MqttSink(options(silent.url if away == "silent" else "mqtt://127.0.0.1:1"), LABELS)
        loop = Loop(sink)
        with sink:
            loop.tell(1)
            loop.until(lambda: silent.taken if away == "silent" else caplog.records)
            began = time.monotonic()
        assert time.monotonic() - began < 2


def test_home_assistant_gets_the_device_again_when_it_starts(broker: Broker) -> None:
    with Observer(broker) as observer, MqttSink(options(broker.url), LABELS) as sink:
        loop = Loop(sink)
        loop.until(lambda: observer.of("/state"))
        assert len(observer.of("/config")) == 1
        observer.publish("homeassistant/status", "online")
        loop.until(lambda: len(observer.of("/config")) == 2)


def test_tls_is_verified(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority, settings = with_certificate(tmp_path)
    with Broker(tmp_path, *settings) as broker:
        for host, ca_file, found in (
            ("localhost", "", "certificate"),
            ("127.0.0.1", str(authority), "IP address mismatch"),
        ):
            url = f"mqtts://{host}:{broker.port}"
            with MqttSink(options(url, ca_file=ca_file), LABELS) as sink:
                Loop(sink).until(lambda: "that can be verified" in caplog.text)
            assert found in caplog.text.partition("that can be verified")[2]
            caplog.clear()
        url = f"mqtts://localhost:{broker.port}"
        with (
            Observer(broker, ca_file=str(authority)) as observer,
            MqttSink(options(url, ca_file=str(authority)), LABELS) as sink,
        ):
            Loop(sink).until(lambda: observer.of("/state"))


def test_plain_and_tls_mixed_up_are_told_apart(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with MqttSink(options(f"mqtts://127.0.0.1:{broker.port}"), LABELS) as sink:
        Loop(sink).until(lambda: "expected TLS at 127.0.0.1" in caplog.text)
    caplog.clear()
    folder = tmp_path / "tls"
    folder.mkdir()
    with (
        Broker(folder, *with_certificate(folder)[1]) as secure,
        MqttSink(options(secure.url), LABELS) as sink,
    ):
        Loop(sink).until(lambda: "check the port, and mqtts:// for TLS" in caplog.text)


def test_two_runs_of_one_topic_do_not_fill_the_log(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    began = time.monotonic()
    with (
        MqttSink(options(broker.url), LABELS) as one,
        MqttSink(options(broker.url), LABELS) as other,
    ):
        Loop(one).until(lambda: "to stay connected" in caplog.text)
        Loop(other).until(lambda: time.monotonic() - began > 5)
    assert len(caplog.records) == 4  # each one's "connected" and "lost"
