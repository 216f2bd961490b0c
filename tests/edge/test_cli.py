"""The command line as a user meets it: real processes, real files, the shipped model."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import av
import pytest

from edge import __version__
from edge.cli import main
from edge.run.build import RunSettings
from edge.settings import Recording, Tracking
from edge.sources.camera import CameraOptions
from edge.sources.demo import DemoSource, load_portraits
from edge.types import Box
from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT, finish, one_line, start


@pytest.fixture(scope="module")
def model(repository: Path) -> Path:
    return repository / "models" / "Finalmodel.tflite"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "--threads", "0"], 2, "threads: expected 1…64, found 0"),
        (["run", "--frames", "many"], 2, ": frames: expected a whole number, found many; give one"),
        (["run", "--min-face", "0x1"], 2, "min-face: expected a number, found 0x1; give one"),
        (["run", "a.mp4", "b.mp4"], 2, "a.mp4"),
        (
            ["run", "--config", "edge"],
            2,
            ": edge: expected a settings file in TOML, found: a folder",
        ),
        (
            ["run", "--config", os.devnull],
            2,
            ": expected a settings file in TOML, found: a pipe, a device",
        ),
        (["run", "--frames", "2.7"], 2, "frames: expected a whole number, found 2.7"),
        (["run", "--nonsense"], 2, "Unknown option"),
        (["run", "--output="], 2, ": output: expected a path, found nothing; give one"),
        (["run", "--model="], 2, ": model: expected a path, found nothing; give one"),
        (["run", "--tracking", "1"], 2, ": tracking: expected one of its options, found 1 for all"),
        (["run", "--\x1b[2J\n"], 2, r"\u001b[2J"),
        (["run", "--source", "demo", "--web", "9" * 5000], 2, ": web: expected [HOST:]PORT"),
        (
            ["run", "--detector", "haar"],
            2,
            "detector: expected blazeface or yunet or both or mediapipe, found 'haar'",
        ),
        (
            ["run", "--output", "a.txt", "--source", "demo"],
            2,
            "expected a name that ends in .jsonl",
        ),
        (["run", "--config", "none.toml"], 2, "none.toml: expected a settings file"),
        (["fly"], 2, "Unknown command"),
        (["run", "--model", "none.tflite"], 2, ": none.tflite: expected a .tflite file"),
        (["run", "--source", ""], 2, ": source: expected a name, found none"),
        (["run", "--source", "ftp://a/b"], 2, ": ftp://a/b: expected a camera's index"),
        (["info", "none.tflite"], 2, ": none.tflite: expected a .tflite file"),
    ],
)
def test_a_wrong_option_is_one_line_and_an_exit_code(
    arguments: Sequence[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert message in one_line(captured.err)
    assert captured.out == ""


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--source", "none.mp4"], 2, "none.mp4: expected a camera's index"),
        (["--source", "long" * 99], 2, "expected a camera's index"),
        (["--source", "97"], 1, "video97: expected a camera, found no such device"),
        (["--source", "/dev/video97"], 1, "video97: expected a camera, found no such device"),
        (
            ["--source", "/dev/v4l/by-id/none"],
            1,
            "by-id/none: expected a camera, found no such device",
        ),
        (["--source", "picamera"], 1, "run 'sudo apt install python3-picamera2' and make the"),
        (
            ["--source", "rtsp://me:secret@127.0.0.1:9/a"],
            1,
            "rtsp://127.0.0.1:9/a: expected a stream",
        ),
        (["--source", "pyproject.toml"], 2, "pyproject.toml: expected a video or a picture"),
        (["--source", "edge"], 2, "edge: expected pictures or videos, found none among"),
        (["--source", "demo", "--output", "LICENSE/a.jsonl"], 2, "LICENSE/a.jsonl: expected"),
        (["--source", "demo", "--output", "LICENSE/a.mp4"], 2, "LICENSE/a.mp4: expected"),
        (["--source", "demo", "--output", f"{'n' * 248}.csv"], 2, "found: File name too long"),
        (["--source", "demo", "--output", f"{'n' * 300}.csv"], 2, "found: File name too long"),
        (["--source", "demo", "--display", "on"], 1, "window: expected a display"),
    ],
)
def test_what_cannot_be_opened_is_one_line_and_an_exit_code(
    arguments: Sequence[str], code: int, message: str, repository: Path
) -> None:
    """2 for what only a person can mend: a service is not started again for it."""
    found, _, err = finish(start(repository, *arguments))
    assert found == code
    assert message in one_line(err)


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.endswith(f" {__version__}\n")


def refusal_of(path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a run says of ``text`` as its settings file at ``path``."""
    path.write_text(text)
    assert main(["run", "--config", str(path)]) == 2
    return one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tracking = 3", "expected a table [tracking], found tracking = …; write what belongs"),
        ("camera = [1]", "expected a table [camera], found camera = …"),
        ('recording = "all"', "expected a table [recording], found recording = …"),
        ("[run]\nthreads = 1", "expected source, output, per, events"),
        ("treads = 3", "expected source, output, per, events"),
        ("threads = ", "expected a settings file in TOML"),
        (
            f"threads = {'[' * 100}{']' * 100}",
            "expected a text, a number, true or false for threads, found a list",
        ),
        (
            f"threads = {'[' * 5000}{']' * 5000}",
            "expected a settings file in TOML, found: lists or tables",
        ),
        (
            f"threads = {'9' * 400}",
            "expected a settings file in TOML, found: a number of 1329 bits",
        ),
        (f"threads = {'9' * 5000}", "expected a settings file in TOML, found: Exceeds"),
        (
            f"threads = 0x{'f' * 5000}",
            "expected a settings file in TOML, found: a number of 20000 bits",
        ),
        (
            "tracking.margin.more = 1",
            "expected a text, a number, true or false for tracking.margin, found a table",
        ),
        (
            "source = [2026-11-29]",
            "expected a text, a number, true or false for source, found a date or time",
        ),
        (
            f"tracking{'.a' * 501} = 1",
            "expected a settings file in TOML, found: a line with more than 500 dots",
        ),
        ("x = 1\n" * 50_000, "expected a settings file in TOML, found: more than 256 kB"),
    ],
)
def test_a_settings_file_that_makes_no_sense_is_one_line(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.toml"
    assert f"{path}: {message}" in refusal_of(path, text, capsys)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("treads = 3", "found treads; write threads for it"),
        ("colour = 3", "found colour; take it out"),
        ("[web]\nadress = '80'", "[web]: expected address, hosts, token_file, found adress; write"),
        ("[web]\noutput = ['a.csv']", "found output; write it above the first line with [ ]"),
        ("threads = 1\nthreads = 2", "; change what is there"),
        ("[web]\n[web]", "; change what is there"),
    ],
)
def test_the_advice_fits_what_is_wrong_with_a_key(
    text: str, advice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert advice in refusal_of(tmp_path / "a.toml", text, capsys)


def test_a_desktop_without_a_window_is_told_why(repository: Path) -> None:
    done = subprocess.run(
        [PYTHON, "-m", "edge", "run", "demo", "--frames", "1"],
        cwd=repository,
        env=os.environ | {"DISPLAY": ":4711"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "expressions: no window: the display does not answer; check DISPLAY" in done.stderr


AS_NOBODY = """
import os, sys
from edge.cli import main
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("where", ["file", "folder"])
def test_a_settings_file_that_may_not_be_read_is_no_reason_to_start_again(
    where: str, repository: Path
) -> None:
    """As a service is another user than the one who wrote the password into it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.toml"
        path.write_text("threads = 1")
        path.chmod(0o000 if where == "file" else 0o644)
        Path(folder).chmod(0o755 if where == "file" else 0o000)
        done = subprocess.run(
            [PYTHON, "-B", "-c", AS_NOBODY, "run", "--config", str(path)],
            cwd=repository,
            capture_output=True,
            text=True,
            check=False,
        )
        Path(folder).chmod(0o755)
    assert done.returncode == 2
    expected = f"{path}: expected a settings file that this user may read, found: Permission denied"
    assert expected in one_line(done.stderr)
    assert f"'sudo chmod 644 {path}'" in done.stderr


def test_the_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    names = [f.name.replace("_", "-") for f in fields(RunSettings)]
    for name, table in (
        ("tracking", Tracking),
        ("camera", CameraOptions),
        ("recording", Recording),
    ):
        names.remove(name)
        names += [f"{name}.{f.name.replace('_', '-')}" for f in fields(table)]
    names.append("config")
    assert [name for name in names if f"--{name} " not in text] == []


def test_info_without_a_file_is_about_the_shipped_model(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info"]) == 0
    shipped = capsys.readouterr().out
    assert main(["info", str(repository / "models/Finalmodel.tflite")]) == 0
    assert shipped.splitlines()[1:] == capsys.readouterr().out.splitlines()[1:]


def test_info_prints_the_contract_and_the_tensors(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(model)]) == 0
    text = capsys.readouterr().out
    assert "uint8[1, 48, 48, 1], scale 1, zero point 0" in text
    contract = json.loads(text[text.index("{") :])
    assert (contract["height"], contract["channels"]) == (48, 1)


def test_the_demo_runs_by_itself_and_the_astronaut_is_happy(
    repository: Path, tmp_path: Path
) -> None:
    records, video = tmp_path / "a.jsonl", tmp_path / "a.mp4"
    outputs = ("--output", records, "--output", video)
    process = start(repository, "--source", "demo", *outputs)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("demo · ")
    assert "%" in line
    code, out, err = finish(process)
    assert (code, err) == (0, "")
    for word in ("demo (640×360)", "litert", "BlazeFace", "Finalmodel.tflite", "frames       300"):
        assert word in out
    for word in ("happy", "FPS", "detect", "classify", "total", "p95", "a.jsonl", "a.mp4"):
        assert word in out
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(300))
    demo = DemoSource(load_portraits())
    labels = [_label_at(line, demo.true_faces(line["frame"])[0]) for line in lines]
    assert labels.count("happy") >= 0.95 * len(labels)
    with av.open(str(video)) as recorded:
        assert sum(1 for _ in recorded.decode(video=0)) == 300


def _label_at(line: dict[str, object], true: Box) -> str:
    faces = line["faces"]
    assert isinstance(faces, list)
    return next((f["label"] for f in faces if Box(*f["box"]).iou(true) > 0.5), "missed")


PEAK = """
import sys
from pathlib import Path
from edge.cli import main
arguments = ["--source", "demo", "--frames", "1000", "--display", "off", *sys.argv[1:]]
code = main(["run", *arguments])
print(next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")))
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("arguments", "megabytes"), [(("--min-face", "0"), 125), ((), 200)], ids=["whole", "search"]
)
def test_it_stays_small(repository: Path, arguments: tuple[str, ...], megabytes: int) -> None:
    """By the kernel's own count for the process: getrusage counts the parent of a fork too."""
    done = subprocess.run(
        [PYTHON, "-c", PEAK, *arguments],
        cwd=repository,
        env=QUIET_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    kilobytes = int(done.stdout.split("VmHWM:")[1].split()[0])
    assert kilobytes / 1024 <= megabytes
