"""The command line: ``python -m edge run``, ``doctor`` and ``info MODEL``.

The only place that sets the exit code, but for a signal before a run (``edge.startup``). A run
prints through ``Voice``, the other commands here.
"""

from __future__ import annotations

from edge.startup import INTERRUPTED, started, starting_edge

if __name__ == "__main__":
    starting_edge()

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from edge import __version__
from edge.console import command_name, complaint
from edge.device import Device
from edge.doctor import LIBRARIES, examine, require, verdict
from edge.errors import EdgeError, SettingsError
from edge.notify import Manager
from edge.settings import Settings, expanded
from edge.signals import end_on_signals, has_terminal, on_hang_up
from edge.voice import Voice

try:
    from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

    from edge.settings_file import read_settings_file, refuse_other_numbers
except ImportError as missing:
    sys.exit(f"{command_name(sys.argv[0])}: expected its library, found: {missing}; {LIBRARIES}")

_ENVIRONMENT = {
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "2",  # seconds that a read may block; 10 otherwise
    "OPENCV_LOG_LEVEL": "SILENT",  # what goes wrong is said in one line of our own
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    # A stream that is being opened, for seconds, would lock out a video that is begun or finished.
    # FFmpeg built with POSIX threads needs no such lock; OpenCV's for Windows may.
    "OPENCV_FFMPEG_IS_THREAD_SAFE": "1" if os.name == "posix" else "0",
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_flags;prefer_tcp",  # UDP loses parts of pictures
    "QT_LOGGING_RULES": "*.warning=false",  # its window misses fonts that the overlay does not use
}
"""OpenCV reads these when it is imported, so that nothing above may import it."""


_NAME = command_name(sys.argv[0])
app = App(
    name=_NAME,
    help="Finds faces and names their expressions, in real time.",
    config=(read_settings_file, refuse_other_numbers),
    default_parameter=Parameter(negative=()),
    result_action="return_value",
    version=f"{_NAME} {__version__}",
)


@app.command
def run(
    settings: Annotated[Settings, Parameter(name="*")] = Settings(),  # noqa: B008 - it's frozen
    *,
    config: Path | None = None,
    reread: Annotated[Callable[[Settings], Settings], Parameter(parse=False)],
) -> int:
    """Show and record the expressions of the faces that a camera or a file shows.

    q, Esc or Ctrl-C ends it; a summary is printed at the end. As a service, or started without a
    terminal, a camera or a stream goes on with what its settings file says when SIGHUP comes.

    Parameters
    ----------
    config
        A settings file (TOML) with any of these options; the command line goes before it.
    """
    _prepare_opencv()
    from edge import assembly, session  # noqa: PLC0415 - they import OpenCV

    with Manager() as manager, Voice(_NAME) as voice:
        assemble = partial(
            assembly.assemble,
            say=voice.say,
            report=voice.report,
            show=manager.status if manager.present else voice.show,
        )
        whole = session.Session(
            assemble, reread, manager, voice.report, voice.refuse, voice.finished, voice.leave
        )
        end_on_signals(whole.stop)
        if config and (manager.present or not has_terminal()):
            on_hang_up(whole.reload.set)
        whole.prepare(settings)
        whole.run()
        voice.leave_nothing_unsaid()
    return voice.code


def _reread(tokens: Sequence[str], old: Settings) -> Settings:
    """Read the settings of this command line and its file anew, in the place of the ``old`` ones.

    Raises ``SettingsError`` where something can't work that is only seen when it is opened. The
    source that is open is not looked at: it may be lost at this moment.
    """
    try:
        _, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
        settings: Settings = bound.arguments.get("settings", Settings())
        names = ("outputs",) if settings.source == old.source else ("source", "outputs")
        require(names, settings, Device())
    except (CycloptsError, OSError) as error:
        raise SettingsError(complaint(error)) from error
    return settings


@app.command
def doctor(
    settings: Annotated[Settings, Parameter(name="*")] = Settings(),  # noqa: B008 - it's frozen
    *,
    config: Path | None = None,
) -> int:
    """Say what this machine has for a run with these options, and what mends what is missing.

    Opens no camera and no connection, and writes nothing. The exit code is 0 where the run can
    work.

    Parameters
    ----------
    config
        A settings file (TOML) with any of these options; the command line goes before it.
    """
    del config  # read_settings_file has used it
    _prepare_opencv()
    findings = examine(settings, Device())
    for finding in findings:
        _say(finding.line())
    _say(verdict(findings))
    return int(any(finding.state == "problem" for finding in findings))


@app.command
def info(model: Path | None = None) -> int:
    """Print the contract and the tensors of a model file.

    Parameters
    ----------
    model
        A .tflite file. Without it, the one that a run has by default.
    """
    _prepare_opencv()
    model = (Settings(model=Path(expanded(model))) if model else Settings()).model_path
    from edge.classifier import load_classifier  # noqa: PLC0415 - imports OpenCV
    from edge.interpreter import open_model, read_model_file  # noqa: PLC0415 - imports NumPy

    classifier = load_classifier(model)
    opened = open_model(read_model_file(model), model.name)
    _say(f"{model}, opened with {classifier.runtime}")
    for kind, tensors in (("input", opened.inputs), ("output", opened.outputs)):
        for tensor in tensors:
            quantised = f", scale {tensor.scale:.6g}, zero point {tensor.zero_point}"
            _say(f"{kind} {tensor.name}: {tensor.dtype}{list(tensor.shape)}{quantised}")
    _say(classifier.contract.to_json())
    return 0


def _prepare_opencv() -> None:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def _say(line: str) -> None:
    print(line, flush=True)


def _complain(problem: object) -> None:
    with Voice(_NAME) as voice:
        voice.complain(problem)


def _give_output_up(error: OSError) -> None:
    """Say what is wrong with standard output, unless its reader has left, and send it nowhere."""
    if not isinstance(error, BrokenPipeError):
        _complain(error)
    # What is still in the buffer can't be written either: not when the interpreter ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every failure is one line on stderr."""
    tokens = sys.argv[1:] if arguments is None else list(arguments)
    try:
        command, bound, ignored = app.parse_args(tokens, exit_on_error=False, print_error=False)
        more = {"reread": partial(_reread, tokens)} if "reread" in ignored else {}
        code = command(*bound.args, **bound.kwargs, **more)
    except UnusedCliTokensError as error:
        stray = (error.unused_tokens or [""])[0]
        _complain(f"{stray}: expected the name of an option before it, found none; see --help")
        return SettingsError.exit_code
    except CycloptsError as error:
        _complain(f"{str(error).rstrip('.')}; see --help")
        return SettingsError.exit_code
    except EdgeError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:  # of another command, or before a run, which takes the signal itself
        return INTERRUPTED
    except OSError as error:  # a name that is too long, standard output closed or full
        _give_output_up(error)
        return EdgeError.exit_code
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    started()
    sys.exit(main())
