"""The schema is that of the types, and real lines keep to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.events import Event, with_events
from edge.recognizer import Recognizer
from edge.run.loop import give
from edge.settings import Settings
from edge.sinks import find_adapter
from edge.sinks.events import EventSink
from edge.sources.demo import DemoSource, load_portraits
from edge.types import Frame, Outage
from tools.record_schema import LINES, record_schema

jsonschema = pytest.importorskip("jsonschema")
"""Only in the environment of the tests."""


SCHEMA = json.loads(record_schema())


def keeps_to(kind: str, line: Any) -> bool:
    schema = SCHEMA | {"anyOf": [{"$ref": f"#/$defs/{kind}"}]}
    return bool(jsonschema.Draft202012Validator(schema).is_valid(line))


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What a run writes of a video, a photograph and a camera that is lost and comes back."""
    folder = tmp_path_factory.mktemp("recorded")
    recognizer = Recognizer(min_face=0)
    paths = {kind.__name__: folder / f"{kind.__name__}.jsonl" for kind in LINES}
    frame_sink, second_sink = (
        find_adapter(paths[name]).open(paths[name], recognizer.labels, Settings(per=per))
        for name, per in (("FrameRecord", "frame"), ("SecondRecord", "second"))
    )
    event_sink = EventSink(paths["EventRecord"])
    portraits = load_portraits()
    demo = list(DemoSource(portraits, frames=12))
    dark = demo[0].image * 0
    live = [
        Frame(demo[n].image, n, n / 5, "camera 0", live=True, wall_time=1e9 + n) for n in range(6)
    ]
    items: list[Frame | Outage] = [
        *demo,
        Frame(demo[0].image, 0, 0.0, "a.jpg", still=True),
        *live,
        *(Outage("camera 0", 1.0 + age, age, "camera 0: unplugged") for age in (0.1, 2.5)),
        Frame(dark, 6, 4.0, "camera 0", live=True, wall_time=1e9 + 4),
    ]
    with frame_sink, second_sink, event_sink:
        for item in with_events(recognizer.follow(items), 0.5):
            for sink in (frame_sink, second_sink, event_sink):
                give(item, sink)
    change = Event("changed", "demo", 1.0, None, 1, "happy", 0.9, True, "sad", 1.0)
    found = {kind: lines(path) for kind, path in paths.items()}
    found["EventRecord"].append(change.to_dict())  # the demo's faces do not change
    return found


def test_the_committed_schema_is_that_of_the_types(repository: Path) -> None:
    text = (repository / "docs" / "records.schema.json").read_text("utf-8")
    assert text == record_schema(), "run 'python -m tools.record_schema > docs/records.schema.json'"
    jsonschema.Draft202012Validator.check_schema(json.loads(text))


@pytest.mark.parametrize("kind", [kind.__name__ for kind in LINES])
def test_real_lines_keep_to_the_schema(recorded: dict[str, list[Any]], kind: str) -> None:
    required = SCHEMA["$defs"][kind]["required"]
    assert recorded[kind]
    for line in recorded[kind]:
        assert keeps_to(kind, line), line
        assert not keeps_to(kind, line | {"new": 1})
    for field in required:
        assert not keeps_to(kind, {name: v for name, v in line.items() if name != field})


def test_nothing_new_gets_into_a_face_unseen(recorded: dict[str, list[Any]]) -> None:
    line = next(line for line in recorded["FrameRecord"] if line["faces"])
    [face, *_] = line["faces"]
    for changed in (face | {"new": 1}, face | {"smoothed": face["smoothed"] | {"new": 1}}):
        assert not keeps_to("FrameRecord", line | {"faces": [changed]})


@pytest.mark.parametrize("kind", [kind.__name__ for kind in LINES])
def test_every_field_is_in_some_line(recorded: dict[str, list[Any]], kind: str) -> None:
    """So that the schema says nothing that no run writes."""
    fields = SCHEMA["$defs"][kind]["properties"]
    assert {name for line in recorded[kind] for name in line} == set(fields)
    assert all(field["description"] for field in fields.values())


def test_the_pages_name_every_field(repository: Path) -> None:
    docs = repository / "docs"
    records, react = ((docs / name).read_text("utf-8") for name in ("records.md", "react.md"))
    for kind, described in SCHEMA["$defs"].items():
        page = react if kind == "EventRecord" else records
        assert [name for name in described["properties"] if f"`{name}`" not in page] == []
