"""What a Prometheus server reads of a run."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from edge.web.board import BUCKETS, FILES, Board, Channel

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SOURCE = ("source",)


def text(board: Board, viewers: int) -> bytes:
    """Return the counts of ``board`` in the format of Prometheus; ``viewers`` look now."""
    registry = CollectorRegistry()
    registry.register(_Metrics(board, viewers))
    return generate_latest(registry)


class _Metrics(Collector):
    def __init__(self, board: Board, viewers: int) -> None:
        self._board, self._viewers = board, viewers

    def describe(self) -> Iterator[Metric]:
        """Name nothing before it is asked for."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with a sample for each source."""
        channels = list(self._board.channels.values())
        yield from _counters(channels)
        yield from self._gauges(channels)
        yield _faces(channels)
        yield _latency(channels)
        events = CounterMetricFamily("expressions_events", "What happened.", labels=("kind",))
        for kind, count in dict(self._board.told).items():
            events.add_metric((kind,), count)
        yield events
        yield GaugeMetricFamily(
            "expressions_web_viewers", "Who looks at a picture now.", self._viewers
        )

    def _gauges(self, channels: list[Channel]) -> Iterator[Metric]:
        people = GaugeMetricFamily(
            "expressions_people", "Faces in the newest frame.", labels=_SOURCE
        )
        age = GaugeMetricFamily(
            "expressions_frame_age_seconds", "Age of the newest frame.", labels=_SOURCE
        )
        up = GaugeMetricFamily("expressions_source_up", "1 while frames come.", labels=_SOURCE)
        for channel in channels:
            name, moment = (channel.name,), channel.moment
            faces = len(moment.shown[1].faces) if moment.shown and not moment.outage else 0
            people.add_metric(name, faces)
            up.add_metric(name, 0 if moment.outage else 1)
            if moment.shown:
                age.add_metric(name, self._board.age(moment.since))
        return iter((people, age, up))


def _counters(channels: list[Channel]) -> Iterator[Metric]:
    frames = CounterMetricFamily("expressions_frames", "Frames with a result.", labels=_SOURCE)
    dropped = CounterMetricFamily(
        "expressions_dropped_frames", "Frames that were left out.", labels=_SOURCE
    )
    outages = CounterMetricFamily("expressions_outages", "Times without frames.", labels=_SOURCE)
    for channel in channels:
        frames.add_metric((channel.name,), channel.frames)
        dropped.add_metric((channel.name,), channel.dropped)
        outages.add_metric((channel.name,), channel.outages)
    return iter((frames, dropped, outages))


def _faces(channels: list[Channel]) -> Metric:
    faces = CounterMetricFamily(
        "expressions_faces", "Faces in all frames.", labels=("source", "expression")
    )
    for channel in channels:
        for label, count in dict(channel.faces).items():
            faces.add_metric((channel.name, label), count)
    return faces


def _latency(channels: list[Channel]) -> Metric:
    latency = HistogramMetricFamily(
        "expressions_latency_seconds", "From capture to result, live sources.", labels=_SOURCE
    )
    for channel in (channel for channel in channels if channel.name != FILES):
        total, buckets = 0, []
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), channel.latencies, strict=True):
            total += count
            buckets.append((bound, total))
        latency.add_metric((channel.name,), buckets, channel.latency_sum)
    return latency
