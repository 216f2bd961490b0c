"""Where the page listens, and the names that it goes by."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Iterable
from typing import NamedTuple

from edge.errors import SettingsError, SinkError

LOOPBACK = "127.0.0.1"
_EVERYWHERE = ("0.0.0.0", "::")
_UNSENT = 128 * 1024
"""Bytes that the kernel keeps for a slow viewer: a few pictures, so that the next one is young."""


class Address(NamedTuple):
    """A name or number of this machine, and a port (0 for any free one)."""

    host: str
    port: int

    def __str__(self) -> str:
        """As in a link: "[::1]:8080"."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Return what "[HOST:]PORT" means, loopback by default; raises ``SettingsError``."""
    host, colon, port = text.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    right = port.isascii() and port.isdecimal() and len(port) < 6 and int(port) <= 65535
    if not right or (colon and not host) or (":" in host and not bracketed):
        raise SettingsError(
            f"web: expected [HOST:]PORT, found {text!r}; write 8080 for this machine alone, "
            "0.0.0.0:8080 for its network, [::1]:8080 with an IPv6 address"
        )
    return Address(host or LOOPBACK, int(port))


def listen(address: Address) -> socket.socket:
    """Return a socket that listens at ``address``; raises ``SinkError``, ``SettingsError``."""
    try:
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            f"web: expected a name of this machine, found {address.host!r}; write 0.0.0.0 for all "
            "of its addresses"
        ) from error
    family, _, _, _, place = found[0]
    both = address.host == "::" and socket.has_dualstack_ipv6()
    try:
        opened = socket.create_server(place[:2], family=family, dualstack_ipv6=both)
    except OSError as error:
        raise _problem(address, error) from error
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNSENT)
    return opened


def _problem(address: Address, error: OSError) -> SinkError | SettingsError:
    if error.errno == errno.EACCES:
        return SettingsError(
            f"web: expected a port that this user may open, found {address.port}; take one from "
            "1024 on"
        )
    if error.errno == errno.EADDRINUSE:
        return SinkError(
            f"web: expected a free port, found {address} in use; take another one, or end what "
            "uses it"
        )
    return SinkError(
        f"web: expected an address of this machine, found {address} ({error.strerror}); write "
        "0.0.0.0 for all of its addresses"
    )


def is_loopback(opened: socket.socket) -> bool:
    """Whether only this machine reaches it."""
    return ipaddress.ip_address(opened.getsockname()[0].partition("%")[0]).is_loopback


def public_address(opened: socket.socket) -> Address:
    """Return where others find it: for all of the machine's addresses, the one that it goes by."""
    host, port = opened.getsockname()[:2]
    return Address(_own_address() if host in _EVERYWHERE else host, port)


def _own_address() -> str:
    """The address from which the machine would talk to the world; nothing is sent."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("203.0.113.1", 9))
            return str(probe.getsockname()[0])
    except OSError:  # no network yet
        return f"{socket.gethostname()}.local"


def own_names(more: Iterable[str] = ()) -> frozenset[str]:
    """Return the names, in small letters, that a browser may call this machine by."""
    name = socket.gethostname()
    return frozenset(
        each.lower().rstrip(".") for each in ("localhost", name, f"{name}.local", *more)
    )


def is_known(header: str, names: frozenset[str]) -> bool:
    """Whether the Host ``header`` holds one of ``names`` or an IP address, which nobody rebinds."""
    host = header.strip().lower()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    else:
        host = host.rpartition(":")[0] or host if host.count(":") <= 1 else host
    if host.rstrip(".") in names:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
