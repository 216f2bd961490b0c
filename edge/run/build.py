"""Builds the parts of a run from its settings."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from edge import sinks, sources
from edge.adapters import Limits, PublisherAdapter
from edge.errors import SettingsError, SinkError
from edge.protocols import Sink, Source
from edge.recognizer import Recognizer
from edge.run.lanes import Follow, Item, Lane, Lanes
from edge.run.stats import Stats
from edge.settings import Settings
from edge.sinks.command import CommandSink
from edge.sinks.console import StatusLine
from edge.sinks.events import EventSink
from edge.sinks.shared import Drawn, Guarded
from edge.sinks.window import WindowSink, display_problem, is_desktop
from edge.sources.images import ImageSource
from edge.types import Frame, Outage
from edge.vision.painter import Painter

log = logging.getLogger(__name__)
_MOST_NAMED = 3
"""Sources that a summary names."""


def _with_options() -> type[Settings]:
    """``Settings`` with a table for each adapter that has options."""
    tables = {adapter.table: adapter.options for adapter in sources.ADAPTERS if adapter.options}
    tables |= {publisher.name: publisher.options for publisher in sinks.PUBLISHERS}
    output = Annotated[
        tuple[Path, ...], Parameter(name=("--output", "-o"), allow_leading_hyphen=True)
    ]
    events = Annotated[tuple[Path, ...], Parameter(allow_leading_hyphen=True)]
    made = make_dataclass(
        "RunSettings",
        [
            ("output", output, ()),
            ("events", events, ()),
            *((name, options, field(default_factory=options)) for name, options in tables.items()),
        ],
        bases=(Settings,),
        frozen=True,
        kw_only=True,
    )
    made.__module__ = __name__
    made.__doc__ = Settings.__doc__
    return made


RunSettings = _with_options()
"""What the command line and the settings file can say."""


def adapter_options(settings: Settings) -> Mapping[str, Any]:
    """Return the adapters' options in ``settings`` by table; none in plain ``Settings``."""
    own = {field.name for field in fields(Settings)}
    return {f.name: getattr(settings, f.name) for f in fields(settings) if f.name not in own}


def publishers(settings: Settings) -> Iterator[tuple[PublisherAdapter, Any]]:
    """Yield those that ``settings`` ask for, with their options."""
    options = adapter_options(settings)
    for publisher in sinks.PUBLISHERS:
        chosen = options.get(publisher.name)
        if chosen is not None and chosen.address:
            yield publisher, chosen


@dataclass(frozen=True)
class Run:
    """The parts of one run, none of them open."""

    settings: Settings
    lanes: Lanes
    sources: tuple[Source, ...]
    recognizer: Recognizer
    sinks: tuple[Sink, ...]
    stats: Stats
    guards: tuple[Guarded, ...]
    status: Guarded
    """The lines for standard output."""

    @property
    def exit_code(self) -> int:
        """That of the first source or sink that failed, 0 where none did."""
        guards = (*self.guards, self.status)
        codes = (self.lanes.exit_code, *(sink.exit_code for sink in guards))
        return next(filter(None, codes), 0)

    def facts(self) -> Mapping[str, str]:
        """Return what a summary says of the parts."""
        named = [source.description for source in self.sources[:_MOST_NAMED]]
        if more := len(self.sources) - len(named):
            named.append(f"{more} more")
        return {
            "source": ", ".join(named),
            "interpreter": self.recognizer.interpreter,
            "detector": self.recognizer.detector,
            "model": str(self.settings.model_path),
            "outputs": ", ".join(map(str, self.settings.output)) or "none",
        }


def open_recognizer(settings: Settings) -> Recognizer:
    """Open the recognizer that ``settings`` ask for; raises ``EdgeError``."""
    return Recognizer.of(
        settings,
        threads=settings.threads,
        workers=settings.parallel,
    )


def build(
    settings: Settings,
    stop: Callable[[], None],
    stopped: Callable[[], bool],
    show: Callable[[str], None],
) -> Run:
    """Build everything that ``settings`` ask for.

    ``stop`` ends the run, for the window's keys, and ``stopped`` says whether it is to end;
    ``show`` takes the status line. Raises ``EdgeError`` for what can't be had.
    """
    recognizer = open_recognizer(settings)
    stats = Stats()
    window = open_window(settings, stop, stopped)
    served = list(publishers(settings))
    limits = Limits(bool(window or settings.frames or served), settings.max_pixels)
    inputs = sources.open_sources(settings.source, adapter_options(settings), limits)
    check_outputs(settings, inputs)
    lines = {*settings.output, *settings.events}  # "-" may be both
    takers = len(lines) + len(served) + bool(settings.on_change)
    records, pictures = _outputs(settings, recognizer, stop if takers == 1 else _go_on)
    others = [
        *(
            Guarded(publisher.open(options, recognizer.labels, settings))
            for publisher, options in served
        ),
        *([Guarded(CommandSink(settings.on_change))] if settings.on_change else []),
    ]
    views = [Guarded(window)] if window else []
    parts: list[Sink] = [stats, *records, *others]
    if views or pictures:
        painter = partial(Painter, settings.overlay_parts, settings.hide_faces)
        parts.append(Drawn(views, pictures, stats.corner, painter))
    every = math.inf if window else 1.0
    status = Guarded(StatusLine(stats.details, None if takers else stop, show, every))
    parts.append(status)
    paced = window is None and bool(served)  # somebody watches
    lanes = _lanes(settings, inputs, recognizer, stopped, paced)
    guards = (*records, *pictures, *others, *views)
    return Run(settings, lanes, tuple(inputs), recognizer, tuple(parts), stats, guards, status)


def _go_on() -> None:
    """Let the run go on when a reader has left."""


def _outputs(
    settings: Settings, recognizer: Recognizer, left: Callable[[], None]
) -> tuple[list[Guarded], list[Guarded]]:
    """The outputs that take results, and those that take annotated pictures."""
    records = [
        _guarded(path, partial(EventSink, path, settings.recording), left)
        for path in settings.events
    ]
    pictures: list[Guarded] = []
    for path in settings.output:
        adapter = sinks.find_adapter(path)
        sink = _guarded(path, partial(adapter.open, path, recognizer.labels, settings), left)
        (pictures if adapter.pictures else records).append(sink)
    return records, pictures


def _guarded(path: Path, make: Callable[[], Sink], left: Callable[[], None]) -> Guarded:
    return Guarded(make(), left, again=make, name=str(path))


def check_outputs(settings: Settings, inputs: Sequence[Source]) -> None:
    """Raise ``SettingsError`` where pictures of ``inputs`` can't go where they are to.

    One file can't hold those of too many, nor take the place of an input.
    """
    side_by_side = sum(source.live for source in inputs) > 1
    single = len(inputs) == 1 and isinstance(inputs[0], ImageSource)
    files = {os.path.realpath(path) for source in inputs for path in source.paths}
    for path in settings.output:
        adapter = sinks.find_adapter(path)
        if adapter.pictures and os.path.realpath(path) in files:
            raise SettingsError(
                f"{path}: expected another file than an input, found it among them; choose another "
                "output"
            )
        many = adapter.many
        expected = {"none": "one photograph", "files": "at most one camera"}.get(many)
        if (many == "none" and not single) or (many == "files" and side_by_side):
            found = ", ".join(source.name for source in inputs[:_MOST_NAMED])
            raise SettingsError(
                f"{path}: expected {expected} for it, found {found}; name a folder instead, "
                f"'{path.stem}/', for a file of each input"
            )


def _lanes(
    settings: Settings,
    inputs: Sequence[Source],
    recognizer: Recognizer,
    stopped: Callable[[], bool],
    paced: bool,
) -> Lanes:
    """One lane for all files and one for each live source.

    ``recognizer`` is for the files and, once these are over, for the first live source.
    """
    files = [source for source in inputs if not source.live]
    live = [source for source in inputs if source.live]
    first = _follower(settings, recognizer)
    others = [_follower(settings, open_recognizer(settings)) for _ in live[1:]]
    return Lanes(
        Lane(files, first, sources.shares(files)) if files else None,
        [Lane([source], follow) for source, follow in zip(live, (first, *others), strict=False)],
        stopped,
        paced,
    )


def _follower(settings: Settings, recognizer: Recognizer) -> Follow:
    def follow(items: Iterable[Frame | Outage]) -> Generator[Item]:
        items = sources.turned(items, settings.rotate, settings.mirror)
        items = sources.limited(items, settings.frames) if settings.frames else items
        return recognizer.watch(items)

    return follow


def open_window(
    settings: Settings, stop: Callable[[], None], stopped: Callable[[], bool]
) -> WindowSink | None:
    """Return a window where one is wanted; raises ``SinkError`` where it's demanded in vain."""
    if settings.display == "off":
        return None
    problem = display_problem()
    if problem and settings.display == "on":
        raise SinkError(
            f"window: expected a display, found that {problem}, or run with '--display off'"
        )
    if problem and is_desktop():
        log.warning("no window: %s, or run with '--display off'", problem)
    return None if problem else WindowSink(stop, stopped)
