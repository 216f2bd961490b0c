"""``make soak``: two runs for hours, with a fault every ten minutes, and what they hold meanwhile.

A file source as fast as one core allows, and a camera on the network at 15 pictures a second with
lines, page, viewers and broker. Every 5 s memory, descriptors, threads and temporary files go into
soak.csv; at the end, or at Ctrl-C, the figures go into soak.json and a plot into soak.png. Not
tried: a step of the clock, which is the whole machine's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from benchmarks.documents import filled
from edge.files import write_text
from tests.edge.sinks.mosquitto import Broker, free_port
from tests.soak import judge, watch
from tests.soak.camera import Camera, pictures
from tests.soak.faults import Schedule, kinds, small_disk
from tests.soak.runs import Run, file_run, live_run
from tests.soak.viewers import Ages, looking
from train import provenance

RESULT, DOCUMENT = Path("tests/soak/result.json"), Path("docs/reliability.md")
EVERY = 5.0
"""Seconds from one sample to the next."""
_TICK = 0.2
_NOT_TRIED = "a step of the clock: it is the whole machine's"


class Soak:
    """Two runs and what happens to them; everything is ended when it is left."""

    def __init__(self, stack: ExitStack, place: Path, hours: float, every: float) -> None:
        """Start all of it in the folder ``place``, with a fault ``every`` so many seconds."""
        self.not_tried = [_NOT_TRIED]
        self.ages = Ages()
        camera = stack.enter_context(Camera(pictures()))
        page = free_port()
        disk = stack.enter_context(small_disk(place / "disk"))
        if disk is None:
            self.not_tried.append("a full disk: only root may mount a small one")
        broker = None
        if shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin"):
            (place / "broker").mkdir()
            broker = stack.enter_context(Broker(place / "broker"))
        else:
            self.not_tried.append("a broker: Debian's package mosquitto isn't installed")
        self.runs: list[Run] = []
        stack.callback(lambda: [run.end() for run in self.runs])
        self.runs.append(file_run(place, hours))
        self.runs.append(live_run(place, camera.url, page, disk, broker.url if broker else ""))
        stack.enter_context(looking(page, self.ages))
        self.schedule = Schedule([*kinds(camera, page, disk, broker)], every)
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.began

    def watch(self, table: watch.Table, until: float) -> None:
        """Take samples and let faults happen for so many seconds, or until a run ends."""
        due = 0.0
        while self.seconds < until:
            self.schedule.step(self.seconds)
            if self.seconds >= due:
                due += EVERY
                for run in self.runs:
                    row = watch.sample(
                        self.seconds, run.name, run.pid, run.temporary, self.schedule.name
                    )
                    if row is None:
                        return
                    table.add(row)
            time.sleep(_TICK)


def main(arguments: Sequence[str]) -> int:
    """Soak, write what was found, and return 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--fault-every", type=float, default=600.0, metavar="SECONDS")
    parser.add_argument("--output", type=Path, default=Path("build/soak"), metavar="FOLDER")
    chosen = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell had them ignored
        signal.signal(number, signal.default_int_handler)
    chosen.output.mkdir(parents=True, exist_ok=True)
    path = chosen.output / "soak.csv"
    origin = provenance.origin()
    with tempfile.TemporaryDirectory(prefix="soak-") as place:
        table = watch.Table(path)
        with ExitStack() as stack:
            soak = Soak(stack, Path(place), chosen.hours, chosen.fault_every)
            with suppress(KeyboardInterrupt):
                soak.watch(table, chosen.hours * 3600)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # half a minute, and all is ended
            lasted = soak.seconds
            soak.schedule.stop(lasted)
        table.close()
        figures = {**origin, **_figures(soak, watch.read(path), lasted)}
    times = [moment - soak.began for moment in soak.ages.times]
    judge.draw(chosen.output / "soak.png", watch.read(path), times, soak.ages, soak.schedule.faults)
    figures["problems"] = [*judge.problems(figures)]
    if lasted < chosen.hours * 3600:
        figures["problems"].append(f"lasted {lasted:.0f} of {chosen.hours * 3600:.0f} s")
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    (chosen.output / "soak.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    if lasted >= judge.JUDGED_FROM * 3600:
        record(figures)
    return int(bool(figures["problems"]))


def record(figures: Mapping[str, Any]) -> None:
    """Write the figures and the table of docs/reliability.md."""
    write_text(RESULT, json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    text = DOCUMENT.read_text(encoding="utf-8")
    write_text(DOCUMENT, filled(text, {"soak": judge.table(figures)}.get))


def _figures(soak: Soak, rows: Mapping[str, list[watch.Sample]], lasted: float) -> dict[str, Any]:
    faults = soak.schedule.faults
    times = [moment - soak.began for moment in soak.ages.times]
    filled = any(fault.kind == "disk full" for fault in faults)
    runs = {
        run.name: {
            "frames": run.frames(),
            "code": run.code,
            "right_code": int(filled and run.name == "live"),
            "said": run.said(),
            "unhandled": run.unhandled(),
            **judge.held(rows.get(run.name, [])),
        }
        for run in soak.runs
    }
    return {
        "hours": round(lasted / 3600, 3),
        "runs": runs,
        "age_ms": judge.age(times, soak.ages, faults),
        "faults": judge.outages(times, faults),
        "not_tried": soak.not_tried,
    }


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
