"""Builds the parts of a run from its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any

from edge import sinks, sources
from edge.errors import SinkError
from edge.recognizer import Recognizer
from edge.run.stats import Stats
from edge.settings import Settings
from edge.sinks.console import StatusLine
from edge.sinks.shared import Annotated, Guarded
from edge.sinks.window import WindowSink, display_problem
from edge.types import Frame, Outage, Sink, Source

_NAME_LETTERS = 28
"""Of a source in an overlay: more would not fit into a line of a small picture."""


def _with_options() -> type[Settings]:
    """``Settings`` with a table for each adapter that has options."""
    tables = {adapter.table: adapter.options for adapter in sources.ADAPTERS if adapter.options}
    made = make_dataclass(
        "RunSettings",
        [(name, options, field(default_factory=options)) for name, options in tables.items()],
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


@dataclass(frozen=True)
class Run:
    """The parts of one run, none of them open."""

    settings: Settings
    source: Source
    recognizer: Recognizer
    sinks: tuple[Sink, ...]
    stats: Stats
    guards: tuple[Guarded, ...]

    @contextmanager
    def frames(self) -> Iterator[Iterator[Frame | Outage]]:
        """Open the source and give its frames, turned, as many as the settings want."""
        settings = self.settings
        with self.source as opened:
            items = sources.turned(opened, settings.rotate, settings.mirror)
            yield sources.limited(items, settings.frames) if settings.frames else items

    @property
    def exit_code(self) -> int:
        """That of the first sink that failed, 0 where none did."""
        return next((sink.exit_code for sink in self.guards if sink.exit_code), 0)

    def facts(self) -> Mapping[str, str]:
        """Return what a summary says of the parts."""
        return {
            "source": self.source.description,
            "interpreter": self.recognizer.interpreter,
            "detector": self.recognizer.detector,
            "model": str(self.settings.model_path),
            "outputs": ", ".join(map(str, self.settings.output)) or "none",
        }


def open_recognizer(settings: Settings) -> Recognizer:
    """Open the recognizer that ``settings`` ask for; raises ``EdgeError``."""
    return Recognizer(
        settings.model_path,
        detector=settings.detector,
        detector_model=settings.detector_path,
        min_score=settings.min_score,
        min_face=settings.min_face,
        search_budget=settings.search_budget,
        tracking=settings.tracking,
        threads=settings.threads,
        workers=settings.parallel,
        detect_every=settings.detect_every,
        budget=settings.budget,
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
    options = adapter_options(settings)
    endless = window is not None or settings.frames > 0
    source = sources.open_source(settings.source, options, endless)
    records, videos = _outputs(settings, recognizer)
    views = (Guarded(window),) if window else ()
    parts: list[Sink] = [stats, *records]
    if views or videos:
        parts.append(
            Annotated(views, videos, lambda: f"{stats.status()} · {_source_state(source, stats)}")
        )
    if not window:
        line = StatusLine(stats.details, None if settings.output else stop, show)
        parts.append(Guarded(line))
    return Run(settings, source, recognizer, tuple(parts), stats, (*records, *videos, *views))


def _outputs(
    settings: Settings, recognizer: Recognizer
) -> tuple[tuple[Guarded, ...], tuple[Guarded, ...]]:
    """The outputs that take results, and those that take annotated pictures."""
    records: list[Guarded] = []
    videos: list[Guarded] = []
    for path in settings.output:
        adapter = sinks.find_adapter(path)
        sink = Guarded(adapter.open(path, recognizer.labels, settings))
        (videos if adapter.pictures else records).append(sink)
    return tuple(records), tuple(videos)


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
    return None if problem else WindowSink(stop, stopped)


def _source_state(source: Source, stats: Stats) -> str:
    name = source.name
    shown = name if len(name) <= _NAME_LETTERS else f"{name[: _NAME_LETTERS - 1]}…"
    return f"{shown}, {stats.dropped} dropped" if stats.dropped else shown
