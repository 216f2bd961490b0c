"""The page about a scan: its numbers are those of the rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from edge.scan.contents import Totals, listed_videos
from edge.scan.report import write_report
from tests.edge.scan.page import Page, bars, layers, rows, text, tiles
from tests.edge.scan.results import (
    LABELS,
    moment,
    seen,
    thumbnail,
    unseen,
    write_failures,
    write_picture,
    write_video,
)


def test_totals_are_those_of_all_videos(begun: Path) -> None:
    write_video(begun, "a.mp4", [seen(0, "happy"), seen(1, "happy", certain=0.5)], 2)
    second = [seen(0, "sad", 50, track=1), seen(0, "fear", 50, track=2), unseen(3600)]
    write_video(begun, "b.mp4", second, 3601, frames=50 * 3601)
    write_picture(begun, "c.jpg", [seen(0, "sad", 1, track=None)])
    write_failures(begun, [("d.mp4", "empty")])
    page = Page(begun)
    assert page.tiles == {
        "Files": "3",
        "Videos": "2",
        "Length (h:mm:ss)": "1:00:03",
        "People in videos": "3",
        "Faces in their frames": "104",
        "Not certain in videos": "12.5 %",
        "Photographs": "1",
        "Faces in photographs": "1",
        "Failures": "1",
    }


def test_totals_weigh_a_face_by_how_long_it_is_seen(begun: Path) -> None:
    write_video(begun, "slow.mp4", [seen(n, "happy", 10) for n in range(6)], 6, frames=60)
    write_video(begun, "fast.mp4", [seen(n, "sad", 60) for n in range(2)], 2, frames=120)
    totals = Page(begun).find(".//section[@id='totals']")
    assert "0:00:08 in all" in text(totals)
    shown = bars(totals)
    assert (shown["happy"], shown["sad"]) == ("75.0 % 75.0% 0.0%", "25.0 % 25.0% 0.0%")


def test_the_missing_end_of_a_damaged_video_counts_for_nothing(begun: Path) -> None:
    damaged = [seen(n, "happy", 25) for n in range(4)]
    reason = "Damaged or cut: 100 packets, found <4>"
    write_video(begun, "a.mp4", damaged, 1000, frames=100, damaged=reason, undecodable=7, fps=29.97)
    page = Page(begun)
    assert "0:00:04 in all" in text(page.find(".//section[@id='totals']"))
    shown = text(page.videos[0])
    assert reason in shown
    assert "29.97 frames a second" in shown


def test_shares_of_a_video_are_weighted_by_frames(begun: Path) -> None:
    shown = [seen(0, "happy", 6), seen(0, "sad", 1, track=2), seen(1, "sad", 1, 0.0), unseen(2)]
    write_video(begun, "a.mp4", shown, 3)
    (video,) = Page(begun).videos
    table = {row[0]: row[1:] for row in rows(video)}
    assert list(table) == list(LABELS)
    assert table["happy"] == ["75.0 %", "0.0 %"]
    assert table["sad"] == ["25.0 %", "12.5 %"]
    assert table["angry"] == ["0.0 %", "0.0 %"]
    bar = video.find("summary/span[@class='bar']")
    assert bar is not None
    assert [(part.attrib["class"], part.attrib["style"]) for part in bar] == [
        ("k3", "width:75.0%"),
        ("k5", "width:12.5%"),
        ("k5 q", "width:12.5%"),
    ]


def test_the_timeline_stacks_the_shares_of_each_second(begun: Path) -> None:
    shown = [
        seen(0, "happy", 4),
        seen(1, "happy", 1),
        seen(1, "sad", 3, track=2),
        unseen(2),
        seen(3, "happy", 4, certain=0.25),
    ]
    write_video(begun, "a.mp4", shown, 4)
    (video,) = Page(begun).videos
    assert list(layers(video).items()) == [
        ("k3 q", [100, 100, 0, 100]),
        ("k5", [100, 100, 0, 25]),
        ("k3", [100, 25, 0, 25]),
    ]
    (title,) = video.findall(".//svg[@class='stack']/title")
    assert text(title) == (
        "Share of each expression over time, 1 s a column. Over the whole video: "
        "happy 75.0 %, sad 25.0 %; 25.0 % not certain"
    )


def test_the_other_timeline_counts_faces(begun: Path) -> None:
    shown = [seen(n, "happy", track=track) for n in range(300) for track in range(1 + n % 2)]
    write_video(begun, "a.mp4", [*shown, unseen(300)], 301)
    (video,) = Page(begun).videos
    most, mean = video.findall(".//svg[@class='count']/path")
    assert most.attrib["d"] == "M0 100v-100h150v100h1V100z"  # bins of two seconds
    assert mean.attrib["d"] == "M0 100v-75h150v75h1V100z"
    assert "up to 2" in text(video)


@pytest.mark.parametrize("hours", [1, 30, 1000])
def test_a_long_video_has_no_more_columns_than_a_short_one(begun: Path, hours: int) -> None:
    step = hours * 10
    write_video(
        begun, "a.mp4", [seen(n, "sad") for n in range(0, hours * 3600, step)], hours * 3600
    )
    (video,) = Page(begun).videos
    (heights,) = layers(video).values()
    assert 100 < len(heights) <= 240
    assert set(heights[:-1]) == {100}


def test_moments_have_their_times_and_thumbnails(begun: Path) -> None:
    jpeg = thumbnail()
    moments = [
        moment("sad", 59.9, 0.7),
        moment("happy", 3725.6, 0.912, track=3, jpeg=jpeg),
        moment("fear", 1, 0.8, track=None),
    ]
    write_video(begun, "a.mp4", [seen(n, "sad") for n in range(4000)], 4000, moments=moments)
    (video,) = Page(begun).videos
    found = video.findall(".//ol[@class='moments']/li")
    assert [text(each) for each in found] == [
        "happy 91.2 %1:02:05, person 3",
        "fear 80.0 %0:00:01",
        "sad 70.0 %0:00:59, person 1",
    ]
    images = [image.attrib["src"] for each in found for image in each.iterfind("img")]
    assert images == [f"data:image/jpeg;base64,{jpeg}"]
    places = [mark.attrib["style"] for mark in video.iterfind(".//div[@class='plot']/i")]
    assert places == ["left:93.14%", "left:0.03%", "left:1.50%"]  # of 200 bins of 20 s


def test_weaker_thumbnails_are_left_out_of_a_page_that_gets_too_large(begun: Path) -> None:
    jpeg = "A" * 4_000_000
    moments = [moment("sad", score=0.7, jpeg=jpeg), moment("fear", score=0.8, jpeg=jpeg)]
    write_video(begun, "a.mp4", [seen(0, "sad")], 1, moments=moments)
    page = Page(begun)
    assert page.source.count(jpeg) == 1
    shown = page.videos[0].find(".//ol/li[img]")
    assert shown is not None
    assert text(shown).startswith("fear")


def test_videos_are_in_the_order_of_their_names(begun: Path) -> None:
    for name in ("b.mp4", "c.mp4", "a.mp4", "b.mp4"):
        write_video(begun, name, [unseen(0)], 1)
    page = Page(begun)
    names = [text(video[0][0]) for video in page.videos]
    assert names == ["a.mp4", "b.mp4", "b.mp4", "c.mp4"]
    assert "No face was found." in text(page.videos[0])


def test_videos_beyond_the_first_thousands_are_in_the_totals_alone(begun: Path) -> None:
    path = write_video(begun, "a.mp4", [seen(0, "sad", 2)], 1)
    totals = Totals(np.zeros((2, len(LABELS))))
    listed = sum(1 for _ in listed_videos([path] * 2003, LABELS, totals))
    assert (listed, totals.videos, totals.faces) == (2000, 2003, 4006)
    assert totals.weights.sum() == pytest.approx(2003)


@pytest.mark.parametrize(("length", "every"), [(119, 60), (50, 60), (59, 10)])
def test_a_sample_stands_for_the_time_until_the_next(length: int, every: int, begun: Path) -> None:
    samples = [seen(time, "sad", 1) for time in range(0, length, every)]
    path = write_video(begun, "a.mp4", samples, length, frames=len(samples))
    totals = Totals(np.zeros((2, len(LABELS))))
    assert len(list(listed_videos([path], LABELS, totals, every))) == 1
    assert totals.weights.sum() == pytest.approx(length)


def test_few_photographs_have_a_row_each(begun: Path) -> None:
    group = [
        seen(0, "sad", 1, track=None),
        seen(0, "sad", 1, track=None),
        seen(0, "sad", 1, 0.0, track=None),
        seen(0, "fear", 1, track=None),
    ]
    write_picture(begun, "b.jpg", group, moments=[moment("sad", track=None, jpeg=thumbnail())])
    write_picture(begun, "a.jpg", [unseen(0)])
    section = Page(begun).find(".//section[@id='photographs']")
    assert rows(section) == [["a.jpg", "0", ""], ["b.jpg", "4", "fearsad × 2sad?"]]
    assert tiles(section) == {
        "no face": "1",
        "one face": "0",
        "two faces": "0",
        "more faces": "1",
        "not certain": "25.0 %",
    }
    assert bars(section)["sad"] == "75.0 % 50.0% 25.0%"
    assert len(section.findall(".//td/img")) == 1


def test_many_photographs_are_counted(begun: Path) -> None:
    for n in range(201):
        best = moment("sad", score=0.5 + n % 200 / 1000, track=None)
        write_picture(begun, f"{n:03}.jpg", [seen(0, "sad", 1, track=None)], moments=[best])
    page = Page(begun)
    section = page.find(".//section[@id='photographs']")
    assert rows(section) == []
    assert tiles(section)["one face"] == "201"
    assert [text(each) for each in section.iterfind(".//ol/li")] == ["sad 69.9 %199.jpg"]
    assert not page.root.findall(".//section[@id='videos']")


def test_failures_are_listed_with_their_reasons(begun: Path) -> None:
    failures = [("a,b.mp4", 'found "nothing"; copy it'), ("c.mp4", "two\nlines")]
    write_failures(begun, failures)
    page = Page(begun)
    section = page.find(".//section[@id='failures']")
    assert rows(section) == [["a,b.mp4", 'found "nothing"; copy it'], ["c.mp4", r"two\u000alines"]]
    assert "No results yet" in page.text
    assert "see the failures below" in page.text
    write_failures(begun, [("a.mp4", "empty")] * 1001)
    section = Page(begun).find(".//section[@id='failures']")
    assert len(rows(section)) == 1000
    assert "The first 1,000 of 1,001" in text(section)


def test_the_page_is_self_contained(begun: Path) -> None:
    more = {"moments": [moment("sad", jpeg=thumbnail())]}
    write_video(begun, "http://elsewhere/a.mp4", [seen(0, "sad")], 1, **more)
    page = Page(begun)
    links = [each.get(key) for each in page.root.iter() for key in ("src", "href") if each.get(key)]
    assert links
    assert all(link.startswith("data:") for link in links if link)
    assert "url(" not in page.source
    assert "@import" not in page.source
    policy = page.find("head/meta[@http-equiv='Content-Security-Policy']").attrib["content"]
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_the_same_results_give_the_same_bytes(begun: Path) -> None:
    write_video(begun, "a.mp4", [seen(n, "sad") for n in range(90)], 90, moments=[moment("sad")])
    write_picture(begun, "b.jpg", [seen(0, "sad", 1, track=None)])
    first = write_report(begun).read_bytes()
    assert write_report(begun).read_bytes() == first
