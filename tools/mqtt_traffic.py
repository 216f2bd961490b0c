"""Measures what one device sends to an MQTT broker in a minute, and writes it into docs/fleet.md.

``python -m tools.mqtt_traffic`` runs the product's sink against a mosquitto of its own, in three
rooms at the same time, for 70 s. A reader of all topics counts messages, the broker the bytes that
it receives ($SYS/broker/bytes/received).
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.errors import WorkerError
from benchmarks.publishing import broker
from edge.events import Event, with_events
from edge.sinks.mqtt import MqttOptions, MqttSink
from edge.sinks.mqtt_broker import load_paho
from edge.types import Box, Expression, Face, FaceResult, Frame, FrameResult, Outage
from train import provenance

PAGE = Path(__file__).parents[1] / "docs" / "fleet.md"
LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
FLEETS = (10, 1000)
_FPS, _START, _SECONDS = 15, 10.0, 60.0
_BYTES = "$SYS/broker/bytes/received"
_MARKED = re.compile(r"(<!-- traffic begins.*?-->\n).*?(<!-- traffic ends -->)", re.DOTALL)
_IMAGE = np.zeros((48, 64, 3), np.uint8)


@dataclass(frozen=True)
class Room:
    """``people`` of whom each changes the expression every ``changes`` seconds.

    Each is there for ``stays`` seconds and then away for two; 0 stands for never and for ever.
    """

    name: str
    people: int
    changes: float = 0.0
    stays: float = 0.0

    def faces(self, time: float) -> Iterator[FaceResult]:
        """Who is seen at ``time``, in seconds."""
        for person in range(self.people):
            now = time + person * 1.7  # not all at once
            visit, since = divmod(now, self.stays + 2) if self.stays else (0, now)
            if self.stays and since > self.stays:
                continue
            label = LABELS[int(now / self.changes) % len(LABELS) if self.changes else 4]
            probabilities = {name: 0.7 if name == label else 0.05 for name in LABELS}
            shown = Expression(label, 0.7, True, probabilities)
            face = Face(Box(0, 0, 10, 10), 0.9, np.zeros((6, 2), np.float32))
            yield FaceResult(face, shown, shown, int(visit) * self.people + person + 1, now)


ROOMS = (
    Room("idle: nobody", 0),
    Room("one person, another expression every 10 s", 1, changes=10),
    Room("lively: five people, a change every 3 s, each stays for 10 s", 5, changes=3, stays=10),
)


@dataclass(frozen=True)
class Traffic:
    """What the broker received: messages and bytes at the start, and in the minute after it.

    ``micro`` are the microseconds of each of the loop's calls.
    """

    start: tuple[int, int]
    minute: tuple[int, int]
    micro: list[float]


def measure(room: Room) -> Traffic:
    """Run the sink in ``room`` for a little more than a minute, with a broker of its own."""
    with broker(settings="sys_interval 1\n") as port:
        return _measure(room, port)


def _measure(room: Room, port: int) -> Traffic:
    counters = _Counters(port)
    sink = MqttSink(MqttOptions(address=f"mqtt://127.0.0.1:{port}", device="room-17"), LABELS)
    micro: list[float] = []
    readings = [counters.read()]
    with sink:
        began = time.monotonic()
        for item in with_events(_frames(room), forget=0.5):
            call = time.perf_counter()
            if isinstance(item, Event):
                sink.notice(item)
            elif not isinstance(item, Outage):
                sink.write(*item)
            micro.append(1e6 * (time.perf_counter() - call))
            now = time.monotonic() - began
            if now >= (_START, _START + _SECONDS, float("inf"))[len(readings) - 1]:
                readings.append(counters.read())
    before, first, last = readings[:3]
    counters.close()
    return Traffic(_less(first, before), _less(last, first), micro)


def _less(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] - other[0], one[1] - other[1]


def _frames(room: Room) -> Generator[tuple[Frame, FrameResult] | Outage]:
    """Frames of a camera at its pace."""
    began = time.monotonic()
    for n in range(int((_START + _SECONDS + 1) * _FPS)):
        at = n / _FPS
        time.sleep(max(began + at - time.monotonic(), 0))
        frame = Frame(_IMAGE, n, at, "camera 0", live=True, wall_time=time.time())
        yield frame, FrameResult("camera 0", n, at, tuple(room.faces(at)))


class _Counters:
    """What a broker passes on, and what it counts of itself."""

    def __init__(self, port: int) -> None:
        paho = load_paho()
        self._messages = self._bytes = 0
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe([("#", 0), (_BYTES, 0)])
        self._client.on_message = self._take
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()
        time.sleep(3)  # its own connection is counted before the first reading

    def _take(self, _: object, __: object, message: Any) -> None:
        if message.topic == _BYTES:
            self._bytes = int(message.payload)
        else:
            self._messages += 1

    def read(self) -> tuple[int, int]:
        """Messages, and bytes that the broker received, these at most a second old."""
        return self._messages, self._bytes

    def close(self) -> None:
        """End the connection."""
        self._client.disconnect()
        self._client.loop_stop()


def table(traffic: Mapping[Room, Traffic]) -> str:
    """Return the lines between the markers of the page."""
    made = provenance.origin()
    micro = [value for one in traffic.values() for value in one.micro]
    p50, p99 = np.percentile(micro, (50, 99))
    start = next(iter(traffic.values())).start
    rows = [
        f"| {room.name} | {one.minute[0]} | {one.minute[1]} | "
        + " | ".join(_fleet(one, devices) for devices in FLEETS)
        + f" | {one.minute[1] * 1440 * FLEETS[-1] / 1e9:.1f} GB |"
        for room, one in traffic.items()
    ]
    titles = [
        "one device with one camera",
        "messages a minute",
        "bytes a minute",
        *(f"{devices} devices" for devices in FLEETS),
        f"{FLEETS[-1]} devices, a day",
    ]
    return "\n".join(
        [
            f"| {' | '.join(titles)} |",
            f"| --- {'| ---: ' * (len(titles) - 1)}|",
            *rows,
            "",
            f"The first {_START:.0f} s, with the connection and Home Assistant's device: "
            f"{start[0]} messages, {start[1]} bytes. A call of the loop takes {p50:.0f} µs (p50), "
            f"{p99:.0f} µs (p99). Measured on {made['machine']}, {made['date']}, commit "
            f"{made['commit'][:7]}.",
            "",
        ]
    )


def _fleet(one: Traffic, devices: int) -> str:
    """What so many devices send in a second."""
    messages, size = (value * devices / 60 for value in one.minute)
    return f"{messages:.1f} messages, {size / 1e3:.1f} kB a second"


def main() -> None:
    """Measure all rooms and write the page."""
    with ProcessPoolExecutor(len(ROOMS)) as pool:
        text = table(dict(zip(ROOMS, pool.map(measure, ROOMS), strict=True)))
    print(text)
    page = PAGE.read_text("utf-8")
    PAGE.write_text(_MARKED.sub(lambda m: f"{m[1]}{text}{m[2]}", page), "utf-8")


if __name__ == "__main__":
    try:
        main()
    except WorkerError as error:
        sys.exit(f"mqtt traffic: {error}")
