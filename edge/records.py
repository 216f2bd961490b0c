"""What a line of the results and of the events says: the values of ``to_dict``.

``tools/record_schema.py`` makes ``docs/records.schema.json`` of these types and of the text under
each field.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

EventKind = Literal["appeared", "changed", "left", "source_lost", "source_back"]


class ExpressionRecord(TypedDict):
    """An expression with its probabilities."""

    label: str
    """The expression, always one of the model's labels."""
    score: float
    """The probability of ``label``, 0…1."""
    certain: bool
    """Whether the model stands by ``label``: ``score`` is at least its threshold; once it was,
    until it is 0.1 below."""
    probabilities: dict[str, float]
    """The probability of every label; they sum to 1."""


class FaceRecord(TypedDict):
    """One face of one frame."""

    track: NotRequired[int]
    """Number of the person from 1, as long as the face is followed; photographs have none."""
    box: list[float]
    """Left, top, right and bottom in pixels of the frame; it may reach beyond it."""
    key_points: list[list[float]]
    """Right eye, left eye, nose tip, mouth, right ear and left ear (x, y), as the person has
    them, in pixels."""
    detection_score: float
    """What the detector says of the face, 0…1."""
    label: str
    """The most probable label in this frame alone."""
    score: float
    """The probability of ``label``, 0…1."""
    certain: bool
    """Whether the model stands by ``label``: ``score`` is at least its threshold."""
    probabilities: dict[str, float]
    """The probability of every label in this frame alone; they sum to 1."""
    smoothed: NotRequired[ExpressionRecord]
    """The expression over time, as a screen shows it; photographs have none."""


class FrameRecord(TypedDict):
    """One frame: a line of a .jsonl."""

    source: str
    """Name of a file (relative to the folder that was given), "camera 0", or the address of a
    stream without its password."""
    time: float
    """Seconds from the start of the source: a video's own clock, or since a camera's first frame; 0
    for a photograph."""
    frame: int
    """Number of the frame from 0; of a photograph, its number in its folder."""
    wall_time: NotRequired[str]
    """When it was captured, ISO 8601 in UTC; only cameras and streams have it."""
    faces: list[FaceRecord]
    """Every face that was found."""
    stage_ms: dict[str, float]
    """Milliseconds of each stage: detect, crop, classify and track."""


class SecondRecord(TypedDict):
    """One face in one second ("--per second").

    A second with frames but without a face is one record whose ``frames`` is 0, and which has no
    values of a face.
    """

    source: str
    """As in the record of a frame."""
    time: float
    """Start of the second, in seconds from the start of the source."""
    wall_time: NotRequired[str]
    """The same, ISO 8601 in UTC; only cameras and streams have it."""
    track: NotRequired[int]
    """Number of the person from 1, as long as the face is followed; photographs have none."""
    frames: int
    """Frames of this second that show the face; the means are over these."""
    box: NotRequired[list[float]]
    """Mean of left, top, right and bottom, in pixels of the frame."""
    detection_score: NotRequired[float]
    """Mean of what the detector says of the face, 0…1."""
    label: NotRequired[str]
    """The most probable label by ``probabilities``."""
    score: NotRequired[float]
    """Its probability there, 0…1."""
    certain: NotRequired[bool]
    """Whether the model stood by its label in at least half of the frames."""
    certain_share: NotRequired[float]
    """In which share of the frames it did, 0…1."""
    shown: NotRequired[str]
    """The label that a screen showed in most of the frames."""
    probabilities: NotRequired[dict[str, float]]
    """Mean of what each frame alone shows, of every label; they sum to 1."""


_Change = TypedDict(
    "_Change",
    {  # "from" is no name that a class could have
        "from": NotRequired[Annotated[str, 'Of "changed": the label before.']],
        "to": NotRequired[Annotated[str, 'Of "changed": the label now, as in ``label``.']],
    },
)


class EventRecord(_Change):
    """Something that happened to a person or to a source. The labels are the smoothed ones."""

    event: EventKind
    """What happened: "appeared", "changed" and "left" are of a person, "source_lost" and
    "source_back" of a camera or a stream."""
    source: str
    """As in the record of a frame."""
    time: float
    """When it is told, in seconds from the start of the source."""
    wall_time: NotRequired[str]
    """The same, ISO 8601 in UTC; only cameras and streams have it."""
    track: NotRequired[int]
    """Number of the person from 1, of events of a person."""
    label: NotRequired[str]
    """The label that a screen shows, of events of a person."""
    score: NotRequired[float]
    """The probability of ``label``, 0…1."""
    certain: NotRequired[bool]
    """Whether the model stands by ``label``."""
    duration: float
    """Seconds: how long the face is there ("appeared"), had the label before ("changed"), was there
    ("left"), how old the newest frame is ("source_lost"), or how long there was none
    ("source_back")."""
    reason: NotRequired[str]
    """Why a source is lost, where that is known."""
