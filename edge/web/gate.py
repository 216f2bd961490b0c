"""Who may come in: an ASGI middleware in front of the page."""

from __future__ import annotations

import hmac
import time
from collections import deque
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.web.address import is_known

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer says."""
_YEAR = 365 * 24 * 3600
_SAFE_METHODS = ("GET", "HEAD")
_WALL = (
    "This page needs its token. Open the link that the program printed at its start, or add "
    "?token=… to the address; the token is in the file that the program's log names."
)


class Attempts:
    """Counts bad tokens: ``most`` of them a minute from one address."""

    def __init__(
        self, most: int = 10, clock: Callable[[], float] = time.monotonic, remembered: int = 1000
    ) -> None:
        """Start with none; the ``remembered`` newest addresses are known."""
        self._most, self._clock, self._remembered = most, clock, remembered
        self._bad: dict[str, deque[float]] = {}

    def too_many(self, address: str) -> bool:
        """Whether ``address`` has to wait."""
        bad = self._bad.get(address)
        return bad is not None and len(bad) == self._most and self._clock() - bad[0] < 60

    def add(self, address: str) -> None:
        """Count a bad one."""
        bad = self._bad.pop(address, None) or deque(maxlen=self._most)
        bad.append(self._clock())
        self._bad[address] = bad
        if len(self._bad) > self._remembered:
            del self._bad[next(iter(self._bad))]


class Gate:
    """Lets requests through to ``app`` that name this machine and know ``token``.

    ``names`` are those of this machine; without a ``token`` none is wanted. ``cookie`` is the name
    of the cookie that holds it: browsers share cookies between the ports of a machine.
    """

    def __init__(
        self,
        app: ASGIApp,
        names: Iterable[str],
        token: str = "",
        cookie: str = "expressions",
    ) -> None:
        """Wrap ``app``."""
        self._app, self._names = app, frozenset(names)
        self._token, self._cookie = token, cookie
        self._attempts = Attempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let ``app`` answer, with headers that keep browsers strict."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers[name] = value
            await send(message)

        answer = self._answer(scope) or self._app
        await answer(scope, receive, send_safely)

    def _answer(self, scope: Scope) -> Response | None:
        """What keeps the request out; None where nothing does."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not is_known(host, self._names):
            return _refusal(421, "This machine has another name: see --web.hosts.")
        origin = headers.get("origin")
        if scope["method"] not in _SAFE_METHODS and origin and origin.partition("://")[2] != host:
            return _refusal(403, "Another page may not ask for this.")
        return self._check_token(scope, headers) if self._token else None

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        address = scope["client"][0] if scope["client"] else ""
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        asked = next((value for name, value in query if name == "token"), None)
        given = asked or _bearer(headers) or self._from_cookie(headers)
        if self._attempts.too_many(address):
            return _refusal(429, "Too many wrong tokens. Try again in a minute.", retry="60")
        if given is None:
            return self._wall(headers)
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            self._attempts.add(address)
            return self._wall(headers)
        if asked is None:
            return None
        rest = urlencode([pair for pair in query if pair[0] != "token"])
        return self._welcome(scope["path"].rpartition("/")[2], rest)

    def _welcome(self, name: str, query: str) -> Response:
        """Move the token from the address, which is seen and kept, into a cookie.

        The new address is relative: a proxy may have put the page into a folder.
        """
        place = (quote(name) or "./") + (query and f"?{query}")
        moved = Response(status_code=303, headers={"Location": place})
        moved.set_cookie(self._cookie, self._token, max_age=_YEAR, httponly=True, samesite="strict")
        return moved

    def _from_cookie(self, headers: Headers) -> str | None:
        # Not http.cookies: it gives up on all where another program's cookie is odd.
        return cookie_parser(headers.get("cookie", "")).get(self._cookie)

    @staticmethod
    def _wall(headers: Headers) -> Response:
        wanted = {"WWW-Authenticate": "Bearer"}
        if "text/html" not in headers.get("accept", ""):
            return _refusal(401, _WALL, **wanted)
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Token wanted</title>'
            '<meta name="viewport" content="width=device-width"><meta name="color-scheme" '
            f'content="light dark"><h1>Token wanted</h1><p>{_WALL}</p>'
            '<p><a href="./">Try again</a></p></html>'
        )
        return HTMLResponse(page, 401, wanted | {"Connection": "close"})


def _bearer(headers: Headers) -> str | None:
    kind, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if kind.lower() == "bearer" else None


def _refusal(status: int, text: str, retry: str = "", **headers: str) -> Response:
    """A plain sentence, after which the connection is closed."""
    more = {"Retry-After": retry} if retry else {}
    return PlainTextResponse(f"{text}\n", status, {"Connection": "close", **headers, **more})
