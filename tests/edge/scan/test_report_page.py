"""The page about a scan in a real browser, Debian's chromium (``make test-web``)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("pyarrow")

from edge.scan.report import write_report
from tests.edge.scan.results import (
    lively,
    moment,
    thumbnail,
    unseen,
    write_failures,
    write_picture,
    write_scan,
    write_video,
)
from tests.edge.web.browser import PHONE, Page

pytestmark = [pytest.mark.web, pytest.mark.slow]
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"
LONG = "archive/" + "a_name_without_any_blank_" * 8 + ".mp4"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    results = tmp_path_factory.mktemp("results")
    write_scan(results)
    more = {"moments": [moment("happy", 3, jpeg=thumbnail())]}
    for n, name in enumerate(("b.mp4", LONG, "c.mp4", "d.mp4")):
        rows = lively(400 - n, seed=n)
        write_video(results, name, rows, 400 - n, **more)
    write_video(results, "empty room.mp4", [unseen(0)], 1000)
    write_picture(results, "e.jpg", lively(1), moments=[])
    write_failures(results, [(LONG, "expected a video or a picture, found an empty file")])
    return write_report(results).as_uri()


def shown(page: Page) -> list[str]:
    return page.locator(".video:visible .name").all_inner_texts()


def test_files_are_filtered_sorted_and_opened(address: str, visit: Callable[..., Page]) -> None:
    page = visit(address)
    assert shown(page) == [LONG, "b.mp4", "c.mp4", "d.mp4", "empty room.mp4"]
    page.get_by_label("Sort by").select_option("length")
    assert shown(page) == ["empty room.mp4", "b.mp4", LONG, "c.mp4", "d.mp4"]
    page.get_by_label("Sort by").select_option("name")
    page.get_by_label("Name").fill("D.mp4")
    assert shown(page) == ["d.mp4"]
    page.get_by_label("Name").fill("")
    assert page.locator(".stack:visible").count() == 0
    page.get_by_role("button", name="Open all").click()
    assert page.locator(".stack:visible").count() == 4
    assert page.locator(".moments img:visible").count() == 4
    page.get_by_role("button", name="Close all").click()
    assert page.locator(".stack:visible").count() == 0


def test_it_works_without_scripts(address: str, visit: Callable[..., Page]) -> None:
    page = visit(address, java_script_enabled=False)
    assert not page.locator("#tools").is_visible()
    page.get_by_text("b.mp4").click()
    assert page.locator(".stack:visible").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_has_the_reader_s_colours(
    address: str, visit: Callable[..., Page], scheme: str
) -> None:
    page = visit(address, viewport=PHONE, color_scheme=scheme)
    page.get_by_role("button", name="Open all").click()
    assert page.evaluate(OVERFLOW) <= 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) > 384) == (scheme == "light")
    layer = page.locator(".stack path:visible").first
    assert layer.evaluate("path => getComputedStyle(path).fill") != "rgb(0, 0, 0)"
