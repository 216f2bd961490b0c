"""The command line: ``python -m edge run``, ``doctor`` and ``info MODEL``.

The only place that prints results or sets the exit code.
"""

from __future__ import annotations

from edge.console import INTERRUPTED, complaint, started, starting

if __name__ == "__main__":
    starting()

import os
import signal
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, ArgumentCollection, CycloptsError, Parameter
from cyclopts.config import Toml

from edge.device import Device
from edge.doctor import examine, require, verdict
from edge.errors import EdgeError, SettingsError
from edge.notify import Manager
from edge.settings import Settings

if TYPE_CHECKING:
    from edge.assembly import Run
    from edge.loop import Stop
    from edge.session import Stretch, Wish

_ENVIRONMENT = {
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "2",  # seconds that a read may block; 10 otherwise
    "OPENCV_LOG_LEVEL": "SILENT",  # what goes wrong is said in one line of our own
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_flags;prefer_tcp",  # UDP loses parts of pictures
    "QT_LOGGING_RULES": "*.warning=false",  # its window misses fonts that the overlay does not use
}
"""OpenCV reads these when it is imported, so that nothing above may import it."""


def read_settings_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill in what the command line leaves open from the TOML file that ``--config`` names."""
    paths = [a.tokens[0].value for a in arguments if a.name == "--config" and a.tokens]
    for path in paths:
        if not Path(path).is_file():
            raise SettingsError(f"{path}: expected a settings file (TOML), found none; check it")
        try:
            _check_keys(path)
            Toml(path, use_commands_as_keys=False)(app, commands, arguments)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"{path}: expected a settings file in TOML, found {error}; mend that line"
            ) from error


def _check_keys(path: str) -> None:
    """Refuse a table that isn't one of ours: one named like a command would be passed over."""
    with Path(path).open("rb") as file:
        keys = {key.replace("-", "_") for key in tomllib.load(file)}
    unknown = sorted(keys - set(Settings.__dataclass_fields__))
    if unknown:
        known = ", ".join(Settings.__dataclass_fields__)
        raise SettingsError(
            f"{path}: expected {known}, found {', '.join(unknown)}; "
            "write options at the top level, without a table of their own"
        )


app = App(
    name="edge",
    help="Finds faces and names their expressions, in real time.",
    config=read_settings_file,
    default_parameter=Parameter(negative=()),
    result_action="return_value",
    version_flags=(),
)


@app.command
def run(
    settings: Annotated[Settings, Parameter(name="*")] = Settings(),  # noqa: B008 - it's frozen
    *,
    config: Path | None = None,
    reread: Annotated[Callable[[], Settings], Parameter(parse=False)],
) -> int:
    """Show and record the expressions of the faces that a camera or a file shows.

    q, Esc or Ctrl-C ends it; a summary is printed at the end. SIGHUP rereads the settings file.

    Parameters
    ----------
    config
        A settings file (TOML) with any of these options; the command line goes before it.
    """
    _prepare_opencv()
    from edge import assembly, session  # noqa: PLC0415 - they import OpenCV

    problems: list[EdgeError] = []

    def report(problem: EdgeError) -> None:
        problems.append(problem)
        _complain(problem)

    def refuse(problem: EdgeError) -> None:
        _complain(f"settings not taken, the old ones go on: {problem}")

    def finished(stretch: Stretch) -> None:
        _say(stretch.parts.stats.summary(_facts(stretch.parts, stretch.settings)))

    with Manager() as manager:
        assemble = partial(
            assembly.assemble,
            say=_say,
            report=report,
            show=manager.status if manager.present else _say,
        )
        whole = session.Session(assemble, reread, manager, report, refuse, finished)
        first = whole.build(settings)
        _end_on_signals(whole.stop)
        if config:
            _on_hang_up(whole.reload)
        whole.run(first)
    return problems[0].exit_code if problems else 0


def _end_on_signals(stop: Stop) -> None:
    """Let the first signal end the loop in good order, and the second one end it at once."""

    def end(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the last: a terminal or an SSH session closes
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)


def _on_hang_up(reload: Wish) -> None:
    """Let SIGHUP reread the settings, as services do."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: reload.set())


def _settings(tokens: Sequence[str]) -> Settings:
    """Read the settings of this command line and its file anew, and check that they can work.

    Raises ``SettingsError``.
    """
    try:
        _, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
        return require(bound.arguments.get("settings", Settings()), Device())
    except (CycloptsError, OSError) as error:
        raise SettingsError(complaint(error)) from error


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
def info(model: Path) -> int:
    """Print the contract and the tensors of a model file.

    Parameters
    ----------
    model
        A .tflite file.
    """
    _prepare_opencv()
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


def _facts(parts: Run, settings: Settings) -> Mapping[str, str]:
    return {
        "source": parts.source.description,
        "interpreter": parts.interpreter,
        "detector": parts.detector,
        "model": str(settings.model),
        "outputs": ", ".join(map(str, settings.output)) or "none",
    }


def _prepare_opencv() -> None:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def _say(line: str) -> None:
    print(line, flush=True)


def _complain(problem: object) -> None:
    print(f"edge: {complaint(problem)}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every failure is one line on stderr."""
    tokens = sys.argv[1:] if arguments is None else list(arguments)
    try:
        command, bound, ignored = app.parse_args(tokens, exit_on_error=False, print_error=False)
        more = {"reread": partial(_settings, tokens)} if "reread" in ignored else {}
        code = command(*bound.args, **bound.kwargs, **more)
    except CycloptsError as error:
        _complain(error)
        return SettingsError.exit_code
    except EdgeError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:  # before or after the loop, which takes the signal itself
        return INTERRUPTED
    except OSError as error:  # a name that is too long, standard output closed or full
        if not isinstance(error, BrokenPipeError):
            _complain(error)
        # What is still in the buffer can't be written either: not when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EdgeError.exit_code
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    started()
    sys.exit(main())
