"""The kernel refuses sockets to the process that runs MediaPipe, or nothing runs."""

from __future__ import annotations

import json
import platform
import struct
import subprocess
import sys

import pytest

from edge.detectors import mediapipe_child
from edge.detectors.mediapipe_child import filter_code

REFUSED, ALLOWED = 0x0005_0000 | 13, 0x7FFF_0000
X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003
CHILD = mediapipe_child.__file__

PROBE = """
import json, runpy, socket, subprocess, sys, threading

def attempt(family):
    try:
        socket.socket(family, socket.SOCK_DGRAM).close()
    except PermissionError:
        return "refused"
    return "opened"

def attempts():
    seen = {family: attempt(getattr(socket, family)) for family in
            ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK")}
    thread = threading.Thread(target=lambda: seen.update(thread=attempt(socket.AF_INET)))
    thread.start()
    thread.join()
    code = "import socket; socket.socket()"
    command = [sys.executable, "-c", code]
    failed = subprocess.run(command, stderr=subprocess.DEVNULL).returncode
    seen["process"] = "refused" if failed else "opened"
    waiting.set()
    elder.join()
    return seen | early

early, waiting = {}, threading.Event()
def wait():
    waiting.wait()
    early["elder thread"] = attempt(socket.AF_INET)
elder = threading.Thread(target=wait, daemon=True)
elder.start()
child = runpy.run_path(sys.argv[1])
if sys.argv[2] == "forbid":
    child["forbid_sockets"]()
print(json.dumps(attempts()))
"""

NO_FILTER = """
import runpy, sys
child = runpy.run_path(sys.argv[1])
machine = child["platform"].machine()
child["refuse_calls"](machine, (child["_MACHINES"][machine].seccomp,))
sys.argv[1:] = ["0"]
child["main"]()
assert "mediapipe" not in sys.modules
"""


def probe(what: str) -> dict[str, str]:
    command = [sys.executable, "-c", PROBE, CHILD, what]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def test_every_kind_of_socket_is_refused_to_every_thread_and_child() -> None:
    assert set(probe("allow").values()) == {"opened"}
    assert set(probe("forbid").values()) == {"refused"}


def test_without_the_filter_nothing_is_imported() -> None:
    """Some containers refuse the call that sets the filter; here an outer filter does."""
    command = [sys.executable, "-c", NO_FILTER, CHILD]
    answer = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    assert "can't be held back here" in json.loads(answer)["error"]


def test_an_unknown_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(OSError, match="riscv64"):
        mediapipe_child.forbid_sockets()


@pytest.mark.parametrize(
    ("architecture", "call", "verdict"),
    [
        (X86_64, 41, REFUSED),
        (X86_64, 425, REFUSED),
        (X86_64, 0, ALLOWED),
        (X86_64, 198, ALLOWED),
        (X86_64, 0x4000_0000 | 41, REFUSED),
        (I386, 0, REFUSED),
        (AARCH64, 41, REFUSED),
    ],
)
def test_the_filter_on_x86(architecture: int, call: int, verdict: int) -> None:
    assert run_filter(filter_code(X86_64, (41, 425)), architecture, call) == verdict


@pytest.mark.parametrize(
    ("architecture", "call", "verdict"),
    [
        (AARCH64, 198, REFUSED),
        (AARCH64, 425, REFUSED),
        (AARCH64, 41, ALLOWED),
        (X86_64, 0, REFUSED),
    ],
)
def test_the_filter_on_arm(architecture: int, call: int, verdict: int) -> None:
    assert run_filter(filter_code(AARCH64, (198, 425)), architecture, call) == verdict


def run_filter(code: bytes, architecture: int, call: int) -> int:
    """What the kernel's classic BPF machine returns for a system call."""
    program = list(struct.iter_unpack("=HBBI", code))
    data = {0: call, 4: architecture}
    at = value = 0
    while True:
        operation, if_true, if_false, k = program[at]
        at += 1
        if operation == 0x20:
            value = data[k]
        elif operation == 0x15:
            at += if_true if value == k else if_false
        elif operation == 0x35:
            at += if_true if value >= k else if_false
        else:
            assert operation == 0x06
            return k
