"""The command line: ``run``, ``scan``, ``doctor`` and ``info``. Sets the exit code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, CycloptsError, Parameter

from edge import __version__
from edge.device import Device
from edge.errors import EdgeError, SettingsError
from edge.recognizer import Recognizer
from edge.run import doctor as examination
from edge.run.build import Run, RunSettings, build
from edge.run.config import read_settings_file, refuse_other_values, take_addresses
from edge.run.loop import run as run_loop
from edge.run.process import native_noise_filtered, set_up_process
from edge.run.signals import INTERRUPTED, Signals, has_terminal, interrupt
from edge.run.systemd import Heartbeat, Manager
from edge.scan.settings import ScanSettings
from edge.settings import Settings, expanded
from edge.text import one_line, say
from edge.vision.classifier import load_classifier
from edge.vision.interpreter import open_model, read_model_file

_NAME = "expressions"
log = logging.getLogger(__name__)
app = App(
    name=_NAME,
    help="Finds faces and names their expressions, in real time.",
    config=(take_addresses, read_settings_file, refuse_other_values),
    default_parameter=Parameter(negative=()),
    result_action="return_value",
    version=f"{_NAME} {__version__}",
)
_DEFAULTS = RunSettings()
_Reread = Annotated[Callable[[], Settings], Parameter(parse=False)]
if TYPE_CHECKING:
    _Settings = Settings
    _ScanSettings = ScanSettings
else:
    _Settings = Annotated[RunSettings, Parameter(name="*")]
    _ScanSettings = Annotated[ScanSettings, Parameter(name="*")]


@app.command
def run(settings: _Settings = _DEFAULTS, *, config: Path | None = None, reread: _Reread) -> int:
    """Show and record the expressions of the faces that a camera or a file shows.

    q, Esc or Ctrl-C ends it; a summary is printed at the end. As a service, or started without a
    terminal, a run with a settings file starts again with what that says when SIGHUP comes.

    Parameters
    ----------
    config
        A settings file (TOML) with any of these options; the command line goes before it.
    """
    signals = Signals()
    with Manager() as manager:
        signals.install(reload=bool(config) and (manager.present or not has_terminal()))
        tell = partial(say, file=sys.stderr if _is_piped(settings) else None)
        show = manager.status if manager.present else tell
        with native_noise_filtered():
            parts = build(settings, signals.stop, lambda: signals.stopped or signals.accepted, show)
        reload = partial(_accepts_reload, signals, manager, reread, settings)
        code = _drive(parts, Heartbeat(manager), lambda: signals.stopped or reload(), tell)
        if not signals.stopped and signals.accepted:
            if sys.stdout is not None:
                sys.stdout.flush()
            signals.hand_over()
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return code


def _is_piped(settings: Settings) -> bool:
    """Whether standard output is for results: everything else goes to standard error then."""
    return Path("-") in (*settings.output, *settings.events)


def _drive(
    parts: Run, heartbeat: Heartbeat, stop: Callable[[], bool], tell: Callable[..., object]
) -> int:
    """Run the loop, print the summary, and return the exit code."""
    code = 0
    try:
        if not stop():
            run_loop(parts.lanes.results(), (*parts.sinks, heartbeat), stop)
    except EdgeError as error:
        if not stop():
            if not parts.stats.frames:
                raise
            code = _complain(error)
    if parts.stats.frames:
        if not parts.status.exit_code:  # else it is said that lines can't be printed
            tell(*parts.stats.summary(parts.facts()))
    else:
        log.warning("ended before the first frame")
    return code or parts.exit_code


def _accepts_reload(
    signals: Signals, manager: Manager, reread: Callable[[], Settings], old: Settings
) -> bool:
    """Return whether new settings are asked for and can work; say why where they can't.

    A source and outputs that stay are in use by this run, and not checked.
    """
    if not signals.take_reload():
        return signals.accepted
    manager.reloading()
    try:
        new = reread()
        new = replace(
            new,
            output=tuple(path for path in new.output if path not in old.output),
            events=tuple(path for path in new.events if path not in old.events),
        )
        names = ["model", "detector", "outputs", "publishers"] + ["source"] * (
            new.source != old.source
        )
        examination.require(names, new, Device())
    except EdgeError as error:
        _complain(error, "settings not taken, the old ones go on: ")
        manager.tell("READY=1")
        return False
    signals.accepted = True
    return True


@app.command
def scan(settings: _ScanSettings) -> int:
    """Write one table of all the videos and pictures in folders, on all cores or many machines.

    Called again, it goes on where it was. Ctrl-C ends it.
    """
    # Slow to import, and for this command alone.
    from edge.scan.export import export  # noqa: PLC0415
    from edge.scan.scan import Scan  # noqa: PLC0415

    interrupt()
    if settings.export:
        rows = export(Path(settings.source[0]), settings.export, settings.per)
        say(f"{rows} rows in {settings.export}")
        return 0
    with native_noise_filtered():
        labels = Recognizer.of(settings).labels
    try:
        return Scan(settings, labels, say).run()
    except KeyboardInterrupt:
        say("stopped; the same command goes on from here")
        return INTERRUPTED


@app.command
def doctor(settings: _Settings = _DEFAULTS, *, config: Path | None = None) -> int:
    """Say what this machine has for a run with these options, and what mends what is missing.

    Opens no camera and no connection, and writes nothing. The exit code is 0 where the run can
    work.

    Parameters
    ----------
    config
        A settings file (TOML) with any of these options; the command line goes before it.
    """
    del config  # read_settings_file has used it
    with native_noise_filtered():
        findings = examination.examine(settings, Device())
    for finding in findings:
        say(finding.line())
    say(examination.verdict(findings))
    return int(any(finding.state == "problem" for finding in findings))


@app.command
def info(model: Path | None = None) -> int:
    """Print the contract and the tensors of a model file.

    Parameters
    ----------
    model
        A .tflite file. Without it, the one that a run has by default.
    """
    path = (Settings(model=Path(expanded(model))) if model else Settings()).model_path
    with native_noise_filtered():
        classifier = load_classifier(path)
        opened = open_model(read_model_file(path), path.name)
    say(f"{path}, opened with {classifier.runtime}")
    for kind, tensors in (("input", opened.inputs), ("output", opened.outputs)):
        for tensor in tensors:
            quantised = f", scale {tensor.scale:.6g}, zero point {tensor.zero_point}"
            say(f"{kind} {tensor.name}: {tensor.dtype}{list(tensor.shape)}{quantised}")
    print(classifier.contract.to_json())  # ASCII
    return 0


def main(tokens: Sequence[str]) -> int:
    """Run the command line ``tokens`` and return its exit code; a failure is one line on stderr."""
    set_up_process(_NAME)
    try:
        code = _run_command(tokens)
    except KeyboardInterrupt:  # of ``scan``; a run takes the signal itself
        code = INTERRUPTED
    except OSError as error:
        code = _fail(error)
    try:
        if sys.stdout is not None:  # it may be closed
            sys.stdout.flush()
    except OSError as error:
        code = code or _fail(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left in it
    return code


def _run_command(tokens: Sequence[str]) -> int:
    try:
        command, bound, ignored = app.parse_args(tokens, exit_on_error=False, print_error=False)
        more = {"reread": partial(_parse, tokens)} if "reread" in ignored else {}
        code = command(*bound.args, **bound.kwargs, **more)
    except CycloptsError as error:
        return _complain(SettingsError(f"{one_line(error).rstrip('.')}; see --help"))
    except EdgeError as error:
        return _complain(error)
    return code if isinstance(code, int) else 0


def _fail(error: OSError) -> int:
    """Say what the system refused; nothing of standard output whose reader has left."""
    if isinstance(error, BrokenPipeError):
        return EdgeError.exit_code
    advice = "check the path, its permissions and the free space"
    return _complain(EdgeError(f"{one_line(error)}; {advice}"))


def _parse(tokens: Sequence[str]) -> Settings:
    """Return the settings of a command line and its settings file; raises ``SettingsError``."""
    try:
        _, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise SettingsError(one_line(error)) from error
    settings: Settings = bound.arguments.get("settings", _DEFAULTS)
    return settings


def _complain(error: EdgeError, beginning: str = "") -> int:
    """Say ``error`` in one line on standard error; return its exit code."""
    log.error("%s%s", beginning, error)
    return error.exit_code
