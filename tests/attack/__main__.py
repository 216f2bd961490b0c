"""``make attack``: try everything, one line of JSON for each attack, and a sum for each part.

Each part that was tried whole gets its row in tests/attack/result.json and in the table of
docs/reliability.md.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.documents import filled
from edge.files import write_text
from tests.attack import (
    connections,
    data,
    ends,
    fuzz_media,
    fuzz_models,
    fuzz_page,
    kills,
    models,
    page,
    pictures,
    reconnects,
    settings,
    signals,
    streams,
    videos,
)
from tests.attack.case import Result
from train import provenance
from train.results import write_rows
from train.tables import markdown

Part = Callable[[bool, int], Iterator[Result]]
"""Takes whether a sample of three minutes is enough, and the seed."""
_MOST_MIB = 4096
"""What a process may have, this one and all that it starts; many have less."""
RESULT, DOCUMENT = Path("tests/attack/result.json"), Path("docs/reliability.md")
PARTS: Mapping[str, Part] = {
    "settings": settings.attack,
    "data": data.attack,
    "pictures": pictures.attack,
    "videos": videos.attack,
    "models": models.attack,
    "streams": streams.attack,
    "page": page.attack,
    "fuzz-media": fuzz_media.attack,
    "fuzz-models": fuzz_models.attack,
    "fuzz-page": fuzz_page.attack,
    "ends": ends.attack,
    "signals": signals.attack,
    "kills": kills.attack,
    "reconnects": reconnects.attack,
    "connections": connections.attack,
}


def main(arguments: Sequence[str]) -> int:
    """Attack, print, and return 1 where something failed."""
    parser = argparse.ArgumentParser(prog="make attack", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--sample", action="store_true", help="what 'make test' tries")
    parser.add_argument("--seed", type=int, default=0, help="of the fuzzers")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"expected {', '.join(PARTS)}, found {', '.join(sorted(unknown))}")
    parts = chosen.parts or list(PARTS)
    if len(parts) > 1:  # each in a process of its own, which has nothing left of another
        options = [*["--sample"] * chosen.sample, f"--seed={chosen.seed}"]
        command = [sys.executable, "-m", "tests.attack", *options]
        return max(subprocess.run([*command, part], check=False).returncode for part in parts)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:  # by a shell or nohup, and so for children
            signal.signal(number, signal.default_int_handler)
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MIB << 20, -1))
    row = {
        **attack(parts[0], chosen.sample, chosen.seed),
        **provenance.origin(),
        "seed": chosen.seed,
    }
    print("{name:<14} {passed:5} of {tried:5} passed   {seconds:5} s".format_map(row))
    if not chosen.sample:
        record(row)
    return int(row["passed"] < row["tried"])


def attack(name: str, sample: bool, seed: int) -> dict[str, Any]:
    """Try one part, print a line for each attack, and return the sum."""
    began = time.monotonic()
    results = []
    for result in PARTS[name](sample, seed):
        print(result.line(), flush=True)
        results.append(result)
    tried, failed = sum(r.count for r in results), sum(r.failed for r in results)
    return {
        "name": name,
        "tried": tried,
        "passed": tried - failed,
        "seconds": round(time.monotonic() - began),
        "peak_mib": round(max(result.peak_mib for result in results)),
        "failures": [json.loads(result.line()) for result in results if result.problems],
    }


def record(row: Mapping[str, Any]) -> None:
    """Put ``row`` in the place of the one that the part had, and write the table."""
    before = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else []
    known = {row["name"]: row for row in (*before, row)}
    recorded = [known[name] for name in PARTS if name in known]
    write_rows(RESULT, recorded)
    text = DOCUMENT.read_text(encoding="utf-8")
    write_text(DOCUMENT, filled(text, {"attack": table(recorded)}.get))


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return ``rows`` as a Markdown table with a line that says how it was made."""
    cells = [
        (
            *(row["name"], f"{row['tried']:,}", f"{row['passed']:,}"),
            *(f"{row['seconds']:,} s", f"{row['peak_mib'] or '–'}", row["commit"], row["date"]),
        )
        for row in rows
    ]
    columns = ("attack", "tried", "passed", "took", "most MiB resident", "commit", "date")
    machines = "; ".join(sorted({row["machine"] for row in rows}))
    seeds = ", ".join(sorted({str(row["seed"]) for row in rows}))
    return f"{markdown(columns, cells)}\n\nWritten by `make attack` on {machines}; seed {seeds}.\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
