"""The live page in a real browser, Debian's chromium (``make test-web``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.edge.web.browser import (
    DETAIL,
    PHONE,
    PICTURE,
    ROUGH,
    Page,
    demo,
    free_port,
    moves,
    shows_people,
    until,
)

pytestmark = [pytest.mark.web, pytest.mark.slow]


@pytest.fixture(scope="module")
def address(repository: Path) -> Iterator[str]:
    """Of a run that goes on for all of these tests."""
    port = free_port()
    with demo(repository, f"127.0.0.1:{port}"):
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def nothing_left_running() -> None:
    """Take the place of what would end the run of the whole module after its first test."""


def test_the_picture_moves_and_people_have_cards(address: str, visit: Callable[..., Page]) -> None:
    page = visit(address)
    shows_people(page)
    moves(page)
    moves(page)
    assert page.locator("#state").inner_text() == "Playing"
    assert page.locator("#notice").inner_text() == ""
    assert page.evaluate("document.querySelector('#picture').width") == 640
    until(page, "() => parseInt(document.querySelector('#fps').textContent) > 1")
    until(page, "() => parseFloat(document.querySelector('#age').textContent) < 1")


def test_labels_and_bars_are_those_of_the_results(address: str, visit: Callable[..., Page]) -> None:
    page = visit(address)
    shows_people(page)
    found = page.evaluate("fetch('result.json').then((answer) => answer.json())")
    faces = found["sources"][0]["result"]["faces"]
    for face in faces:
        card = page.get_by_label(f"Person {face['track']}").first
        shown = face["smoothed"]
        mark = "" if shown["certain"] else "?"
        assert card.locator("strong").text_content() == shown["label"] + mark
        certainty = "certain" if shown["certain"] else "not certain"
        assert card.locator(".sure").inner_text() == certainty
        assert card.locator(".bars .label").all_inner_texts() == list(shown["probabilities"])
        leading = card.locator(".leads .label")
        assert leading.inner_text() == shown["label"]
        widths = card.locator(".fill").evaluate_all("all => all.map((each) => each.offsetWidth)")
        assert max(widths) == widths[list(shown["probabilities"]).index(shown["label"])]


def test_the_timeline_grows_and_says_its_labels(address: str, visit: Callable[..., Page]) -> None:
    page = visit(address)
    shows_people(page)
    lines = page.locator("#timeline .line")
    assert lines.count() == 2
    width = "() => document.querySelector('#timeline .spans .span').offsetWidth"
    before = page.evaluate(width)
    until(page, "before => document.querySelector('.spans .span').offsetWidth > before + 5", before)
    label = page.locator(".card strong").first.text_content()
    assert page.locator("#timeline .span").first.text_content() == label
    described = page.locator("#timeline .spans").first.get_attribute("aria-label")
    assert described.startswith(f"Person 1: {label} ")


def test_events_are_listed_and_spoken(address: str, visit: Callable[..., Page]) -> None:
    page = visit(address)
    until(page, "() => document.querySelectorAll('#events li').length >= 2")
    assert "appeared" in page.locator("#events").inner_text()
    assert page.locator("#spoken").get_attribute("aria-live") == "polite"
    until(page, "() => document.querySelector('#spoken').textContent !== ''")  # the next one


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, {"width": 1280, "height": 800}], ids=["phone", "desktop"])
def test_nothing_is_wider_than_the_screen(
    scheme: str, size: dict[str, int], address: str, visit: Callable[..., Page]
) -> None:
    page = visit(address, viewport=size, color_scheme=scheme)
    shows_people(page)
    widths = page.evaluate(
        "[...document.querySelectorAll('body *:not(.unseen)')].filter((each) => each.offsetParent)"
        ".map((each) => each.getBoundingClientRect().right)"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert max(widths) <= size["width"]
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, background[4:-1].split(","))) / 3
    assert (light > 200) == (scheme == "light")


def test_every_button_has_a_name_and_room_for_a_thumb(
    address: str, visit: Callable[..., Page]
) -> None:
    page = visit(address, viewport=PHONE)
    for name in ("Pause", "Hide faces"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box["height"] >= 40
    assert page.get_by_role("link", name="Snapshot").bounding_box()["height"] >= 40


def test_pause_lets_the_picture_and_the_cards_stand_still(
    address: str, visit: Callable[..., Page]
) -> None:
    page = visit(address)
    shows_people(page)
    page.get_by_role("button", name="Pause").click()
    assert page.locator("#state").inner_text() == "Paused"
    still = f"{PICTURE} + document.querySelector('#cards').innerHTML"
    before = page.evaluate(still)
    viewers = "() => document.querySelector('#viewers').textContent === '0'"
    until(page, viewers)  # nothing is drawn for who looks at a still picture
    page.wait_for_timeout(500)
    assert page.evaluate(still) == before
    page.get_by_role("button", name="Resume").click()
    moves(page)
    until(page, "before => document.querySelector('#cards').innerHTML !== before", before)


def test_hide_faces_is_for_this_viewer(address: str, visit: Callable[..., Page]) -> None:
    shown, hidden = visit(address), visit(address)
    shows_people(shown)
    shows_people(hidden)
    hidden.get_by_role("button", name="Hide faces").click()
    assert hidden.get_by_role("button", name="Faces hidden").get_attribute("aria-pressed") == "true"
    assert "hide=1" in hidden.locator("#snapshot").get_attribute("href")
    until(hidden, f"async () => await ({DETAIL})() < {ROUGH}")
    assert shown.evaluate(DETAIL) > ROUGH
    moves(hidden)
    moves(shown)
    hidden.get_by_role("button", name="Faces hidden").click()
    until(hidden, f"async () => await ({DETAIL})() > {ROUGH}")


def test_a_snapshot_is_saved(address: str, visit: Callable[..., Page]) -> None:
    page = visit(address)
    shows_people(page)
    with page.expect_download() as live:
        page.get_by_role("link", name="Snapshot").click()
    assert live.value.suggested_filename.startswith("demo-")
    assert Path(live.value.path()).read_bytes()[:3] == b"\xff\xd8\xff"
    page.get_by_role("button", name="Pause").click()
    with page.expect_download() as paused:
        page.get_by_role("link", name="Snapshot").click()
    assert paused.value.suggested_filename.startswith("paused-")
    assert Path(paused.value.path()).read_bytes()[:3] == b"\xff\xd8\xff"


def test_a_reload_and_two_viewers(address: str, visit: Callable[..., Page]) -> None:
    first, second = visit(address), visit(address, viewport=PHONE)
    for page in (first, second):
        shows_people(page)
        until(page, "() => document.querySelector('#viewers').textContent === '2'")
    first.reload()
    shows_people(first)
    moves(first)
    moves(second)
    until(first, "() => document.querySelector('#viewers').textContent === '2'")


def test_the_fifth_viewer_reads_why_it_sees_nothing(
    address: str, visit: Callable[..., Page]
) -> None:
    pages = [visit(address) for _ in range(4)]
    for page in pages:
        moves(page)
    fifth = visit(address, quiet=False)  # the browser complains of the 503 itself
    until(fifth, "() => document.querySelector('#notice').textContent.includes('4 viewers look')")
    shows_people(fifth)
    pages[0].close()
    moves(fifth)
    until(fifth, "() => document.querySelector('#notice').textContent === ''")
