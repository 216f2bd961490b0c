"""Who may see the page, and what its answers tell a browser."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.sinks.web import WebSink
from edge.web.gate import SAFE_HEADERS, Attempts
from tests.edge.web.site import LOCAL, ask, page, send

PATHS = (
    "/",
    "/page.css",
    "/page.js",
    "/stream.mjpg",
    "/snapshot.jpg",
    "/events",
    "/result.json",
    "/healthz",
    "/metrics",
    "/nothing",
)


@pytest.fixture(scope="module")
def local() -> Iterator[WebSink]:
    """A page without a token."""
    with page() as sink:
        send(sink)
        yield sink


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return tmp_path / "web-token"


@pytest.fixture
def walled(token_file: Path) -> Iterator[WebSink]:
    """A page that wants a token."""
    with page("0.0.0.0:0", token_file=token_file) as sink:
        send(sink)
        yield sink


def test_it_is_off_by_default_and_then_for_this_machine_alone(local: WebSink) -> None:
    from edge.run.build import RunSettings, publishers

    assert list(publishers(RunSettings())) == []
    assert local.address.host == LOCAL
    assert ask(local, "/").status == 200


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_nothing_is_to_be_had(path: str, walled: WebSink) -> None:
    answer = ask(walled, path)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "expressions" not in answer.headers.get("set-cookie", "")


def test_a_browser_gets_the_wall_as_a_page(walled: WebSink) -> None:
    answer = ask(walled, "/", Accept="text/html,*/*")
    assert answer.status == 401
    assert "<h1>Token wanted</h1>" in answer.text


def test_the_link_moves_the_token_into_a_cookie(walled: WebSink, token_file: Path) -> None:
    token = token_file.read_text().strip()
    answer = ask(walled, f"/result.json?a=%26&token={token}&b=")
    assert (answer.status, answer.headers["location"]) == (303, "result.json?a=%26&b=")
    cookie, *rest = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(rest)
    assert ask(walled, "/result.json", Cookie=cookie).status == 200
    for odd in ('theme={"dark": true}', "a[b]=1", "na(me=1", "x"):
        assert ask(walled, "/result.json", Cookie=f"{odd}; {cookie}").status == 200
    assert ask(walled, f"/?token={token}").headers["location"] == "./"
    assert ask(walled, f"//evil.example/%5Cx?token={token}").headers["location"] == "%5Cx"


def test_a_program_gives_the_token_as_bearer(walled: WebSink, token_file: Path) -> None:
    token = token_file.read_text().strip()
    assert ask(walled, "/metrics", Authorization=f"Bearer {token}").status == 200
    assert ask(walled, "/metrics", Authorization=f"Basic {token}").status == 401


def test_ten_wrong_tokens_a_minute_are_enough(walled: WebSink, token_file: Path) -> None:
    for _ in range(5):
        assert ask(walled, "/").status == 401  # none is no wrong one
        assert ask(walled, "/?token=wrong").status == 401
        assert (
            ask(walled, "/", Authorization="Bearer wröng".encode().decode("latin-1")).status == 401
        )
    answer = ask(walled, f"/?token={token_file.read_text().strip()}")
    assert (answer.status, answer.headers["retry-after"]) == (429, "60")


def test_attempts_are_forgotten_after_a_minute_and_not_kept_for_all_the_world() -> None:
    now = 0.0
    attempts = Attempts(2, lambda: now, remembered=2)
    for address in ("a", "a", "b", "b"):
        attempts.add(address)
    assert attempts.too_many("a")
    now = 59.0
    attempts.add("c")
    assert not attempts.too_many("a")  # three are more than are remembered
    assert attempts.too_many("b")
    now = 61.0
    assert not attempts.too_many("b")


@pytest.mark.parametrize("token", [False, True])
def test_another_name_is_no_way_in(token: bool, token_file: Path) -> None:
    """DNS rebinding: a page of evil.example whose name leads here."""
    with page(token_file=token_file if token else None, hosts=("pi.example.org",)) as sink:
        assert ask(sink, "/", Host="evil.example:8080").status == 421
        assert ask(sink, "/", Host="pi.example.org").status == (401 if token else 200)
        assert ask(sink, "/", Host=f"{socket.gethostname()}.local").status != 421
        assert ask(sink, "/", X_Forwarded_Host="pi.example.org", Host="evil.example").status == 421


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(method: str, local: WebSink) -> None:
    own = f"http://{local.address}"
    assert ask(local, "/", method, Origin="http://evil.example").status == 403
    assert ask(local, "/", method, Origin="null").status == 403
    for path in PATHS[:-1]:
        assert ask(local, path, method, Origin=own).status == 405
        assert ask(local, path, method).status == 405


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_keeps_browsers_strict(path: str, local: WebSink, walled: WebSink) -> None:
    for sink in (local, walled):
        answer = ask(sink, path, "HEAD", Origin="http://evil.example")
        for name, value in SAFE_HEADERS.items():
            assert answer.headers[name.lower()] == value
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert "server" not in answer.headers


def test_the_page_asks_for_nothing_from_elsewhere_and_runs_nothing_inline(local: WebSink) -> None:
    assert "default-src 'self'" in SAFE_HEADERS["Content-Security-Policy"]
    html = ask(local, "/").text
    assert "//" not in html.replace("</", "")
    assert " style=" not in html
    assert "<style" not in html
    assert html.count("<script") == html.count('<script type="module" src=') == 1


def test_forwarded_headers_make_no_other_address(walled: WebSink) -> None:
    """Else anybody could have ten more tries, or let somebody else be locked out."""
    for n in range(10):
        ask(walled, "/?token=wrong", X_Forwarded_For=f"203.0.113.{n}", Forwarded=f"for=1.1.1.{n}")
    assert ask(walled, "/").status == 429


def test_the_link_and_its_code_go_to_a_terminal_and_the_log_names_the_file(
    token_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    terminal = io.StringIO()
    with page("0.0.0.0:0", token_file=token_file, terminal=terminal) as sink:
        token = token_file.read_text().strip()
        link = f"http://{sink.address}/?token={token}"
    assert terminal.getvalue().count(f"{link}\n") == 1
    assert scanned(terminal.getvalue()) == link
    assert str(token_file) in caplog.text
    assert token not in caplog.text


def scanned(text: str) -> str:
    """What a camera reads of the QR code in ``text``: two rows of modules in a line.

    OpenCV's other detector misses one code in 300.
    """
    lines = [line for line in text.splitlines() if line and set(line) <= set("█▀▄ ")]
    rows = [[c in letters for c in line] for line in lines for letters in ("█▀", "█▄")]
    image = np.array(rows, np.uint8).repeat(8, 0).repeat(8, 1) * 255
    return str(cv2.QRCodeDetectorAruco().detectAndDecode(image)[0])


def test_on_this_machine_alone_there_is_a_link_without_a_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    terminal = io.StringIO()
    with page(terminal=terminal) as sink:
        assert f"http://127.0.0.1:{sink.address.port}/" in caplog.text
    assert terminal.getvalue() == ""
