"""``make attack``: try everything, one line of JSON for each attack, and a table at the end.

All parts together write tests/attack/result.json and the table of docs/reliability.md.
"""

from __future__ import annotations

import argparse
import json
import resource
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
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MIB << 20, -1))
    rows = [attack(name, chosen.sample, chosen.seed) for name in chosen.parts or PARTS]
    for row in rows:
        print("{name:<14} {passed:5} of {tried:5} passed   {seconds:5} s".format_map(row))
    if not chosen.parts and not chosen.sample:
        record({**provenance.origin(), "seed": chosen.seed, "parts": rows})
    return int(any(row["passed"] < row["tried"] for row in rows))


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


def record(found: Mapping[str, Any]) -> None:
    """Write the sums and the table."""
    write_text(RESULT, json.dumps(found, indent=1) + "\n")
    text = DOCUMENT.read_text(encoding="utf-8")
    write_text(DOCUMENT, filled(text, {"attack": table(found)}.get))


def table(found: Mapping[str, Any]) -> str:
    """Return the sums as a Markdown table with a line that says how it was made."""
    cells = [
        (
            *(row["name"], f"{row['tried']:,}", f"{row['passed']:,}"),
            *(f"{row['seconds']:,} s", f"{row['peak_mib'] or '–'}"),
        )
        for row in found["parts"]
    ]
    text = markdown(("attack", "tried", "passed", "took", "most MiB resident"), cells)
    return (
        f"{text}\n\nWritten by `make attack` on {found['machine']} (commit {found['commit']}, "
        f"{found['date']}), seed {found['seed']}.\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
