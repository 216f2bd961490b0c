"""Where the page listens, and which names it answers to."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from edge.errors import EdgeError, SettingsError, SinkError
from edge.web.address import (
    Address,
    is_known,
    is_loopback,
    listen,
    own_names,
    parse_address,
    public_address,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8080", Address("127.0.0.1", 8080)),
        ("0.0.0.0:80", Address("0.0.0.0", 80)),
        ("[::]:8080", Address("::", 8080)),
        ("my-pi:0", Address("my-pi", 0)),
    ],
)
def test_a_port_alone_is_for_this_machine(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize("text", ["", "x", ":8080", "pi:", "65536", "-1", "::1:8080", "8080/", "٣"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"expected \[HOST:\]PORT, found"):
        parse_address(text)


def test_an_address_in_a_link_has_brackets_where_it_needs_them() -> None:
    assert str(Address("::1", 8080)) == "[::1]:8080"
    assert str(Address("pi", 8080)) == "pi:8080"


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False)]
)
def test_loopback_is_what_it_is_bound_to(host: str, local: bool) -> None:
    with closing(listen(Address(host, 0))) as opened:
        assert is_loopback(opened) == local
        assert public_address(opened).host != "0.0.0.0"


def test_a_port_in_use_is_said_in_one_line() -> None:
    with closing(listen(Address("127.0.0.1", 0))) as opened:
        port = opened.getsockname()[1]
        with pytest.raises(SinkError, match=f"found 127.0.0.1:{port} in use"):
            listen(Address("127.0.0.1", port))


@pytest.mark.parametrize("host", ["198.51.100.1", "no-such-host.invalid", "a" * 70 + ".com"])
def test_an_address_of_another_machine_is_said_in_one_line(host: str) -> None:
    with pytest.raises(EdgeError, match=r"web: expected .* of this machine, found .*; write 0\.0"):
        listen(Address(host, 8080))


@pytest.mark.parametrize(
    "header",
    ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080", "192.168.1.9", "pi.example.org."],
)
def test_these_are_names_of_this_machine(header: str) -> None:
    assert is_known(header, own_names(["Pi.example.org"]))


def test_so_is_its_host_name() -> None:
    name = socket.gethostname()
    assert is_known(f"{name}:8080", own_names())
    assert is_known(f"{name}.local", own_names())


@pytest.mark.parametrize(
    "header", ["", "evil.example", "localhost.evil.example", "127.0.0.1.nip.io"]
)
def test_these_are_not(header: str) -> None:
    assert not is_known(header, own_names())
