"""Reads sources on standard input, a line each, through the public API; answers a line of JSON.

``python -m tests.attack.media_worker``, with the edge's packages alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from edge import Recognizer
from edge.errors import EdgeError
from edge.events import Event

_FRAMES = 12
"""That are looked at of one source."""


class LostError(Exception):
    """A stream that gave frames gives none any more."""


def end(event: Event) -> None:
    """End the stream, which would wait for it to come back."""
    if event.kind == "source_lost":
        raise LostError


def outcome(recognizer: Recognizer, source: str) -> dict[str, object]:
    """Return what becomes of one source."""
    frames, error, foreign = 0, "", False
    try:
        for _, result in recognizer.stream(source, on_event=end):
            result.to_dict()
            frames += 1
            if frames >= _FRAMES:
                break
    except LostError:
        pass
    except EdgeError as problem:
        error = str(problem)
    except BaseException as problem:  # noqa: BLE001 - that is what is looked for
        error, foreign = f"{type(problem).__name__}: {problem}", True
    return {"frames": frames, "error": error[:500], "foreign": foreign, "peak_mib": peak_mib()}


def peak_mib() -> int:
    """Return the largest resident memory of this process.

    What ``getrusage`` says includes that of the process that started it.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def main() -> None:
    """Answer until the input ends."""
    recognizer = Recognizer(min_face=0, workers=1)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(outcome(recognizer, line.rstrip("\n"))), flush=True)


if __name__ == "__main__":
    main()
