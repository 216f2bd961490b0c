"""The live page as a sink: it leaves what the loop gives it for a server on another thread."""

import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TextIO

from cyclopts import Parameter

from edge.adapters import PublisherAdapter
from edge.assets import extra
from edge.errors import SinkError
from edge.events import Event
from edge.protocols import BaseSink
from edge.settings import Settings, expanded
from edge.types import Frame, FrameResult, Outage
from edge.vision.overlay import check_opencv
from edge.vision.painter import Painter
from edge.web import address as addresses
from edge.web.token import default_path, read_token

if TYPE_CHECKING:
    from edge.web.board import Board
    from edge.web.encoder import Encoder

_PACKAGES = ("starlette", "uvicorn", "segno", "prometheus_client")
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class WebOptions:
    """Where the live page is, and who may see it."""

    address: Annotated[str, Parameter(name=("address", "--web"))] = ""
    """Show a live page at [HOST:]PORT: 8080 for this machine alone, 0.0.0.0:8080 for its network,
    with a token that is printed at the start."""
    hosts: tuple[str, ...] = ()
    """More names that the page may be called by, as through a proxy: "pi.example.org"."""
    token_file: Path | None = None
    """The file with the token, made where it is missing; with one, it is wanted on this machine
    too. By default web-token in a folder of the user's own."""

    def __post_init__(self) -> None:
        """Check the address; raises ``SettingsError``."""
        if self.address:
            addresses.parse_address(self.address)
        if self.token_file is not None:
            object.__setattr__(self, "token_file", Path(expanded(self.token_file)))


class WebSink(BaseSink):
    """Serves the page while it is open; a write takes microseconds, whoever looks or not."""

    def __init__(
        self,
        options: WebOptions,
        painter: Callable[[], Painter],
        hiding: Callable[[], Painter] | None = None,
        terminal: TextIO | None = None,
    ) -> None:
        """Open nothing yet.

        ``painter`` makes what draws the pictures, ``hiding`` the same with hidden faces; without
        one, ``painter`` hides them. ``terminal`` gets the link with the token; by default standard
        error, where that is one.
        """
        self._options = options
        self._painter, self._hiding = painter, hiding
        self._terminal = terminal
        self._stack = ExitStack()
        self._board: Board
        self._encoder: Encoder
        self.address: addresses.Address
        """Where others reach it."""

    def __enter__(self) -> Self:
        """Listen; raises ``SinkError``, ``SettingsError``."""
        check_opencv()
        require()
        from edge.web.board import Board  # noqa: PLC0415 - the extra may be missing
        from edge.web.encoder import Encoder  # noqa: PLC0415
        from edge.web.server import WebServer  # noqa: PLC0415

        self._board = Board()
        self._encoder = Encoder(self._board, self._painter, self._hiding or self._painter)
        with ExitStack() as stack:
            listener = addresses.listen(addresses.parse_address(self._options.address))
            stack.callback(listener.close)
            self.address = addresses.public_address(listener)
            token = self._token(addresses.is_loopback(listener))
            server = WebServer(self._app(token), listener)
            self._encoder.start()
            stack.callback(self._encoder.stop)
            server.start()
            stack.pop_all()
        self._stack.callback(server.stop)
        self._stack.callback(self._encoder.stop)
        self._stack.callback(self._board.end)
        self._announce(token)
        return self

    def __exit__(self, *problem: object) -> None:
        """Tell every page that the run has ended, and stop serving."""
        self._stack.close()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Leave one frame for whoever looks."""
        self._board.write(frame, result)
        self._encoder.wake()

    def lost(self, outage: Outage) -> None:
        """Leave an outage that is no short wait."""
        if outage.is_shown:
            self._board.lost(outage)
            self._encoder.wake()

    def notice(self, event: Event) -> None:
        """Leave one event."""
        self._board.notice(event)

    def _token(self, local: bool) -> str:
        path = self._options.token_file
        return "" if local and path is None else read_token(path or default_path())

    def _app(self, token: str) -> Any:
        from edge import __version__  # noqa: PLC0415 - its other names need the recognizer
        from edge.web.app import Site  # noqa: PLC0415
        from edge.web.gate import Gate  # noqa: PLC0415

        site = Site(self._board, self._encoder, self._hiding is None, {"version": __version__})
        bound = addresses.parse_address(self._options.address).host
        names = addresses.own_names((*self._options.hosts, self.address.host, bound))
        return Gate(site.app, names, token, cookie=f"expressions-{self.address.port}")

    def _announce(self, token: str) -> None:
        link = f"http://{self.address}/"
        if not token:
            log.info("live page: %s", link)
            return
        path = self._options.token_file or default_path()
        log.info("live page: %s; its token is in %s", link, path)
        if terminal := self._terminal or _terminal():
            print_link(f"{link}?token={token}", terminal)


def print_link(link: str, terminal: TextIO) -> None:
    """Write ``link`` and a QR code of it, for a phone."""
    import segno  # noqa: PLC0415 - of the extra

    terminal.write(f"Open this link, or scan it with a phone:\n{link}\n")
    segno.make(link, micro=False).terminal(terminal, compact=True, border=2)
    terminal.flush()


def require() -> None:
    """Raise ``SinkError`` where a package that the page needs is missing; import none of them."""
    for name in _PACKAGES:
        if find_spec(name) is None:
            raise SinkError(
                f"web: expected {', '.join(_PACKAGES)}, found no {name}; {extra('web')}"
            )


def _terminal() -> TextIO | None:
    """Standard error, where a person reads it."""
    return sys.stderr if sys.stderr is not None and sys.stderr.isatty() else None


def _open(options: WebOptions, _: Sequence[str], settings: Settings) -> WebSink:
    require()
    parts = settings.overlay_parts - {"bars"}  # the page has them beside the picture, for everyone
    shown = settings.hide_faces == "off"
    return WebSink(
        options,
        partial(Painter, parts, settings.hide_faces),
        partial(Painter, parts, "blur") if shown else None,
    )


def _check(options: WebOptions) -> str:
    require()
    address = addresses.parse_address(options.address)
    path = options.token_file or default_path()
    if path.exists() and (options.token_file or address.host != addresses.LOOPBACK):
        read_token(path)
    return f"http://{address}/"


ADAPTER = PublisherAdapter("web", WebOptions, _open, _check)
