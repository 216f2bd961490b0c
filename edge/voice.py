"""What a command says: lines, the status, what goes wrong, and the summary at its end."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from edge.console import complaint
from edge.errors import EdgeError
from edge.speaker import Speaker
from edge.startup import EMPTY

if TYPE_CHECKING:
    from edge.assembly import Run
    from edge.session import Stretch
    from edge.settings import Settings

_PATIENCE = 0.3
"""How long what ends waits for those who listen to each of its streams, seconds."""


class Voice:
    """Says what a run has to say; that nobody hears it ends nothing, and holds nothing up.

    ``code`` is what the run exits with: that of the first problem. The summary that nobody hears is
    one.
    """

    def __init__(self, name: str) -> None:
        """Speak as the command called ``name``."""
        self.code = 0
        self._name = name
        self._summed_up = False
        self._out, self._err = Speaker(sys.stdout), Speaker(sys.stderr)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for those who listen, but not long."""
        try:
            if not self._out.finish(_PATIENCE):
                self._unheard(
                    f"standard output: expected a reader, found none for {_PATIENCE} s; "
                    "read it, or send it to a file or /dev/null"
                )
        except OSError as error:
            self._unheard(error)
        with suppress(OSError):
            self._err.finish(_PATIENCE)

    def leave(self) -> int:
        """End here, in the place of ``run``; return the exit code."""
        self.__exit__()
        return self.code

    def show(self, line: str) -> None:
        """Say the status on standard output; raises ``OSError``."""
        self._out.say(line)

    def say(self, line: str) -> None:
        """Say a line on standard output."""
        try:
            self._out.say(line)
        except OSError as error:
            self._unheard(error)

    def complain(self, problem: object) -> None:
        """Say in one line what is wrong."""
        with suppress(OSError):  # a terminal that was closed: there is nobody to tell
            self._err.say(f"{self._name}: {complaint(problem)}")

    def report(self, problem: EdgeError) -> None:
        """Say what has ended a part of the run."""
        self.code = self.code or problem.exit_code  # not the problem: it would keep the parts
        self.complain(problem)

    def refuse(self, problem: EdgeError) -> None:
        """Say why new settings are not taken."""
        self.complain(f"settings not taken, the old ones go on: {problem}")

    def finished(self, stretch: Stretch, by_itself: bool) -> None:
        """Sum up a stretch that has ended, ``by_itself`` or because somebody wished it."""
        self._summed_up = True
        stats = stretch.parts.stats
        cut = not by_itself and stats.frames > 0 and not stats.live
        facts = {"stopped": "as asked, before the end of the source"} if cut else {}
        self.say(stats.summary({**_facts(stretch.parts, stretch.settings), **facts}))

    def leave_nothing_unsaid(self) -> None:
        """Say so where there is nothing to sum up."""
        if not self._summed_up:
            with suppress(OSError):
                self._err.say(EMPTY)

    def _unheard(self, problem: object) -> None:
        """Give standard output up, and say why unless its reader has left."""
        self.code, self._out = self.code or EdgeError.exit_code, Speaker(None)
        if not isinstance(problem, BrokenPipeError):
            self.complain(problem)


def _facts(parts: Run, settings: Settings) -> Mapping[str, str]:
    return {
        "source": parts.source.description,
        "interpreter": parts.interpreter,
        "detector": parts.detector,
        "model": str(settings.model_path),
        "outputs": ", ".join(map(str, settings.output)) or "none",
    }
