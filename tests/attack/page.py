"""G: the live page, by raw sockets, and MQTT, by brokers that misbehave."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.attack import brokers, page_acts
from tests.attack.case import Result
from tests.attack.pages import HOST, Page

_SECRETS = (b"root:", b"[project]", b"from __future__")
"""Of files that nobody may read through a page."""


@dataclass(frozen=True, slots=True)
class Attack:
    """``act`` does it and says what is wrong, "" for nothing; then the page is looked at."""

    name: str
    act: Callable[[Page], str]
    sample: bool = False


def attack(sample: bool, seed: int) -> Iterator[Result]:
    """Yield a result for each attack: the page's, those of one with a token, the brokers'."""
    del seed  # there is nothing random here
    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(lambda: list(brokers.attack(sample)))
        for page, attacks in ((Page(), ATTACKS), (Page(token=True), TOKEN_ATTACKS)):
            with page:
                for each in attacks:
                    if each.sample or not sample:
                        yield _try(page, each)
                wrong, name = page.end(), f"end{' with a token' * page.token}"
                yield Result("page", name, (wrong,) * bool(wrong), failed=int(bool(wrong)))
        yield from others.result()


def _try(page: Page, each: Attack) -> Result:
    began = time.monotonic()
    try:
        wrong = each.act(page)
    except ConnectionError:  # to be cut off is an answer
        wrong = ""
    except OSError as error:
        wrong = f"could not be tried: {error}"
    problems = tuple(filter(None, (wrong, *page.problems())))
    seconds = time.monotonic() - began
    return Result(
        "page", each.name, problems, failed=int(bool(problems)), seconds=seconds, peak_mib=page.mib
    )


def _ask(name: str, make: Callable[[Page], bytes], *codes: int, sample: bool = False) -> Attack:
    """Send one request, which gets one of ``codes``, or no answer where 0 is among them."""

    def act(page: Page) -> str:
        answer = page.ask(make(page))
        if any(secret in answer for secret in _SECRETS):
            return f"gave away {answer[-80:]!r}"
        if not answer:
            return "" if 0 in codes else "no answer"
        status = answer[9:12]
        return "" if status in [b"%d" % code for code in codes] else f"answered {answer[:60]!r}"

    return Attack(name, act, sample)


def _path(path: str, *codes: int) -> Attack:
    name = path.encode("ascii", "backslashreplace").decode()[:40]
    return _ask(f"path {name}", lambda page: page.get(path, "Connection: close"), *codes)


def _header(name: str, *lines: str, codes: Sequence[int] = (200,), path: str = "/") -> Attack:
    return _ask(name, lambda page: page.get(path, *lines, "Connection: close"), *codes)


def _host(host: str, *codes: int) -> Attack:
    return _ask(f"host {host[:40]!r}", lambda page: page.get("/", host=host), *codes)


def _raw(name: str, request: bytes, *codes: int, sample: bool = False) -> Attack:
    return _ask(name, lambda _: request, *codes, sample=sample)


def _method(method: str, *codes: int, origin: str = "") -> Attack:
    more = [f"Origin: {origin}"] if origin else []

    def request(page: Page) -> bytes:
        return page.get("/", *more, "Connection: close").replace(b"GET", method.encode(), 1)

    name = f"{method[:10]}{' of another page' * bool(origin)}"
    return _ask(name, request, *codes, sample=bool(origin))


ATTACKS: tuple[Attack, ...] = (
    _raw("request line of 1 MB", b"GET /" + b"x" * 10**6 + b" HTTP/1.1\r\n\r\n", 0, 400, 431),
    _raw("request line without end", b"GET /" + b"x" * 10**6, 0, 400, 431, sample=True),
    _header("header of 1 MB", "X: " + "x" * 10**6, codes=(0, 400, 431)),
    _header("10,000 headers", *(f"X-{n}: 1" for n in range(10_000)), codes=(0, 200, 400)),
    Attack(
        "headers without end",
        lambda page: page_acts.endless(page, page.get("/")[:-2], b"X-Header: 1\r\n" * 999),
    ),
    Attack(
        "a header that trickles", lambda page: page_acts.endless(page, page.get("/")[:-2], b"x")
    ),
    Attack("500 slow connections", page_acts.slow_loris),
    Attack("1000 requests in one go", page_acts.pipeline, sample=True),
    _ask("a request and nonsense", lambda page: page.get("/") + b"\0\xff" * 5000, 200),
    *(_method(each, 405) for each in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")),
    *(_method(each, 400, 405) for each in ("get", "CONNECT", "X" * 1000)),
    *(_method(each, 403, origin="http://evil.example") for each in ("POST", "DELETE")),
    Attack("TRACE of a secret", page_acts.no_echo),
    _path("/../../../etc/passwd", 404),
    _path("/%2e%2e/%2e%2e/%2e%2e/etc/passwd", 404),
    _path("/..%2f..%2f..%2fetc%2fpasswd", 404),
    _path("/..%5c..%5cpyproject.toml", 404),
    _path("/..\\..\\pyproject.toml", 400, 404),
    _path("/page.css%00.html", 404),
    _path("/page.js\0", 0, 400, 404),
    _path("//etc/passwd", 404),
    _path("/./page/../app.py", 404),
    _path("/page.css/../../app.py", 404),
    _path("file:///etc/passwd", 0, 400, 404),
    _path("http://evil.example/", 200, 400, 404, 421),
    _path("/%ff%fe%c0%ae", 404),
    _path("/\xff\xfe", 0, 400, 404),
    _path("*", 400, 404),
    _path("", 0, 400, 404),
    _path("/snapshot.jpg?source=" + "%00" * 3000, 0, 400, 404),
    _path("/snapshot.jpg?source=%1b[2J", 404),
    _path("/snapshot.jpg?hide=2&hide=1&hide", 200),
    _path("/result.json?" + "a=1&" * 3000, 200),
    Attack("a source that is a script", page_acts.plain_text, sample=True),
    *(_host(each, 421) for each in ("evil.example", f"{HOST}.evil.example", f"me@{HOST}", "a b")),
    *(_host(each, 400, 421) for each in ("evil.example:8080", "[evil", "\xff", "x" * 10_000)),
    _raw("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    _ask("two hosts", lambda page: page.get("/", "Host: evil.example"), 400, 421),
    _header("a web socket", "Upgrade: websocket", "Connection: Upgrade", codes=(200, 400, 426)),
    _header("h2c", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", codes=(200, 400)),
    _raw("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 99, 0, 400, 421, sample=True),
    _raw("TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\x55" * 500 + b"\r\n\r\n", 0, 400),
    _raw("HTTP/0.9", b"GET /\r\n\r\n", 0, 400),
    _raw("HTTP/9.9", b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 0, 200, 400, 505),
    _raw("a line alone", b"\n\n\n\n\r\n\r\n", 0, 400),
    _raw("nulls", b"\0" * 100_000, 0, 400),
    _header("a header without a colon", "nonsense", codes=(400,)),
    _header("a folded header", "X: a", "\tb", codes=(200, 400)),
    _header("a header of nulls", "X: a\0b", codes=(200, 400)),
    _header("a long body to come", "Content-Length: 99999999999999", codes=(0, 200)),
    _header("a body of minus one", "Content-Length: -1", codes=(400,)),
    _header("a body of nonsense", "Content-Length: 1e3", codes=(400,)),
    _header("chunks of nonsense", "Transfer-Encoding: chunked", "", "zz", codes=(0, 200, 400)),
    _header("two lengths", "Content-Length: 9", "Transfer-Encoding: chunked", codes=(0, 200, 400)),
    Attack(
        "chunks without end",
        lambda page: page_acts.endless(
            page, page.get("/", "Transfer-Encoding: chunked"), b"fff\r\n" + b"x" * 4095 + b"\r\n"
        ),
    ),
    Attack(
        "a chunk that trickles",
        lambda page: page_acts.endless(
            page, page.get("/", "Transfer-Encoding: chunked") + b"ff\r\n", b"x"
        ),
    ),
    _header("a range of nonsense", "Range: bytes=5-1,-99999999999999999999,z", path="/page.js"),
    _header("10,000 ranges", "Range: bytes=" + "0-1," * 2500, path="/page.js"),
    _header("If-None-Match of nonsense", 'If-None-Match: "' + "a" * 9000 + '", W/"', codes=(200,)),
    _header("If-Modified-Since never", "If-Modified-Since: 32 Nomember", codes=(200,)),
    _header("Expect of nonsense", "Expect: 200-everything", codes=(200, 400, 417)),
    _header("a cookie of nonsense", "Cookie: \xff=;;;=\0x;" + "a" * 9000, codes=(200, 400)),
    _header("an address of another", "X-Forwarded-For: 6.6.6.6", "Forwarded: for=_x"),
    Attack("half closed", page_acts.half_closed),
    Attack("nothing is sent", page_acts.silent),
    Attack("500 come and go", lambda page: page_acts.come_and_go(page, reset=False), sample=True),
    Attack("500 come and reset", lambda page: page_acts.come_and_go(page, reset=True)),
    Attack(
        "4 viewers who never read",
        lambda page: page_acts.many(page, 4, page.get(page_acts.STREAM), page_acts.CUT_OFF),
    ),
    Attack(
        "200 viewers who never read",
        lambda page: page_acts.many(page, 200, page.get(page_acts.STREAM), page_acts.CUT_OFF),
    ),
    Attack(
        "200 readers of events who never read",
        lambda page: page_acts.many(page, 200, page.get("/events"), 1.0),
    ),
    Attack("200 viewers", page_acts.viewers_who_read, sample=True),
)


def _token(name: str, token: Callable[[str], str], *codes: int, sample: bool = False) -> Attack:
    """Give a token in the address."""

    def request(page: Page) -> bytes:
        return page.get(f"/?token={token(page.secret)}", "Connection: close")

    return _ask(f"token {name}", request, *codes, sample=sample)


def _bearer(name: str, header: Callable[[str], str], *codes: int) -> Attack:
    def request(page: Page) -> bytes:
        return page.get("/healthz", header(page.secret), "Connection: close")

    return _ask(f"token {name}", request, *codes)


def _guess(page: Page) -> str:
    """Guess 300 times: from the eleventh on every answer is the same, the right token's too."""
    codes = [
        page.ask(page.get(f"/?token=guess{number}", "Connection: close"))[9:12]
        for number in range(300)
    ]
    if b"200" in codes or b"303" in codes:
        return "let in"
    if set(codes[10:]) != {b"429"}:
        return f"could guess on: {sorted(set(codes[10:]))}"
    return ""


TOKEN_ATTACKS: tuple[Attack, ...] = (
    _token("right", lambda token: token, 303, sample=True),
    _bearer("in a header", lambda token: f"Authorization: Bearer {token}", 200),
    _bearer("none", lambda _: "X: 1", 401),
    _bearer("in the cookie of another", lambda token: f"Cookie: expressions-1={token}", 401),
    _bearer("as a password", lambda token: f"Authorization: Basic {token}", 401),
    _token("empty", lambda _: "", 401),
    _token("cut", lambda token: token[:-1], 401),
    _token("of 10,000 letters", lambda token: token * 300, 401),
    _token("that is no UTF-8", lambda _: "%ff%fe", 401),
    _token("twice", lambda token: f"x&token={token}", 401),
    _token("with a line end", lambda token: f"{token}%0d%0aX-Evil:1", 401),
    Attack("300 guesses", _guess, sample=True),
    _token("right after guesses", lambda token: token, 429),
)
