"""What reaches the service manager, and when."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.run.systemd import Heartbeat, Manager
from tests.edge.fakes import frames, outage, result


class Listener:
    """The other end: a datagram socket at ``address``, as NOTIFY_SOCKET names it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    path = str(tmp_path / "notify")
    address = path if request.param == "path" else f"@expressions-{uuid.uuid4()}"
    with closing(Listener(address)) as opened:
        yield opened


def environment(listener: Listener, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": listener.address, **more}


def test_messages_reach_both_kinds_of_address(listener: Listener) -> None:
    with Manager(environment(listener)) as manager:
        assert manager.present
        manager.status("30 FPS · 3 ms")
        manager.reloading()
    status, reloading, stopping = listener.heard()
    assert status == "STATUS=30 FPS · 3 ms"
    assert reloading.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert reloading.rpartition("=")[2].isdecimal()
    assert stopping == "STOPPING=1"


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "192.0.2.1:80"])
def test_without_a_local_manager_no_socket_is_made(address: str) -> None:
    before = open_files()
    with Manager({"NOTIFY_SOCKET": address}) as manager:
        assert not manager.present
        manager.tell("READY=1")
        assert open_files() == before


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_manager_that_is_gone_or_does_not_listen_is_no_failure(tmp_path: Path) -> None:
    with Manager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}) as manager:
        assert not manager.tell("READY=1")
    address = str(tmp_path / "full")
    with closing(Listener(address)), Manager({"NOTIFY_SOCKET": address}) as manager:
        for _ in range(2000):  # more than its queue takes: a blocking one would wait for ever
            manager.tell("WATCHDOG=1")


@pytest.mark.parametrize(
    ("more", "seconds"),
    [
        ({"WATCHDOG_USEC": "20000000"}, 5.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, 5.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, float("inf")),
        ({"WATCHDOG_USEC": "soon"}, float("inf")),
        ({}, float("inf")),
    ],
)
def test_how_often_it_pings(more: dict[str, str], seconds: float) -> None:
    assert Manager(more).ping_every == seconds


def test_ready_with_the_first_result_and_pings_while_the_loop_runs(listener: Listener) -> None:
    now = [100.0]
    manager = Manager(environment(listener, WATCHDOG_USEC="4000000"))
    with manager, Heartbeat(manager, clock=lambda: now[0]) as heartbeat:
        assert listener.heard() == []
        heartbeat.write(frames(1)[0], result())
        assert listener.heard() == ["READY=1", "WATCHDOG=1"]
        now[0] = 100.9
        heartbeat.write(frames(1)[0], result())
        assert listener.heard() == []
        now[0] = 101.0
        heartbeat.lost(outage())
        assert listener.heard() == ["WATCHDOG=1"], "the loop runs without a picture too"
        now[0] = 500.0
        assert listener.heard() == [], "nothing pings by itself"


def test_ready_is_said_again_until_it_was_sent(tmp_path: Path) -> None:
    address = str(tmp_path / "full")
    with closing(Listener(address)) as listener, Manager({"NOTIFY_SOCKET": address}) as manager:
        heartbeat = Heartbeat(manager)
        while manager.tell("STATUS=as many as the queue takes"):
            pass
        heartbeat.write(frames(1)[0], result())
        assert "READY=1" not in listener.heard()
        for _ in range(2):
            heartbeat.write(frames(1)[0], result())
        assert listener.heard() == ["READY=1"]
