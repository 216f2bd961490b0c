"""The HTTP server, on a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS = 16
"""At a time; further ones are refused."""
PATIENCE = 5.0
"""Seconds that a client may take to send its request, and to take what it is sent."""
_GRACE = 0.5
"""Seconds that open connections have at the end."""
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"Too many connections. Close one of the pages.\n"
)
_UNFINISHED = (h11.IDLE, h11.SEND_BODY)
_UNANSWERED = (h11.IDLE, h11.SEND_RESPONSE)


class _Protocol(H11Protocol):
    """One connection: a slow one is cut off, and so is one too many."""

    _reading: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= CONNECTIONS:
            self._refused = True
            self.transport = transport
            transport.write(_REFUSAL)
            transport.close()
            return
        super().connection_made(transport)
        transport.set_write_buffer_limits(0)  # so that ``pause_writing`` means: it does not read
        self._reading = self.loop.call_later(PATIENCE, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timers()
        if not self._refused:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self.conn.their_state not in _UNFINISHED:
            if self._reading:
                self._reading.cancel()
                self._reading = None
        elif self._reading is None:
            self._reading = self.loop.call_later(PATIENCE, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that turns out to be none, also while it is answered: hang up then."""
        if self.conn.our_state in _UNANSWERED:
            super().send_400_response(msg)
        else:
            self.transport.close()
        if self.cycle:
            self.cycle.disconnected = True  # what it has to say fits no more

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing = self.loop.call_later(PATIENCE, self.transport.abort)

    def resume_writing(self) -> None:
        if self._writing:
            self._writing.cancel()
        super().resume_writing()

    def _stop_timers(self) -> None:
        for timer in (self._reading, self._writing):
            if timer:
                timer.cancel()


class WebServer:
    """Serves ``app`` on ``listener``, which belongs to it."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        """Start nothing yet."""
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http=_Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=int(PATIENCE),
            h11_max_incomplete_event_size=16 * 1024,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """Finish the answers that end by themselves, cut off the others, close the listener."""
        self._server.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(self._loop.call_later, _GRACE, self._hang_up)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._started.set)
            await self._server.serve([self._listener])

        with asyncio.Runner() as runner:
            runner.run(serve())

    def _hang_up(self) -> None:
        connections: Any = self._server.server_state.connections
        for connection in tuple(connections):
            connection.transport.abort()
