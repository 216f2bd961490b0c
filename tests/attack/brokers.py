"""A run against MQTT brokers that misbehave: it goes on, says so, and ends as it should."""

from __future__ import annotations

import shutil
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.attack.case import EDGE_PYTHON, WORKERS, Result
from tests.attack.child import run
from tests.attack.servers import Listener
from tests.edge.sinks.mosquitto import Broker, Observer

_FRAMES = 60
"""Of a run, which are paced: 2 s."""
_SECONDS = 12.0
_MOST_MIB = 600.0
"""paho takes a message of 100 MB, three times; MQTT 3.1.1 has no way to refuse one."""
_MOST_SAID = 4
_STATUS = b"homeassistant/status"
"""What a run subscribes to."""
_ACCEPTED = b"\x20\x02\0\0"
_LARGE = 100 << 20


@dataclass(frozen=True, slots=True)
class _Case:
    """``act`` talks to each who connects; ``says`` is what the run is to say of it."""

    name: str
    act: Callable[[socket.socket], None]
    says: str = ""
    sample: bool = False


def attack(sample: bool) -> Iterator[Result]:
    """Yield a result for each kind of broker."""
    chosen = [case for case in _CASES if case.sample or not sample]
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(_try, chosen)
    if not sample and shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin"):
        yield _try_mosquitto()


def _try(case: _Case) -> Result:
    with Listener(case.act) as broker:
        return _judged(case.name, f"mqtt://127.0.0.1:{broker.port}", case.says)


def _judged(name: str, url: str, says: str = "") -> Result:
    """Run the demo with a broker, and say what is wrong."""
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        words = ["run", "demo", "--display", "off", "--frames", str(_FRAMES), "--mqtt", url]
        ending = run(
            [EDGE_PYTHON, "-m", "edge", *words, "-o", "a.jsonl"], Path(folder), seconds=3 * _SECONDS
        )
        lines = (Path(folder) / "a.jsonl").read_bytes().count(b"\n")
    said = ending.err.splitlines()
    problems = [
        f"exit code {ending.code}" * (ending.code != 0),
        f"took {ending.seconds:.1f} s" * (ending.seconds > _SECONDS),
        f"{lines} of {_FRAMES} frames" * (lines != _FRAMES),
        f"{ending.peak_mib:.0f} MiB" * (ending.peak_mib > _MOST_MIB),
        f"said {ending.err[-300:]!a}" * (not all(map(_is_ours, said))),
        f"{len(said)} lines" * (len(said) > _MOST_SAID),
        f"did not say {says!r}: {ending.err[-200:]!a}" * (says not in ending.err),
    ]
    wrong = tuple(filter(None, problems))
    return Result(
        "page",
        f"broker: {name}",
        wrong,
        failed=int(bool(wrong)),
        code=ending.code,
        seconds=ending.seconds,
        peak_mib=ending.peak_mib,
    )


def _is_ours(line: str) -> bool:
    return line.startswith("expressions: mqtt: ") and line.isprintable()


def _try_mosquitto() -> Result:
    """A real broker, through which somebody sends nonsense to what the run listens to."""
    with tempfile.TemporaryDirectory(prefix="attack-") as folder, Broker(Path(folder)) as broker:
        with Observer(broker) as observer:
            over = threading.Event()

            def pester() -> None:
                large = "x" * _LARGE
                for payload in ("\x1b[2J", "{", "\0", "online", large, "on\nline") * 3:
                    if over.wait(0.5):
                        return
                    observer.publish(_STATUS.decode(), payload)

            thread = threading.Thread(target=pester)
            thread.start()
            result = _judged("mosquitto, and who sends 100 MB through it", broker.url, "connected")
            over.set()
            thread.join()
        return result


def _connected(then: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Let it in and hear its subscription, and then do something."""

    def act(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(_ACCEPTED)
        time.sleep(0.2)
        client.recv(65536)
        then(client)
        _listen(client)

    return act


def _listen(client: socket.socket, seconds: float = 4.0) -> None:
    """Take what comes, and say nothing."""
    until = time.monotonic() + seconds
    with suppress(TimeoutError):
        while time.monotonic() < until and client.recv(65536):
            pass


def _answering(answer: bytes) -> Callable[[socket.socket], None]:
    """Answer the first packet, and listen."""

    def act(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(answer)
        _listen(client)

    return act


def _sending(packet: bytes) -> Callable[[socket.socket], None]:
    return _connected(lambda client: client.sendall(packet))


def _packet(kind: int, body: bytes, length: int | None = None) -> bytes:
    """Return a packet; ``length`` is what it says, in the place of what it has."""
    rest, coded = len(body) if length is None else length, b""
    while True:
        rest, low = divmod(rest, 128)
        coded += bytes([low | (128 if rest else 0)])
        if not rest:
            return bytes([kind]) + coded + body


def _publish(topic: bytes, payload: bytes, kind: int = 0x30) -> bytes:
    number = b"" if kind & 6 == 0 else b"\0\x01"
    return _packet(kind, struct.pack(">H", len(topic)) + topic + number + payload)


def _flood(client: socket.socket) -> None:
    for _ in range(300):
        client.sendall(_publish(_STATUS, b"online") * 100)


def _dripping(client: socket.socket) -> None:
    client.recv(4096)
    for byte in _ACCEPTED + _publish(_STATUS, b"online") * 3:
        client.sendall(bytes([byte]))
        time.sleep(0.05)
    _listen(client)


_REFUSED = "let us without a user in"
_CASES = (
    _Case("garbage", _answering(b"\x16\x03\x01garbage\r\n" * 50), sample=True),
    _Case("a web server", _answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
    _Case("nulls", _answering(b"\0" * 100_000)),
    *(
        _Case(f"refuses with {code}", _answering(bytes([0x20, 2, 0, code])), says="expected")
        for code in (1, 2, 3, 6, 128, 255)
    ),
    *(
        _Case(f"refuses with {code}", _answering(bytes([0x20, 2, 0, code])), _REFUSED)
        for code in (4, 5)
    ),
    _Case("never answers", _listen, sample=True),
    _Case("closes at once", lambda _: None, says="expected an answer"),
    _Case("closes after it has let in", _connected(lambda client: client.close())),
    _Case("answers twice", _answering(_ACCEPTED * 2)),
    _Case("answer too short", _answering(b"\x20\x01\0")),
    _Case("answer too long", _answering(_packet(0x20, b"\0" * 500))),
    _Case("length of five bytes", _sending(b"\x30\xff\xff\xff\xff\x7f")),
    _Case("says 256 MB, sends 10", _sending(_packet(0x30, b"\0\x05topic123", 268_435_455))),
    _Case("topic longer than the packet", _sending(_packet(0x30, b"\xff\xffabc"))),
    _Case("empty message", _sending(_packet(0x30, b""))),
    _Case("message without a topic", _sending(_publish(b"", b"online"))),
    _Case("topic with wildcards", _sending(_publish(b"homeassistant/+/#", b"online") * 9)),
    _Case("topic that is no UTF-8", _sending(_publish(b"\xff\xfe\xc0", b"online"))),
    _Case("topic with nulls", _sending(_publish(_STATUS + b"\0\x1b[2J", b"online"))),
    _Case("message that is no JSON", _sending(_publish(_STATUS, b'{"a": [1,') * 9)),
    _Case("control characters", _sending(_publish(_STATUS, b"\x1b]0;x\x07\r\n\0") * 9)),
    _Case("100 MB", _sending(_publish(_STATUS, b"x" * _LARGE))),
    _Case("online 30,000 times", _connected(_flood), sample=True),
    _Case("quality of service 3", _sending(_publish(_STATUS, b"online", 0x36))),
    _Case("receipts of nothing", _sending(b"\x40\x02\x99\x99\x50\x02\0\x09\x70\x02\0\x09" * 99)),
    _Case("subscription refused", _sending(b"\x90\x03\0\x01\x80" * 3)),
    _Case("packets of a client", _sending(b"\xc0\0\x82\x02\0\1\xa2\x02\0\1\xe0\0" * 3)),
    _Case("unknown packets", _sending(b"\x00\0\xf0\0\xf0\0")),
    _Case("a byte at a time", _dripping),
)
