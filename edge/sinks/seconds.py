"""Results by the second: what each face showed on average."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator

from edge.records import SecondRecord
from edge.types import FaceResult, Frame, FrameResult, Outage, iso_time


class Seconds:
    """Collects results by source, second and face.

    Its methods return the records of what is over: a second is when its source has a later frame or
    an outage that is as late, and a source when another file has begun. A photograph is over at
    once.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._open: dict[str, _Second] = {}

    def add(self, frame: Frame, result: FrameResult) -> list[SecondRecord]:
        """Take one result."""
        number = math.floor(frame.time)
        over = [
            name
            for name, second in self._open.items()
            if (second.number != number if name == frame.source else not second.live)
        ]
        records = self._end(over)
        second = self._open.setdefault(frame.source, _Second(frame, number))
        second.add(result)
        return records + (self._end([frame.source]) if frame.still else [])

    def lost(self, outage: Outage) -> list[SecondRecord]:
        """Let the time pass."""
        second = self._open.get(outage.source)
        is_over = second is not None and math.floor(outage.time) > second.number
        return self._end([outage.source] if is_over else [])

    def end(self) -> list[SecondRecord]:
        """Return all that is left."""
        return self._end(list(self._open))

    def _end(self, names: list[str]) -> list[SecondRecord]:
        return [record for name in names for record in self._open.pop(name).records()]


class _Second:
    """What one source shows in one second."""

    def __init__(self, frame: Frame, number: int) -> None:
        self.number, self.live = number, frame.live
        self._source = frame.source
        self._began = None if frame.wall_time is None else frame.wall_time - frame.time + number
        self._faces: dict[int, _Mean] = {}

    def add(self, result: FrameResult) -> None:
        for n, face in enumerate(result.faces, 1):
            key = -n if face.track_id is None else face.track_id
            self._faces.setdefault(key, _Mean(face.track_id)).add(face)

    def records(self) -> Iterator[SecondRecord]:
        for mean in self._faces.values():
            yield mean.record(self._head(mean.frames))
        if not self._faces:
            yield self._head(0)

    def _head(self, frames: int) -> SecondRecord:
        head: SecondRecord = {
            "source": self._source,
            "time": float(self.number),
            "frames": frames,
        }
        if self._began is not None:
            head["wall_time"] = iso_time(self._began)
        return head


class _Mean:
    """What one face shows in one second."""

    def __init__(self, track: int | None) -> None:
        self.frames = 0
        self._track = track
        self._sums = [0.0] * 5
        """Of the four sides of the box and of the detection score."""
        self._probabilities: defaultdict[str, float] = defaultdict(float)
        self._shown: Counter[str] = Counter()
        self._certain = 0

    def add(self, face: FaceResult) -> None:
        box = face.box
        values = (box.left, box.top, box.right, box.bottom, face.face.score)
        self._sums = [total + value for total, value in zip(self._sums, values, strict=True)]
        for label, p in face.probabilities.items():
            self._probabilities[label] += p
        self._shown[face.shown.label] += 1
        self._certain += face.certain
        self.frames += 1

    def record(self, head: SecondRecord) -> SecondRecord:
        """Complete ``head``."""
        *box, detection_score = (total / self.frames for total in self._sums)
        mean = {label: total / self.frames for label, total in self._probabilities.items()}
        label = max(mean, key=mean.__getitem__)
        share = self._certain / self.frames
        if self._track is not None:
            head["track"] = self._track
        head["box"] = [round(side, 2) for side in box]
        head["detection_score"] = round(detection_score, 4)
        head["label"], head["score"] = label, round(mean[label], 4)
        head["certain"], head["certain_share"] = share >= 0.5, round(share, 4)
        head["shown"] = self._shown.most_common(1)[0][0]
        head["probabilities"] = {name: round(p, 4) for name, p in mean.items()}
        return head
