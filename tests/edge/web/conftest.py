"""Debian's Chromium, for the tests of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.edge.web.browser import CHROMIUM, PACKAGE, PATIENCE, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.fail(
            f"{CHROMIUM}: expected Debian's Chromium, found none; run 'sudo apt-get install "
            f"--no-install-recommends {PACKAGE}'"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # Its sandbox needs what root and most containers don't have; it sees this page alone.
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Page]]:
    """Open a page in a context of its own; none of them may complain in its console."""
    contexts, said = [], []

    def open_page(address: str, quiet: bool = True, **options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        if quiet:
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
