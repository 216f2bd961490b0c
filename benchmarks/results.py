"""The types of the results files; msgspec checks on reading, the tag of a type is its version."""

from __future__ import annotations

from msgspec import Struct


class Estimate(Struct, frozen=True, array_like=True):
    """A figure with its 95 % interval: ``[value, low, high]``."""

    value: float
    low: float
    high: float


class Times(Struct, frozen=True):
    """Milliseconds of ``count`` samples; a percentile that too few samples support is None.

    ``relative`` (p50) and ``relative_p95`` are multiples of the reference network's median in the
    same round. They compare runs and processes: what slows the whole machine cancels out.
    """

    count: int
    p50: Estimate
    p95: Estimate | None
    p99: Estimate | None
    relative: Estimate
    relative_p95: Estimate | None


class Origin(Struct, frozen=True):
    """Where and from which code a result comes."""

    machine: str
    commit: str
    date: str
    versions: dict[str, str] = {}


class State(Struct, frozen=True):
    """What a machine says of itself; None where it does not."""

    governor: str | None = None
    mhz: float | None = None
    celsius: float | None = None
    throttled: str | None = None


class McNemar(Struct, frozen=True):
    """Images that only the h5 and only this file names rightly, and the exact test's p."""

    only_h5: int
    only_this: int
    p: float


class Score(Struct, frozen=True):
    """Accuracy on one set of images, and the recall of each label.

    ``votes_top1`` is against the FER+ majority, None where no image has votes.
    """

    images: int
    top1: Estimate
    macro_f1: Estimate
    calibration_error: Estimate
    votes_top1: Estimate | None
    recall: dict[str, Estimate]
    versus_h5: McNemar | None = None


class Accuracy(Struct, frozen=True):
    """Scores on the validation split, and on the test split where the user has one.

    ``right`` packs one bit an image of the validation split, of SHA-256 ``images``, as hexadecimal.
    """

    whole: Score
    right: str
    images: str
    test: Score | None = None


class Latency(Struct, frozen=True):
    """One face at so many threads."""

    threads: int
    face: Times


class Row(Struct, frozen=True):
    """One variant of one model. ``error`` says why figures are missing."""

    name: str
    model: str
    variant: str
    file: str
    deployed: bool = False
    bytes: int | None = None
    sha256: str | None = None
    multiply_accumulates: int | None = None
    error: str | None = None
    runtime: str = ""
    load_ms: float | None = None
    first_ms: float | None = None
    memory_mb: float | None = None
    latency: list[Latency] = []
    accuracy: Accuracy | None = None

    def at(self, threads: int = 1) -> Times | None:
        """Return the times of a face at so many threads."""
        return next((each.face for each in self.latency if each.threads == threads), None)


class Stages(Struct, frozen=True):
    """A whole frame with so many ``faces``, of which ``found`` are found in the mean.

    ``stages`` are the parts of the frame, ``networks`` the bare calls of the detector's and the
    classifier's network in the same rounds. ``over_networks`` is the frame's p50 as a multiple of
    the bare calls that follow one another in it.
    """

    faces: int
    found: float
    frame: Times
    stages: dict[str, Times]
    networks: dict[str, Times]
    over_networks: float


class Throughput(Struct, frozen=True):
    """A file's frames with so many ``workers``; ``frame`` is from one result to the next."""

    faces: int
    workers: int
    frame: Times

    @property
    def fps(self) -> Estimate:
        """Frames a second."""
        p50 = self.frame.p50
        return Estimate(1e3 / p50.value, 1e3 / p50.high, 1e3 / p50.low)


class Camera(Struct, frozen=True):
    """A camera of ``rate`` frames a second: from capture to result, and the work in it."""

    rate: int
    frames: int
    dropped: int
    latency: Times
    work: Times


class Loop(Struct, frozen=True):
    """Whole frames with the classifier in ``file`` and so many ``workers``."""

    file: str
    workers: int
    stages: list[Stages]
    throughput: list[Throughput]
    camera: list[Camera]


class Footprint(Struct, frozen=True):
    """What a run costs: process start to first result, peak RSS, and the environment on disk."""

    start: Times
    frames: int
    memory_mb: float | None
    environment_mb: float


class Published(Struct, frozen=True):
    """A run on a paced camera: all of a frame's work, from capture to result, and its RSS."""

    name: str
    frame: Times
    latency: Times
    memory_mb: float | None


class Publishing(Struct, frozen=True):
    """A run alone and one that is looked at, at ``rate`` frames a second.

    ``page_p50_ms`` and ``page_p95_ms`` are from a frame's capture to the arrival of its result at
    a page on the same machine, of so many ``messages``.
    """

    rate: int
    rows: list[Published]
    messages: int
    page_p50_ms: float
    page_p95_ms: float

    @property
    def frame_ratio(self) -> float:
        """The p50 of a frame that is looked at against that of one that is not."""
        return self.rows[1].frame.p50.value / self.rows[0].frame.p50.value


class Bench(Struct, frozen=True, tag_field="format", tag="bench-5"):
    """Everything of one device. ``invalid`` says why the run does not count."""

    device: str
    origin: Origin
    before: State
    after: State
    invalid: str | None
    rounds: int
    minutes: float
    notes: list[str]
    rows: list[Row]
    loop: Loop | None = None
    footprint: Footprint | None = None
    publishing: Publishing | None = None

    @property
    def models(self) -> dict[str, str]:
        """The SHA-256 of each file that was measured, by its name."""
        return {row.file: row.sha256 for row in self.rows if row.sha256}
