"""Every recipe of docs/react.md runs as it stands there, as far as it can without the hardware.

Only the camera is exchanged for a clip, in which a happy face becomes a neutral one.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from edge import Recognizer
from edge.events import Event
from edge.sinks.command import variables
from tests.edge.clips import write_change
from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "react.md").read_text("utf-8")
RECIPES = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE, re.M | re.S))
(RECIPES["api.md"],) = re.findall(
    r"## Events\n```python\n(.*?)^```$", (DOCS / "api.md").read_text("utf-8"), re.M | re.S
)
CAMERA = "stream(0,"

pytestmark = pytest.mark.slow

MOCK_PIN = """
import os, signal, threading, time
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
Device.pin_factory = MockFactory()
pin = Device.pin_factory.pin(17)
def interrupt():
    while not pin.state:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
"""
ROS = {
    "rclpy.py": """
import std_msgs.msg
running = False
def init():
    global running
    running = True
def ok():
    return running
def try_shutdown():
    global running
    running = False
    print("shut down", flush=True)
class Publisher:
    def publish(self, message):
        assert running and isinstance(message, std_msgs.msg.String)
        print(message.data, flush=True)
class Node:
    def create_publisher(self, kind, topic, depth):
        assert (kind, topic, depth) == (std_msgs.msg.String, "expressions", 10)
        return Publisher()
    def destroy_node(self):
        print("destroyed", flush=True)
def create_node(name):
    assert running and name == "expressions"
    return Node()
""",
    "std_msgs/msg.py": """
class String:
    def __init__(self, *, data):
        assert isinstance(data, str)
        self.data = data
""",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clip, the recipes, the command and a program that says what it plays."""
    folder = tmp_path_factory.mktemp("recipes")
    write_change(folder / "clip.mp4")
    programs = {
        "bin/expressions": f'#!/bin/sh\nexec {Path(PYTHON).absolute()} -m edge "$@"\n',
        "bin/aplay": '#!/bin/sh\necho "$@" >> played\n',
    }
    for name, text in {**RECIPES, **ROS, **programs}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for name in programs:
        (folder / name).chmod(0o755)
    return folder


def environment(place: Path, repository: Path) -> dict[str, str]:
    path = f"{place / 'bin'}:{QUIET_ENVIRONMENT['PATH']}"
    return QUIET_ENVIRONMENT | {"PATH": path, "PYTHONPATH": f"{repository}:{place}"}


def start(
    place: Path, repository: Path, name: str, source: str, before: str = "", after: str = ""
) -> subprocess.Popen[str]:
    """Run a recipe in Python with ``source`` for its camera."""
    code = RECIPES[name]
    assert code.count(CAMERA) == 1
    code = before + code.replace(CAMERA, f'stream("{source}",') + after
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=place,
        env=environment(place, repository),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "Exception" not in err
    return out


def command(name: str) -> str:
    """The commands that run the recipe ``name``, with the clip for the camera."""
    (shown,) = [
        code
        for code in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.M | re.S)
        if name in code and "expressions run " in code
    ]
    return shown.replace("expressions run ", "expressions run clip.mp4 --display off ")


def run_command(place: Path, repository: Path, code: str) -> None:
    done = subprocess.run(
        ["sh", "-euc", code],
        cwd=place,
        env=environment(place, repository),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_every_recipe_has_a_test() -> None:
    assert set(RECIPES) == {
        *("led.py", "lamp.py", "sound.sh", "expressions_node.py", "page.py", "api.md")
    }


def test_the_diode_is_on_while_somebody_is_happy(place: Path, repository: Path) -> None:
    states = "print([bool(s.state) for s in pin.states], pin.function)"
    process = start(place, repository, "led.py", "clip.mp4", MOCK_PIN, states)
    assert finish(process) == "[False, True, False] input\n"


def test_ctrl_c_ends_the_diode_s_recipe(place: Path, repository: Path) -> None:
    interrupt = "threading.Thread(target=interrupt, daemon=True).start()\n"
    process = start(
        place, repository, "led.py", "demo", MOCK_PIN + interrupt, "print(pin.function)"
    )
    assert finish(process) == "input\n", "the pin is given back"


def test_the_example_of_the_api_says_what_happens(place: Path, repository: Path) -> None:
    lines = finish(start(place, repository, "api.md", "clip.mp4")).splitlines()
    first, second, third = lines
    assert first == "#1 is here, happy"
    assert re.fullmatch(r"#1 was happy for 1\.[12] s and is neutral", second)
    assert third == "#1 was here for 2.0 s"


@pytest.fixture
def lamp() -> Iterator[tuple[str, list[tuple[str, dict[str, object]]]]]:
    """An address, and what was posted there."""
    posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", posted
        server.shutdown()


def test_the_lamp_has_the_colour_of_the_expression(
    place: Path, repository: Path, lamp: tuple[str, list[tuple[str, dict[str, object]]]]
) -> None:
    address, posted = lamp
    code = command("lamp.py")
    assert "http://wled.local" in code
    run_command(place, repository, code.replace("http://wled.local", address))
    assert posted == [
        ("/json/state", {"on": True, "seg": [{"col": [[255, 170, 0]]}]}),
        ("/json/state", {"on": True, "seg": [{"col": [[255, 255, 255]]}]}),
        ("/json/state", {"on": False}),
    ]


def test_a_sound_is_played_when_somebody_is_happy(place: Path, repository: Path) -> None:
    run_command(place, repository, command("sound.sh"))
    assert (place / "played").read_text() == "-q laugh.wav\n"


def test_the_node_publishes_each_event(place: Path, repository: Path) -> None:
    *lines, destroyed, shut_down = finish(
        start(place, repository, "expressions_node.py", "clip.mp4")
    ).splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["appeared", "changed", "left"]
    assert (destroyed, shut_down) == ("destroyed", "shut down")


def test_ctrl_c_ends_the_node(place: Path, repository: Path) -> None:
    process = start(place, repository, "expressions_node.py", "demo")
    assert process.stdout
    assert json.loads(process.stdout.readline())["event"] == "appeared"
    process.send_signal(signal.SIGINT)
    assert finish(process).splitlines()[-2:] == ["destroyed", "shut down"]


def test_the_page_shows_who_is_there(
    place: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert '"port": 8000' in RECIPES["page.py"]
    monkeypatch.setitem(RECIPES, "page.py", RECIPES["page.py"].replace("8000", str(port)))
    process = start(place, repository, "page.py", "demo")
    until, text = time.monotonic() + 30, ""
    while "#1 is happy" not in text:
        assert time.monotonic() < until, text
        assert process.poll() is None, process.communicate()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    finish(process)


def test_the_page_names_every_field_and_variable(tmp_path: Path) -> None:
    write_change(tmp_path / "clip.mp4")
    told: list[Event] = []
    for _ in Recognizer().stream(tmp_path / "clip.mp4", on_event=told.append):
        pass
    (block,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.M | re.S)
    shown = [json.loads(line) for line in block.splitlines()]
    assert [list(line) for line in shown] == [list(event.to_dict()) for event in told]
    assert [(e["event"], e["label"]) for e in shown] == [(e.kind, e.label) for e in told]
    lost = Event("source_lost", "camera 0", 1.0, 1.0, duration=1.8, reason="unplugged")
    fields = {name for event in (*told, lost) for name in event.to_dict()}
    assert [name for name in fields if f"`{name}`" not in PAGE] == []
    assert set(variables(lost)) == set(re.findall(r"`(EXPRESSION_\w+)`", PAGE))
