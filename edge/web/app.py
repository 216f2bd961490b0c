"""What the page's addresses answer; only GET and HEAD, and none of them changes anything."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from edge.web.board import Board, Channel
from edge.web.encoder import Encoder, Key, Picture

VIEWERS = 4
"""Streams of pictures at a time."""
_FOLDER = Path(__file__).with_name("page")
_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/people.js": ("people.js", "text/javascript"),
    "/stream.js": ("stream.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_SPACING = 0.1
"""Seconds between two results: at most ten a second."""
_LONGEST = 1.0
"""Seconds after which a viewer is told that nothing is new."""
_PATIENCE = 3.0
"""Seconds that a snapshot may take."""
_FULL = f"{VIEWERS} viewers look already. Close one of the pages, and this one comes by itself."
_PART = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\nX-Age: %.3f\r\n\r\n%b\r\n"


class Site:
    """The page of one run.

    ``hidden`` says that the run was started with hidden faces, which no viewer can undo; ``facts``
    are told to every page at its beginning.
    """

    def __init__(
        self, board: Board, encoder: Encoder, hidden: bool, facts: Mapping[str, Any]
    ) -> None:
        """Serve what ``board`` and ``encoder`` have."""
        self.viewers = 0
        self._board, self._encoder = board, encoder
        self._hidden, self._facts = hidden, facts
        routes = [Route(path, _file(*file)) for path, file in _FILES.items()]
        routes += [
            Route("/stream.mjpg", self._stream),
            Route("/snapshot.jpg", self._snapshot),
            Route("/events", self._events),
            Route("/result.json", self._results),
            Route("/healthz", self._health),
            Route("/metrics", self._read_metrics),
        ]
        self.app = Starlette(routes=routes)
        self.app.router.redirect_slashes = False

    def _key(self, request: Request) -> Key:
        hidden = self._hidden or request.query_params.get("hide") == "1"
        channel = self._board.find(request.query_params.get("source", ""))
        return Key(channel.name if channel else "", hidden)

    def _unknown(self, request: Request) -> Response | None:
        """Say that there is no such source; before the first frame there is none at all."""
        name = request.query_params.get("source", "")
        if not name or name in self._board.channels:
            return None
        return PlainTextResponse(f"There is no source {name!r}.\n", 404)

    async def _stream(self, request: Request) -> Response:
        if unknown := self._unknown(request):
            return unknown
        kind = "multipart/x-mixed-replace; boundary=frame"
        if request.method == "HEAD":
            return Response(media_type=kind)
        if self.viewers >= VIEWERS:
            return PlainTextResponse(f"{_FULL}\n", 503, {"Retry-After": "5"})
        return _Stream(self, self._parts(self._key(request)), kind)

    async def _parts(self, key: Key) -> AsyncIterator[bytes]:
        async for picture in self._pictures(key):
            yield _PART % (len(picture.jpeg), self._board.age(picture.since), picture.jpeg)

    async def _pictures(self, key: Key) -> AsyncIterator[Picture]:
        """Yield the newest picture whenever there is another one, until the run ends."""
        number = -1
        with self._encoder.watching(key):
            async for _ in self._encoder.bell.rings(_LONGEST):
                if self._board.ended:
                    return
                picture = self._encoder.newest(key)
                if picture is not None and picture.number != number:
                    number = picture.number
                    yield picture

    async def _snapshot(self, request: Request) -> Response:
        if unknown := self._unknown(request):
            return unknown
        channel = self._board.find(request.query_params.get("source", ""))
        name = re.sub(r"[^a-zA-Z0-9]+", "-", channel.title if channel else "picture").strip("-")
        file = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.jpg"
        headers = {"Content-Disposition": f'attachment; filename="{file}"'}
        if request.method == "HEAD":
            return Response(media_type="image/jpeg", headers=headers)
        try:
            async with asyncio.timeout(_PATIENCE):
                picture = await anext(self._pictures(self._key(request)))
        except (TimeoutError, StopAsyncIteration):
            return PlainTextResponse("There is no picture yet.\n", 503)
        return Response(picture.jpeg, media_type="image/jpeg", headers=headers)

    async def _events(self, request: Request) -> Response:
        kind = "text/event-stream"
        if request.method == "HEAD":
            return Response(media_type=kind)
        return StreamingResponse(
            self._messages(request.query_params.get("source", "")), media_type=kind
        )

    async def _messages(self, source: str) -> AsyncIterator[str]:
        """Yield what a page is told: at once what is known, then what is new, at last the end."""
        yield _message("hello", {**self._facts, "hidden": self._hidden})
        told, number = 0, -1
        async for _ in self._board.bell.rings(_LONGEST):
            for n, event in self._board.events:
                if n > told:
                    told = n
                    yield _message("event", {"number": n, **event.to_dict()})
            if self._board.ended:
                yield _message("end", {})
                return
            channel = self._board.find(source)
            fresh = channel is not None and channel.moment.number != number
            number = channel.moment.number if channel else -1
            yield _message("now", self._now(channel, fresh))
            await asyncio.sleep(_SPACING)

    def _now(self, channel: Channel | None, fresh: bool) -> dict[str, Any]:
        """Return the states of all sources, and the result of one where it is a new one."""
        shown = channel.moment.shown if channel and fresh else None
        lost = channel is None or channel.moment.outage is not None
        return {
            "sources": [self._board.state(each) for each in self._board.channels.values()],
            "viewers": self.viewers,
            "source": channel.name if channel else None,
            "result": shown[1].to_dict() if shown and not lost else None,
        }

    async def _results(self, _: Request) -> Response:
        sources = []
        for channel in self._board.channels.values():
            shown = channel.moment.shown
            result = shown[1].to_dict() if shown else None
            sources.append({**self._board.state(channel), "result": result})
        return JSONResponse({"sources": sources})

    async def _health(self, _: Request) -> Response:
        problem = self._board.problem()
        return PlainTextResponse(f"{problem or 'ok'}\n", 503 if problem else 200)

    async def _read_metrics(self, _: Request) -> Response:
        from edge.web.metrics import CONTENT_TYPE, text  # noqa: PLC0415 - 1 MB

        return Response(text(self._board, self.viewers), media_type=CONTENT_TYPE)


class _Stream(StreamingResponse):
    """Counts as a viewer while it is sent."""

    def __init__(self, site: Site, parts: AsyncIterator[bytes], kind: str) -> None:
        super().__init__(parts, media_type=kind)
        self._site, self._parts = site, parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._site.viewers += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._site.viewers -= 1
            await self._parts.aclose()  # type: ignore[attr-defined]


def _file(name: str, kind: str) -> Callable[[Request], Any]:
    content = (_FOLDER / name).read_bytes()

    async def answer(_: Request) -> Response:
        return Response(content, media_type=kind)

    return answer


def _message(kind: str, content: Mapping[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps(content, separators=(',', ':'))}\n\n"
