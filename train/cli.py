"""What the commands of train, convert and benchmarks share: quiet imports, and how they end."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
from typing import Any

import cyclopts
from rich.console import Console, RenderableType
from rich.text import Text

from edge.errors import EdgeError, first_line
from edge.protocols import Detector
from edge.text import LineFormatter, one_line, say, visible
from train.errors import TrainError
from train.native import native_stderr_hidden

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended."""


def run(app: cyclopts.App, *errors: type[Exception]) -> None:
    """Run ``app`` on the command line and exit.

    ``TrainError``, ``EdgeError``, ``OSError`` and ``errors`` become one line on standard error and
    their ``exit_code``. Ctrl-C exits with 130, and so does SIGTERM, which ends the work as well.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(handlers=[handler])
    logging.raiseExceptions = False  # work goes on when nobody reads of it
    for package in ("train", "convert"):
        logging.getLogger(package).setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app.suppress_keyboard_interrupt = False  # it would exit without a word
    expected: tuple[type[Exception], ...] = (TrainError, EdgeError, *errors)
    try:
        status = app(exit_on_error=False, print_error=False, result_action="return_value")
    except cyclopts.CycloptsError as error:
        _fail(f"{one_line(error)}; see --help", 2)
    except expected as error:
        _fail(error, getattr(error, "exit_code", 1))
    except OSError as error:
        _fail(
            f"{error.filename or 'standard output'}: expected to use it, found: "
            f"{error.strerror or first_line(error)}; check the path, its permissions and the disk",
            1,
        )
    except KeyboardInterrupt:
        _fail("stopped", INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


class PlainConsole(Console):
    """Shows texts as they are: what looks like markup in a name is none."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return ``text``, made visible."""
        return super().render_str(visible(text), **options | {"markup": False, "emoji": False})


def show(what: RenderableType) -> None:
    """Print a table, or several parts, on standard output."""
    PlainConsole().print(what)


def import_tensorflow(to_train: bool = False) -> None:
    """Import TensorFlow without its remarks on libraries that it did not find.

    ``to_train`` asks for oneDNN's convolutions, which make an epoch shorter and a single image
    slower on processors without int8 or bfloat16 instructions, where it doesn't use them by itself.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if to_train:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with native_stderr_hidden():
        tensorflow = importlib.import_module("tensorflow")
    tensorflow.get_logger().setLevel("ERROR")


def _fail(problem: object, status: int) -> None:
    say(str(problem), file=sys.stderr)
    sys.exit(status)


def blazeface() -> Detector:
    """Open the runtime's own detector; what it says to standard error is for nobody."""
    from edge.vision.blazeface import BlazeFace  # noqa: PLC0415 - loads OpenCV

    with native_stderr_hidden():
        return BlazeFace()
