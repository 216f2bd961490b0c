"""The page about a scan: its numbers are those of the rows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

from edge.errors import SourceFileError, TargetError
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
    write_scan,
    write_video,
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A scan that has begun."""
    write_scan(tmp_path)
    return tmp_path


def test_totals_are_those_of_all_videos(results: Path) -> None:
    write_video(results, "a.mp4", [seen(0, "happy"), seen(1, "happy", certain=0.5)], 2)
    second = [seen(0, "sad", 50, track=1), seen(0, "fear", 50, track=2), unseen(3600)]
    write_video(results, "b.mp4", second, 3601, frames=50 * 3601)
    write_picture(results, "c.jpg", [seen(0, "sad", 1, track=None)])
    write_failures(results, [("d.mp4", "empty")])
    page = Page(results)
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


def test_totals_weigh_a_face_by_how_long_it_is_seen(results: Path) -> None:
    write_video(results, "slow.mp4", [seen(n, "happy", 10) for n in range(6)], 6, frames=60)
    write_video(results, "fast.mp4", [seen(n, "sad", 60) for n in range(2)], 2, frames=120)
    totals = Page(results).find(".//section[@id='totals']")
    assert "0:00:08 in all" in text(totals)
    shown = bars(totals)
    assert (shown["happy"], shown["sad"]) == ("75.0 % 75.0% 0.0%", "25.0 % 25.0% 0.0%")


def test_the_missing_end_of_a_damaged_video_counts_for_nothing(results: Path) -> None:
    damaged = [seen(n, "happy", 25) for n in range(4)]
    reason = "expected 100 packets, found <4>"
    write_video(
        results, "a.mp4", damaged, 1000, frames=100, damaged=reason, undecodable=7, fps=29.97
    )
    page = Page(results)
    assert "0:00:04 in all" in text(page.find(".//section[@id='totals']"))
    shown = text(page.videos[0])
    assert f"The end is missing: {reason}" in shown
    assert "could not be decoded: 7 packets" in shown
    assert "29.97 frames a second" in shown


def test_shares_of_a_video_are_weighted_by_frames(results: Path) -> None:
    shown = [seen(0, "happy", 6), seen(0, "sad", 1, track=2), seen(1, "sad", 1, 0.0), unseen(2)]
    write_video(results, "a.mp4", shown, 3)
    (video,) = Page(results).videos
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


def test_the_timeline_stacks_the_shares_of_each_second(results: Path) -> None:
    shown = [
        seen(0, "happy", 4),
        seen(1, "happy", 1),
        seen(1, "sad", 3, track=2),
        unseen(2),
        seen(3, "happy", 4, certain=0.25),
    ]
    write_video(results, "a.mp4", shown, 4)
    (video,) = Page(results).videos
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


def test_the_other_timeline_counts_faces(results: Path) -> None:
    shown = [seen(n, "happy", track=track) for n in range(300) for track in range(1 + n % 2)]
    write_video(results, "a.mp4", [*shown, unseen(300)], 301)
    (video,) = Page(results).videos
    most, mean = video.findall(".//svg[@class='count']/path")
    assert most.attrib["d"] == "M0 100v-100h150v100h1V100z"  # bins of two seconds
    assert mean.attrib["d"] == "M0 100v-75h150v75h1V100z"
    assert "up to 2" in text(video)


@pytest.mark.parametrize("hours", [1, 30, 1000])
def test_a_long_video_has_no_more_columns_than_a_short_one(results: Path, hours: int) -> None:
    step = hours * 10
    write_video(
        results, "a.mp4", [seen(n, "sad") for n in range(0, hours * 3600, step)], hours * 3600
    )
    (video,) = Page(results).videos
    (heights,) = layers(video).values()
    assert 100 < len(heights) <= 240
    assert set(heights[:-1]) == {100}


def test_moments_have_their_times_and_thumbnails(results: Path) -> None:
    jpeg = thumbnail()
    moments = [
        moment("sad", 59.9, 0.7),
        moment("happy", 3725.6, 0.912, track=3, jpeg=jpeg),
        moment("fear", 1, 0.8, track=None),
    ]
    write_video(results, "a.mp4", [seen(n, "sad") for n in range(4000)], 4000, moments=moments)
    (video,) = Page(results).videos
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


def test_weaker_thumbnails_are_left_out_of_a_page_that_gets_too_large(results: Path) -> None:
    jpeg = "A" * 4_000_000
    moments = [moment("sad", score=0.7, jpeg=jpeg), moment("fear", score=0.8, jpeg=jpeg)]
    write_video(results, "a.mp4", [seen(0, "sad")], 1, moments=moments)
    page = Page(results)
    assert page.source.count(jpeg) == 1
    shown = page.videos[0].find(".//ol/li[img]")
    assert shown is not None
    assert text(shown).startswith("fear")


def test_videos_are_in_the_order_of_their_names(results: Path) -> None:
    for name in ("b.mp4", "c.mp4", "a.mp4", "b.mp4"):
        write_video(results, name, [unseen(0)], 1)
    page = Page(results)
    names = [text(video[0][0]) for video in page.videos]
    assert names == ["a.mp4", "b.mp4", "b.mp4", "c.mp4"]
    assert "No face was found." in text(page.videos[0])


def test_videos_beyond_the_first_thousands_are_in_the_totals_alone(results: Path) -> None:
    path = write_video(results, "a.mp4", [seen(0, "sad", 2)], 1)
    totals = Totals(np.zeros((2, len(LABELS))))
    listed = sum(1 for _ in listed_videos([path] * 2003, LABELS, totals))
    assert (listed, totals.videos, totals.faces) == (2000, 2003, 4006)
    assert totals.weights.sum() == pytest.approx(2003)


def test_few_photographs_have_a_row_each(results: Path) -> None:
    group = [
        seen(0, "sad", 1, track=None),
        seen(0, "sad", 1, track=None),
        seen(0, "sad", 1, 0.0, track=None),
        seen(0, "fear", 1, track=None),
    ]
    write_picture(results, "b.jpg", group, moments=[moment("sad", track=None, jpeg=thumbnail())])
    write_picture(results, "a.jpg", [unseen(0)])
    section = Page(results).find(".//section[@id='photographs']")
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


def test_many_photographs_are_counted(results: Path) -> None:
    for n in range(201):
        best = moment("sad", score=0.5 + n % 200 / 1000, track=None)
        write_picture(results, f"{n:03}.jpg", [seen(0, "sad", 1, track=None)], moments=[best])
    page = Page(results)
    section = page.find(".//section[@id='photographs']")
    assert rows(section) == []
    assert tiles(section)["one face"] == "201"
    assert [text(each) for each in section.iterfind(".//ol/li")] == ["sad 69.9 %199.jpg"]
    assert not page.root.findall(".//section[@id='videos']")


def test_failures_are_listed_with_their_reasons(results: Path) -> None:
    failures = [("a,b.mp4", 'found "nothing"; copy it'), ("c.mp4", "two\nlines")]
    write_failures(results, failures)
    page = Page(results)
    section = page.find(".//section[@id='failures']")
    assert rows(section) == [["a,b.mp4", 'found "nothing"; copy it'], ["c.mp4", r"two\u000alines"]]
    assert "No results yet" in page.text
    assert "see the failures below" in page.text
    write_failures(results, [("a.mp4", "empty")] * 1001)
    section = Page(results).find(".//section[@id='failures']")
    assert len(rows(section)) == 1000
    assert "The first 1,000 of 1,001" in text(section)


def test_a_folder_without_results_has_a_page_that_says_so(tmp_path: Path) -> None:
    write_scan(tmp_path)
    page = Page(tmp_path)
    assert "No results yet" in page.text
    assert "1.2.3" in text(page.find(".//footer"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ('"><img src=x onerror=alert(1)>', '"><img src=x onerror=alert(1)>'),
        ("{{ 7 * 7 }} &amp;", "{{ 7 * 7 }} &amp;"),
        ("new\nline\x00\x1b[31m", r"new\u000aline\u0000\u001b[31m"),
        ("gpj\u202e.exe", r"gpj\u202e.exe"),
        ("\u05d0\u200f � \U0001f600", "\u05d0\u200f � \U0001f600"),
    ],
)
def test_names_are_shown_and_never_obeyed(tmp_path: Path, name: str, shown: str) -> None:
    labels = (name, "sad")
    write_scan(tmp_path, labels, sources=[name], settings={name: {"deep": name}}, version=name)
    more = {"moments": [moment(name, jpeg=name)], "damaged": name}
    write_video(tmp_path, name, [seen(0, name)], 1, labels, **more)
    write_picture(tmp_path, name, [seen(0, name, 1, track=None)], labels, **more)
    write_failures(tmp_path, [(name, name)])
    page = Page(tmp_path)
    assert text(page.find(".//header/p/bdi")) == shown
    assert text(page.videos[0][0][0]) == f"{shown} damaged"
    assert rows(page.videos[0])[0][0] == shown
    assert f"The end is missing: {shown}" in page.text
    assert rows(page.find(".//section[@id='photographs']")) == [[shown, "1", shown]]
    assert rows(page.find(".//section[@id='failures']")) == [[shown, shown]]
    assert page.source.count("<script") == 1
    elements = list(page.root.iter())
    assert {each.get("src", "data:")[:5] for each in elements} == {"data:"}
    assert not [key for each in elements for key in each.attrib if key.startswith("on")]


def test_a_name_that_is_no_text_makes_a_page_all_the_same(results: Path) -> None:
    write_video(results, "a.mp4", [seen(0, "sad")], 1, source="a\udcff.mp4")
    (results / "failures.csv").write_bytes(b"file,reason\n\xff.mp4,empty\n")
    page = Page(results)
    assert text(page.videos[0][0][0]) == r"a\udcff.mp4"
    assert rows(page.find(".//section[@id='failures']")) == [[r"\xff.mp4", "empty"]]


@pytest.mark.parametrize("count", [2, 9, 120])
def test_any_number_of_labels_has_colours_of_its_own(tmp_path: Path, count: int) -> None:
    labels = [f"label {n}" for n in range(count)]
    write_scan(tmp_path, labels)
    rows_of = [seen(n, label) for n, label in enumerate(labels)]
    write_video(tmp_path, "a.mp4", rows_of, count, labels)
    page = Page(tmp_path)
    found = colours(page.source)
    assert len(found) == len(set(found)) == count
    assert list(bars(page.find(".//section[@id='totals']"))) == labels
    assert len(layers(page.videos[0])) == count


def colours(source: str) -> list[str]:
    return re.findall(r"^\.k\d+ \{ --own: (.*); \}$", source, re.MULTILINE)


def test_few_labels_have_the_colours_of_the_live_page(results: Path, repository: Path) -> None:
    live = (repository / "edge" / "web" / "page" / "page.css").read_text()
    assert colours(Page(results).source) == re.findall(r"--k\d: (.*);", live)[: len(LABELS)]


def test_the_page_is_self_contained(results: Path) -> None:
    more = {"moments": [moment("sad", jpeg=thumbnail())]}
    write_video(results, "http://elsewhere/a.mp4", [seen(0, "sad")], 1, **more)
    page = Page(results)
    links = [each.get(key) for each in page.root.iter() for key in ("src", "href") if each.get(key)]
    assert links
    assert all(link.startswith("data:") for link in links if link)
    assert "url(" not in page.source
    assert "@import" not in page.source
    policy = page.find("head/meta[@http-equiv='Content-Security-Policy']").attrib["content"]
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_the_same_results_give_the_same_bytes(results: Path) -> None:
    write_video(results, "a.mp4", [seen(n, "sad") for n in range(90)], 90, moments=[moment("sad")])
    write_picture(results, "b.jpg", [seen(0, "sad", 1, track=None)])
    first = write_report(results).read_bytes()
    assert write_report(results).read_bytes() == first


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    for content in ("[]", "{", '{"format": "other-2"}'):
        (tmp_path / "scan.json").write_text(content)
        with pytest.raises(
            TargetError, match=r"expected the results of a scan, found no scan\.json"
        ):
            write_report(tmp_path)


def test_a_part_that_is_none_is_named(results: Path) -> None:
    path = write_video(results, "a.mp4", [seen(0, "sad")], 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(
        SourceFileError, match=r"part-0+\.parquet: expected a part of a scan, found"
    ):
        write_report(results)
    path.write_bytes(whole)
    write_scan(results, ("calm", "tense"))
    with pytest.raises(SourceFileError, match="found labels other than calm, tense; delete it"):
        write_report(results)


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path, repository: Path) -> None:
    program = (
        "import sys; sys.modules['jinja2'] = None\n"
        "from pathlib import Path; from edge.errors import EdgeError\n"
        "from edge.scan.report import write_report\n"
        "try: write_report(Path(sys.argv[1]))\n"
        "except EdgeError as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert "expected the packages 'jinja2' and 'pyarrow', found no 'jinja2'" in done.stdout
    assert "edge-expressions[scan]" in done.stdout
