"""What a person reads shows what it holds: nothing of it acts on a terminal."""

from __future__ import annotations

import io
import logging

import pytest

from edge.text import LineFormatter, line, say, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("grüße 笑 😀.mp4", "grüße 笑 😀.mp4"),
        ("a\nb\r\tc", r"a\u000ab\u000d\u0009c"),
        ("\x1b[2Jgone", r"\u001b[2Jgone"),
        ("\x9b2J\x7f\x85", r"\u009b2J\u007f\u0085"),
        ("gpj.\u202eexe\u2069", r"gpj.\u202eexe\u2069"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_does_not_show_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


def test_a_long_line_keeps_its_ends() -> None:
    shown = line("a" + 100_000 * "x" + "z")
    assert len(shown) < 5000
    assert (shown[0], shown[-1]) == ("a", "z")


def test_each_line_is_one() -> None:
    file = io.StringIO()
    say("a\nb", "c", file=file)
    assert file.getvalue() == "a\\u000ab\nc\n"


def test_a_log_record_is_one_line() -> None:
    record = logging.LogRecord("a", logging.ERROR, "", 0, "%s: gone", ("x\n\x1b",), None)
    assert LineFormatter("us: %(message)s").format(record) == r"us: x\u000a\u001b: gone"
