"""A run of the demo, and what a page of it shows in a browser."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.edge.processes import start

CHROMIUM = Path("/usr/bin/chromium")
PACKAGE = "chromium"
PHONE = {"width": 375, "height": 812}
PATIENCE = 20_000
"""Milliseconds in which a page must show what is waited for."""
PICTURE = "document.querySelector('#picture').toDataURL()"
Page = Any
"""Playwright's, which only this group of tests needs."""
DETAIL = """async () => {
  const { sources } = await (await fetch("result.json")).json();
  const [left, top, right, bottom] = sources[0].result.faces.find((face) => face.track === 1).box;
  const part = new OffscreenCanvas(50, 50).getContext("2d", { willReadFrequently: true });
  const corner = [(left + right) / 2 - 25, (top + bottom) / 2 - 25];
  part.drawImage(document.querySelector("#picture"), ...corner, 50, 50, 0, 0, 50, 50);
  const data = part.getImageData(0, 0, 50, 50).data;
  let sum = 0;
  for (let at = 4; at < data.length; at += 4) {
    if (at % 200) sum += Math.abs(data[at] - data[at - 4]);
  }
  return sum / 2500;
}"""
"""How much neighbouring pixels differ in the middle of the first face."""
ROUGH = 2.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def demo(repository: Path, web: str, *more: object, **environment: str) -> Iterator[Any]:
    """A run of the demo that serves its page at ``web``."""
    port = int(web.rpartition(":")[2])
    arguments = ("demo", "--display", "off", "--web", web, *more)
    process = start(
        repository,
        *arguments,
        out=subprocess.DEVNULL,
        err=subprocess.PIPE,
        terminal=False,
        **environment,
    )
    end = time.monotonic() + 60
    while not answers(port):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.1)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def until(page: Page, condition: str, argument: Any = None) -> None:
    """Wait until the page's ``condition``, a function in JavaScript, holds."""
    page.wait_for_function(condition, arg=argument)


def moves(page: Page) -> None:
    until(page, f"before => {PICTURE} !== before", page.evaluate(PICTURE))


def shows_people(page: Page) -> None:
    until(page, "() => document.querySelectorAll('.card').length === 2")
