"""What every command does, whichever it is: Ctrl-C and odd encodings are no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.train.archives import dataset, write_files

INTERRUPTED_AT = """
import os, runpy, signal, sys

module, name, before = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)

def interrupt(event, arguments):
    if event == "import" and arguments[0] == name:
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler if before == "on" else signal.SIG_IGN)
sys.addaudithook(interrupt)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def interrupted(repository: Path, *arguments: str, before: str) -> subprocess.CompletedProcess[str]:
    """``python -m`` the first argument with --help, and Ctrl-C at the import of the second."""
    return subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT, *arguments, before, "--help"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("module", "name"),
    [("edge", "edge.cli"), ("edge", "cyclopts"), ("train", "cyclopts"), ("convert", "cyclopts")],
)
def test_ctrl_c_during_the_imports_ends_without_a_word(
    module: str, name: str, repository: Path
) -> None:
    done = interrupted(repository, module, name, before="on")
    assert done.returncode in (-signal.SIGINT, 130)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("module", ["edge", "train", "convert"])
def test_a_job_in_the_background_is_not_interrupted(module: str, repository: Path) -> None:
    done = interrupted(repository, module, "cyclopts", before="off")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("train", "data", "--archive", "new", "--images", "here"), 0, "images/train ? train"),
        (("convert", "--model", "none.h5"), 1, "converting none.h5"),
    ],
)
def test_an_encoding_without_our_signs_is_no_failure(
    command: tuple[str, ...], code: int, said: str, repository: Path, tmp_path: Path
) -> None:
    write_files(tmp_path / "new", dataset())
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert said in done.stdout


TERMINATED = """
import os, signal
import cyclopts
from train.cli import run
app = cyclopts.App()

@app.default
def command() -> None:
    os.kill(os.getpid(), signal.SIGTERM)

run(app)
"""


def test_sigterm_ends_the_work_like_ctrl_c(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TERMINATED],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (130, "stopped\n")
