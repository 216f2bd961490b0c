"""How the commands that train, convert and measure end: one line on failure, never a traceback."""

from __future__ import annotations

import importlib
import os
import signal
import sys

import cyclopts

from edge.console import complaint, held_back
from edge.errors import EdgeError
from edge.startup import INTERRUPTED, started
from train.errors import TrainError


def run(app: cyclopts.App, *errors: type[Exception]) -> None:
    """Run ``app`` on the command line and exit.

    ``TrainError``, ``EdgeError``, ``OSError`` and ``errors`` become one line on standard error and
    their ``exit_code``. Ctrl-C exits with 130, and so does SIGTERM, which ends the work as well.
    """
    started()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app.suppress_keyboard_interrupt = False  # it would exit without a word
    expected: tuple[type[Exception], ...] = (TrainError, EdgeError, OSError, *errors)
    try:
        status = app(exit_on_error=False, print_error=False, result_action="return_value")
    except cyclopts.CycloptsError as error:
        _fail(f"{complaint(error)}; see --help", 2)
    except expected as error:
        _fail(error, getattr(error, "exit_code", 1))
    except KeyboardInterrupt:
        _fail("stopped", INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


def import_tensorflow(to_train: bool = False) -> None:
    """Import TensorFlow without what it says of libraries it did not find, or of retracing.

    ``to_train`` asks for oneDNN's convolutions, which it uses by itself on processors with int8 or
    bfloat16 instructions alone. Without these an epoch takes longer through its own, but a single
    image less time.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if to_train:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with held_back():
        tensorflow = importlib.import_module("tensorflow")
    tensorflow.get_logger().setLevel("ERROR")


def _fail(problem: object, status: int) -> None:
    print(complaint(problem), file=sys.stderr)
    sys.exit(status)
