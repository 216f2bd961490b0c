"""The report as one Markdown text and its figures; the HTML page is made from the same two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from benchmarks import calibration, evaluation, runtime_report
from benchmarks.errors import ResultsError
from benchmarks.figures.accuracy import accuracy_figure
from benchmarks.figures.confusion import confusion_figure
from benchmarks.figures.latency import latency_figure
from benchmarks.figures.robustness import robustness_figure
from benchmarks.figures.stages import stages_figure
from benchmarks.peers import report as peers
from benchmarks.report import detectors, devices, recommendation, statistics, tables, variants
from benchmarks.report.evidence import (
    Evidence,
    Measured,
    Result,
    Row,
    accuracy_of,
    labels,
    with_accuracy,
)
from benchmarks.results import COMMAND, measured, run_with
from benchmarks.subjects import PREDICT
from train.metrics import fitted_part

_LOOP_TITLES = {
    "stages": "The loop by the number of faces",
    "throughput": "Frames of a file",
    "intervals": "Detection at intervals",
    "camera": "A paced camera",
}
"""Of the sections of ``runtime_report``; a further one is called as it is."""
_SLOW = f"h5, {PREDICT}"
"""So much slower than all others that they would lie on each other beside it."""
_COPIES = (
    "Of the images that are not in the training split too. A dash: not measured in this run; for "
    "McNemar's test of an h5, nothing to compare with."
)
"""What the table without copies is of, and why a cell of it may be empty."""


@dataclass(slots=True)
class Page:
    """Blocks of Markdown, and how to draw each figure that they name."""

    blocks: list[str] = field(default_factory=list)
    figures: dict[str, Callable[[], Figure]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole Markdown."""
        return "\n\n".join(self.blocks) + "\n"

    def say(self, *blocks: str) -> None:
        """Append paragraphs, headings or tables."""
        self.blocks += blocks

    def show(self, name: str, caption: str, draw: Callable[[], Figure]) -> None:
        """Append the figure in the file ``name``; the ``caption`` says what it shows."""
        self.blocks.append(f"![{caption}]({name})")
        self.figures[name] = draw


def build(evidence: Evidence) -> Page:
    """Return the report on all of ``evidence``."""
    page, known = Page(), with_accuracy(evidence.results)
    page.say("# Benchmark", _lead(evidence, known), recommendation.RULE)
    if evidence.missing:
        page.say("Not in this report: " + "; ".join(evidence.missing) + ".")
    samples = [device.samples for device in evidence.devices]
    page.say("## The devices", devices.table(evidence.results, samples))
    for device, label in zip(evidence.devices, labels(evidence.results), strict=True):
        page.say(f"## {label}")
        _device(page, device, known)
    page.say("## Accuracy")
    _accuracy(page, known)
    _evaluation(page, evidence.evaluation)
    others = (
        peers.table(evidence.peers) if evidence.peers else f"Not measured; `{peers.COMMAND}` does."
    )
    page.say("## Beside others", others)
    page.say("## How it was measured", *_method(evidence.results))
    return page


def _lead(evidence: Evidence, known: Result | None) -> str:
    """The recommendation for each device."""
    return "\n".join(
        f"- {label}: {recommendation.sentence(device.result, known, device.samples)}"
        for label, device in zip(labels(evidence.results), evidence.devices, strict=True)
    )


def _device(page: Page, device: Measured, known: Result | None) -> None:
    result = device.result
    name = result["device"]["name"]
    if result["void"]:
        page.say(f"**This run does not count:** {result['void']}.")
    page.say("### State of the machine", devices.state(result))
    page.say("### The variants", tables.table(result))
    failed = [f"{row['name']}: {row['error']}" for row in result["subjects"] if row["error"]]
    if failed:
        page.say("Not measured, or not wholly: " + "; ".join(failed) + ".")
    if result["left_out"]:
        page.say(f"Left out: {'; '.join(result['left_out'])}.")
    ran = [row for row in result["subjects"] if run_with(row)]
    rated = [row | {"accuracy": own} for row in ran if (own := accuracy_of(row, known))]
    if rated:
        shown = [row for row in rated if row["variant"] != _SLOW] or rated
        page.show(f"{name}-accuracy.png", _caption(rated), partial(accuracy_figure, shown))
    else:
        page.say("Accuracy against latency is not drawn: no accuracy was measured.")
    if any(sample.get("face_ms") for sample in device.samples):
        page.show(
            f"{name}-latency.png",
            "How the times of one face are distributed: all raw samples at one thread but the "
            "outermost 0.4 %; p95 and p99 where there are samples enough for them.",
            partial(latency_figure, ran, device.samples),
        )
    else:
        page.say("The distribution of the times is not drawn: the raw samples are missing.")
    page.say("### Times of one face", variants.times(result))
    page.say("### Start and memory of the variants", variants.starts(result))
    _loop(page, result, name)


def _caption(rated: Sequence[Row]) -> str:
    """What the figure of accuracy against latency shows, and what it leaves out."""
    text = (
        "Accuracy against latency. The area of a mark is the size of the file; nothing else is "
        "both faster and more accurate than what is on the Pareto front. A line leads to the place "
        "of a mark that would cover another; the intervals stand in the tables."
    )
    runs = [run for row in rated if row["variant"] == _SLOW and (run := run_with(row))]
    times = [run["face_ms"]["p50"] for run in runs]
    if len(times) in (0, len(rated)):
        return text
    ends = " to ".join(dict.fromkeys(f"{time:.0f}" for time in (min(times), max(times))))
    return f"{text} Not drawn: `{_SLOW}`, which answers as the compiled call and takes {ends} ms."


def _loop(page: Page, result: Result, name: str) -> None:
    try:
        sections = runtime_report.sections(result, full=True)
    except ResultsError:
        page.say("### The loop", f"The loop was not measured; run '{COMMAND}' again.")
        return
    for section, text in sections.items():
        page.say(f"### {_LOOP_TITLES.get(section, section.capitalize())}", text)
        if section == "stages":
            page.show(
                f"{name}-stages.png",
                "What a frame's time goes to: the p50 of each stage, one thread for each network.",
                partial(stages_figure, result["loop"]["stages"]),
            )
    page.say(
        "### Detectors",
        f"{detectors.table(result['loop']['detectors'])}\n\nWith {runtime_report.CLASSIFIER}.",
    )


def _accuracy(page: Page, known: Result | None) -> None:
    if known is None:
        page.say(f"No accuracy was measured; put the data in place and run '{COMMAND}' again.")
        return
    page.say(statistics.table(known), _how_sure(known))
    page.say("### Without copies", statistics.without_copies(known), _COPIES)
    if held_out := statistics.held_out(known):
        page.say("### On the test split", held_out)
    if recall := statistics.recall(known):
        page.say("### Recall of each label", recall)
    alone = statistics.recall(known, alone=True)
    if recall:
        page.say("### Recall of each label, without copies", alone or "Not measured in this run.")
    page.say("### What is taken for what")
    if compared := statistics.compared(known):
        page.show(
            "confusion.png",
            "Confusion matrices of the h5 and of the int8 file: per cent of each label, below it "
            "the number of images.",
            partial(confusion_figure, compared),
        )
    else:
        page.say(
            "The confusion matrices are not drawn: no accuracy of an h5 or int8 file was measured."
        )


def _how_sure(known: Result) -> str:
    """What the table of accuracies means."""
    images = next(row["accuracy"]["images"] for row in known["subjects"] if row["accuracy"])
    return (
        "In brackets the interval of 95 %. McNemar's test compares the answers with those of the "
        "h5, image by image: what only one of the two has right, and how likely a difference "
        "as large is by chance. A large p doesn't show that two are alike; how far apart they can "
        "be is in what only one of them has right. The ECE is of the images that the temperature "
        f"was not fitted on, {(~fitted_part(images)).sum():,} of {images:,}. Noise adds to it, so "
        "that it lies above the true error more often than below; the low end of its interval is "
        "the ECE less all that noise can have added, which is a bound and wide, and the high end "
        "that of the bootstrap less its bias. "
        f"{measured(known, COMMAND)}, on the validation split, which steered the choice of the "
        "recipes and the temperature too."
    )


def _evaluation(page: Page, result: Result | None) -> None:
    if result is None:
        page.say("## Calibration, robustness, framing", "Not measured; `make evaluate` does.")
        return
    sections = evaluation.sections(result)
    page.say("## Calibration", sections.pop("calibration"))
    page.show(
        "reliability.png",
        "Accuracy against confidence before and after temperature scaling.",
        partial(calibration.reliability_figure, result["calibration"]),
    )
    page.show(
        "coverage.png",
        "What not answering the doubtful is worth.",
        partial(calibration.coverage_figure, result["calibration"]),
    )
    page.say("## Robustness")
    page.show(
        "robustness.png",
        "Top-1 of the int8 files when the 48×48 crops are disturbed.",
        partial(robustness_figure, result["robustness"]),
    )
    page.say(sections.pop("robustness"))
    for section, text in sections.items():
        page.say(f"## {section.capitalize()}", text)


def _method(found: Sequence[Result]) -> list[str]:
    efforts = dict.fromkeys(_effort(result["effort"]) for result in found)
    return [
        "The runtime's own code on real images, each variant in a process of its own, "
        f"{'; '.join(efforts)}. A warm-up comes before and is not counted. In each round all "
        "TFLite files at one number of threads take their turn, up to twelve. The two ways through "
        "each h5 have rounds of their own, in which the float32 file of `seed` goes along where it "
        "is measured: as multiples of its time they can be compared.",
        "Intervals of 95 %: the bootstrap over whole rounds for times, over images for macro-F1 "
        "and ECE, and Wilson's for shares. No correction for several tests is made.",
        "All samples stand beside the figures, as lines of JSON (`<device>.jsonl`).",
    ]


def _effort(effort: Mapping[str, Any]) -> str:
    return (
        f"in {effort['rounds']} rounds of {effort['calls']} faces and {effort['frames']} frames, "
        "or fewer where those of a kind would take longer than about "
        f"{effort['seconds']:g} s in all"
    )
