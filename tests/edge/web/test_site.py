"""What the page's addresses answer."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from edge.events import Event
from edge.sinks.web import WebSink
from edge.types import Frame, FrameResult, Image, Outage
from edge.vision.painter import Painter
from tests.edge.web.site import ask, message, opened, page, part, send, wait_for


@pytest.fixture
def sink() -> Iterator[WebSink]:
    with page() as opened:
        yield opened


class CountingPainter(Painter):
    """Counts the pictures of all of its kind."""

    painted = 0

    def paint(self, frame: Frame, result: FrameResult, status: str = "") -> Image:
        CountingPainter.painted += 1
        return super().paint(frame, result, status)


@pytest.fixture
def counting() -> Iterator[WebSink]:
    CountingPainter.painted = 0
    with page(painter=CountingPainter) as sink:
        yield sink


def metric(sink: WebSink, name: str) -> float:
    lines = ask(sink, "/metrics").text.splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name} ")]
    return float(line.rpartition(" ")[2])


def viewers(sink: WebSink) -> float:
    return metric(sink, "expressions_web_viewers")


def test_the_stream_gives_each_new_picture(sink: WebSink) -> None:
    send(sink)
    with opened(sink, "/stream.mjpg") as answer:
        assert answer.status == 200
        assert answer.headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
        for index in range(1, 4):
            image = cv2.imdecode(np.frombuffer(part(answer), np.uint8), cv2.IMREAD_COLOR)
            assert image is not None
            assert image.shape == (360, 640, 3)
            send(sink, index)


def test_nothing_is_drawn_while_nobody_looks(counting: WebSink) -> None:
    for index in range(20):
        send(counting, index)
    for path in ("/", "/result.json", "/metrics", "/healthz"):
        assert ask(counting, path).status == 200
    assert CountingPainter.painted == 0


def test_a_frame_is_drawn_once_for_all_who_look(counting: WebSink) -> None:
    send(counting)
    with opened(counting, "/stream.mjpg") as first, opened(counting, "/stream.mjpg") as second:
        assert part(first) == part(second)
        send(counting, 1)
        assert part(first) == part(second)
        assert CountingPainter.painted == 2
        assert viewers(counting) == 2
    wait_for(lambda: viewers(counting) == 0)
    send(counting, 2)
    assert ask(counting, "/healthz").status == 200
    assert CountingPainter.painted == 2


def test_the_fifth_viewer_is_told_why_not(sink: WebSink) -> None:
    send(sink)
    with (
        opened(sink, "/stream.mjpg"),
        opened(sink, "/stream.mjpg"),
        opened(sink, "/stream.mjpg?hide=1"),
        opened(sink, "/stream.mjpg"),
    ):
        answer = ask(sink, "/stream.mjpg")
        assert answer.status == 503
        assert "4 viewers look already" in answer.text
    wait_for(lambda: viewers(sink) == 0)
    with opened(sink, "/stream.mjpg") as stream:
        assert stream.status == 200


def test_a_viewer_hides_faces_for_itself(sink: WebSink) -> None:
    send(sink)
    with opened(sink, "/stream.mjpg") as shown, opened(sink, "/stream.mjpg?hide=1") as hidden:
        assert detail(part(shown)) > 10 * detail(part(hidden))


def test_faces_that_the_run_hides_no_viewer_sees() -> None:
    with page(painter=lambda: Painter(hide_faces="blur"), hiding=None) as sink:
        send(sink)
        with opened(sink, "/stream.mjpg?hide=0") as answer:
            assert detail(part(answer)) < 200
        assert detail(ask(sink, "/snapshot.jpg?hide=0").body) < 200
        with opened(sink, "/events") as answer:
            assert message(answer)[1]["hidden"] is True


def test_a_face_that_was_there_a_moment_ago_is_hidden_in_a_snapshot_too(sink: WebSink) -> None:
    send(sink)
    frame = Frame(np.full((360, 640, 3), 90, np.uint8), 1, 1 / 30, "camera 0", live=True)
    frame.image[110:190, 160:240] = np.indices((80, 80)).sum(0)[..., None] % 2 * 255
    sink.write(frame, FrameResult("camera 0", 1, 1 / 30, ()))
    assert detail(ask(sink, "/snapshot.jpg").body) > 5000
    assert detail(ask(sink, "/snapshot.jpg?hide=1").body) < 500


def detail(jpeg: bytes) -> float:
    """Variance inside the first face."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return float(image[140:160, 190:210].var())


def test_a_snapshot_is_a_file(sink: WebSink) -> None:
    assert ask(sink, "/snapshot.jpg").status == 503
    send(sink, source='cam/"1"\n;é')
    answer = ask(sink, "/snapshot.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"].startswith('attachment; filename="cam-1-')
    assert cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR) is not None


def test_a_large_picture_is_made_smaller(sink: WebSink) -> None:
    frame = Frame(np.zeros((1500, 2000, 3), np.uint8), 0, 0.0, "clip.mp4")
    sink.write(frame, FrameResult("clip.mp4", 0, 0.0, ()))
    image = cv2.imdecode(np.frombuffer(ask(sink, "/snapshot.jpg").body, np.uint8), 1)
    assert image is not None
    assert image.shape == (960, 1280, 3)


def test_the_newest_results_are_json(sink: WebSink) -> None:
    assert ask(sink, "/result.json").json == {"sources": []}
    send(sink)
    send(sink, source="camera 1")
    first, second = ask(sink, "/result.json").json["sources"]
    assert (first["id"], second["id"]) == ("camera 0", "camera 1")
    assert [face["label"] for face in first["result"]["faces"]] == ["happy", "sad"]
    assert 0 <= first["age"] < 5


def test_a_page_is_told_what_is_known_and_then_what_is_new(sink: WebSink) -> None:
    sink.notice(Event("appeared", "camera 0", 0.2, 1e9, 1, "happy", 0.8, True, duration=0.2))
    send(sink)
    with opened(sink, "/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert message(answer)[0] == "hello"
        kind, event = message(answer)
        assert (kind, event["number"], event["event"]) == ("event", 1, "appeared")
        kind, now = message(answer)
        assert (kind, now["source"], len(now["result"]["faces"])) == ("now", "camera 0", 2)
        sink.notice(Event("left", "camera 0", 3.0, 1e9, 1, "happy", 0.8, True, duration=3))
        assert message(answer)[1]["event"] == "left"
        assert message(answer)[1]["result"] is None  # nothing new of that kind
        sink.__exit__()
        while (kind := message(answer)[0]) != "end":
            assert kind == "now"
        assert answer.read() == b""


def test_a_page_is_told_ten_results_a_second(sink: WebSink) -> None:
    with opened(sink, "/events") as answer:
        message(answer)
        began, told, index = time.monotonic(), 0, 0
        while time.monotonic() - began < 1:
            send(sink, index := index + 1)
            told += message(answer)[1]["result"] is not None
    assert 5 <= told <= 11


def test_viewers_choose_among_several_sources(sink: WebSink) -> None:
    send(sink)
    send(sink, source="camera 1")
    with opened(sink, "/events?source=camera+1") as answer:
        message(answer)
        assert message(answer)[1]["result"]["source"] == "camera 1"
    with opened(sink, "/stream.mjpg?source=camera+1") as answer:
        part(answer)
    for path in ("/stream.mjpg", "/snapshot.jpg"):
        assert ask(sink, f"{path}?source=none").status == 404


def test_files_follow_one_another_in_one_place(sink: WebSink) -> None:
    for n, name in enumerate(("a.jpg", "b.jpg")):
        send(sink, n, name, live=False, still=True)
    (only,) = ask(sink, "/result.json").json["sources"]
    assert (only["id"], only["name"], only["live"], only["still"]) == (
        "files",
        "b.jpg",
        False,
        True,
    )


def test_health_is_the_age_of_the_newest_frame(sink: WebSink) -> None:
    answer = ask(sink, "/healthz")
    assert (answer.status, answer.text) == (503, "no frame yet\n")
    send(sink)
    answer = ask(sink, "/healthz")
    assert (answer.status, answer.text) == (200, "ok\n")
    sink.lost(Outage("camera 0", 3.0, 0.3))  # a short wait
    assert ask(sink, "/healthz").status == 200
    sink.lost(Outage("camera 0", 3.0, 12.0, "unplugged", 5.0))
    answer = ask(sink, "/healthz")
    assert answer.status == 503
    assert answer.text == "camera 0: no picture for 12 s · next try in 5 s · unplugged\n"
    send(sink, 1)
    assert ask(sink, "/healthz").status == 200


def test_an_old_frame_is_not_healthy(sink: WebSink) -> None:
    send(sink, captured_at=time.monotonic() - 60)
    answer = ask(sink, "/healthz")
    assert (answer.status, answer.text) == (503, "camera 0: no frame for 60 s\n")


def test_an_outage_is_a_picture_and_a_state(sink: WebSink) -> None:
    send(sink)
    with opened(sink, "/stream.mjpg") as answer:
        before = part(answer)
        sink.lost(Outage("camera 0", 3.0, 12.0, "unplugged", 5.0))
        image = cv2.imdecode(np.frombuffer(part(answer), np.uint8), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        assert image.mean() < 40
        assert len(before) > 10_000
    (state,) = ask(sink, "/result.json").json["sources"]
    assert (state["lost"], state["reason"]) == (
        "no picture for 12 s · next try in 5 s",
        "unplugged",
    )


def test_metrics_count(sink: WebSink) -> None:
    send(sink, 0, dropped=2)
    send(sink, 1, captured_at=time.monotonic() - 0.2)
    sink.lost(Outage("camera 0", 3.0, 12.0, "unplugged", 5.0))
    sink.lost(Outage("camera 0", 3.1, 12.1, "unplugged", 5.0))
    sink.notice(Event("left", "camera 0", 3.0))
    text = ask(sink, "/metrics").text
    of_source = 'source="camera 0"'
    for line in (
        f"expressions_frames_total{{{of_source}}} 2.0",
        f"expressions_dropped_frames_total{{{of_source}}} 2.0",
        f"expressions_outages_total{{{of_source}}} 1.0",
        f'expressions_faces_total{{expression="happy",{of_source}}} 2.0',
        f"expressions_people{{{of_source}}} 0.0",
        f"expressions_source_up{{{of_source}}} 0.0",
        f'expressions_latency_seconds_bucket{{le="0.15",{of_source}}} 1.0',
        f'expressions_latency_seconds_bucket{{le="+Inf",{of_source}}} 2.0',
        'expressions_events_total{kind="left"} 1.0',
        "expressions_web_viewers 0.0",
    ):
        assert f"{line}\n" in text
    assert "python_gc" not in text  # a registry of its own
