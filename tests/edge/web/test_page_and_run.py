"""The live page in a real browser, while its run ends, hides faces, or wants a token."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.edge.web.browser import DETAIL, ROUGH, Page, demo, free_port, moves, shows_people, until

pytestmark = [pytest.mark.web, pytest.mark.slow]


def test_the_end_of_the_run_is_said_and_the_next_one_is_found(
    repository: Path, visit: Callable[..., Page]
) -> None:
    port = free_port()
    with demo(repository, f"127.0.0.1:{port}") as process:
        page = visit(f"http://127.0.0.1:{port}/", quiet=False)
        shows_people(page)
        process.send_signal(signal.SIGINT)
        until(page, "() => document.querySelector('#state').textContent === 'Ended'")
        assert "The run has ended" in page.locator("#notice").inner_text()
        assert process.wait(30) == 0
    with demo(repository, f"127.0.0.1:{port}"):
        until(page, "() => document.querySelector('#state').textContent === 'Playing'")
        moves(page)


def test_the_connection_is_lost(repository: Path, visit: Callable[..., Page]) -> None:
    port = free_port()
    with demo(repository, f"127.0.0.1:{port}") as process:
        page = visit(f"http://127.0.0.1:{port}/", quiet=False)
        shows_people(page)
        process.kill()
        until(page, "() => document.querySelector('#state').textContent === 'Connection lost'")
        assert "Trying again" in page.locator("#notice").inner_text()


def test_faces_that_the_run_hides_cannot_be_seen(
    repository: Path, visit: Callable[..., Page]
) -> None:
    port = free_port()
    with demo(repository, f"127.0.0.1:{port}", "--hide-faces", "blur"):
        page = visit(f"http://127.0.0.1:{port}/")
        shows_people(page)
        assert page.get_by_role("button", name="Faces hidden").is_disabled()
        until(page, f"async () => await ({DETAIL})() < {ROUGH}")


def own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("203.0.113.1", 9))
        return str(probe.getsockname()[0])


def test_from_outside_there_is_a_wall_until_the_link_is_opened(
    repository: Path, visit: Callable[..., Page], tmp_path: Path
) -> None:
    port = free_port()
    with demo(repository, f"0.0.0.0:{port}", XDG_STATE_HOME=str(tmp_path)):
        token = (tmp_path / "edge-expressions" / "web-token").read_text().strip()
        outside = f"http://{own_address()}:{port}/"
        page = visit(outside, quiet=False)
        assert page.get_by_role("heading").inner_text() == "Token wanted"
        assert page.evaluate("fetch('stream.mjpg').then((answer) => answer.status)") == 401
        page.goto(f"{outside}?token={token}")
        assert page.url == outside  # the token is in no history and no screenshot
        shows_people(page)
        moves(page)
        assert token not in page.evaluate("document.cookie")
        page.reload()
        shows_people(page)
