"""The product as a service: its unit, its settings file, and how it answers signals."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import pytest

from edge import __version__, template
from edge.__main__ import main
from edge.errors import SettingsError
from edge.settings import Settings
from edge.sinks.target import claimed
from tests.edge.network_camera import Camera
from tests.edge.processes import PYTHON, QUIET_ENVIRONMENT, finish, start

SERVICE = Path(template.__file__).with_name("service")


def unit() -> dict[str, list[str]]:
    """The settings of the unit by name; systemd lets a name stand several times."""
    found: dict[str, list[str]] = {}
    for line in (SERVICE / "expressions.service").read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


# Signals and the service manager


def until(stream: IO[str] | None, word: str) -> str:
    """The next line of ``stream`` with ``word`` in it."""
    assert stream is not None
    return next(line for line in stream if word in line)


def test_sighup_rereads_the_settings_and_refuses_bad_ones(repository: Path, tmp_path: Path) -> None:
    path, first, second = (tmp_path / name for name in ("a.toml", "1.jsonl", "2.jsonl"))
    with Camera() as camera, claimed(second):
        common = f'source = "{camera.url}"\ndisplay = "off"\n'
        path.write_text(f'{common}output = ["{first}"]\n')
        process = start(repository, "--config", path, terminal=False)
        until(process.stdout, "frame 0")
        for settings, complaint in (
            ("threads = 0\n", "the old ones go on: threads: expected 1…64, found 0"),
            (f'{common}model = "none.tflite"\n', "none.tflite: expected a .tflite file"),
            ('source = "97"\n', "video97: expected a camera, found no such device"),
            (f'source = "{"x" * 300}"', "File name too long"),
            (f'{common}output = ["none/a.jsonl"]', "none/a.jsonl: expected a file in a folder"),
        ):
            path.write_text(settings)
            process.send_signal(signal.SIGHUP)
            assert complaint in until(process.stderr, "settings not taken")
        assert len(list(tmp_path.iterdir())) == 4, "the first stretch still runs"
        path.write_text(f'{common}output = ["{second}"]\n')
        process.send_signal(signal.SIGHUP)
        assert "found that another run writes it" in until(process.stderr, "settings not taken")
        until(process.stdout, "frame 0")
        process.send_signal(signal.SIGTERM)
        code, out, err = finish(process)
    assert (code, err) == (0, "")
    assert "p95" in out
    assert len(first.read_text().splitlines()) >= 1, "the old settings ran again"
    assert (tmp_path / "1.part00001.jsonl").exists()


def test_sighup_while_the_source_is_off_is_no_end(repository: Path, tmp_path: Path) -> None:
    path, output = tmp_path / "a.toml", tmp_path / "a.jsonl"
    with Camera() as camera:
        common = f'source = "{camera.url}"\ndisplay = "off"\n'
        path.write_text(common)
        process = start(repository, "--config", path, terminal=False)
        until(process.stdout, "frame 0")
    until(process.stdout, "no picture")
    path.write_text(f'{common}output = ["{output}"]\n')
    process.send_signal(signal.SIGHUP)
    until(process.stdout, "p95")
    assert "expected a stream that opens" in until(process.stdout, "no picture")
    with Camera(camera.port):
        until(process.stdout, " FPS · ")
        process.send_signal(signal.SIGTERM)
        code, _, err = finish(process)
    assert (code, err) == (0, "")
    assert len(output.read_text().splitlines()) >= 1


def test_a_source_that_would_begin_anew_keeps_its_settings(
    repository: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.toml"
    path.write_text('source = "demo"\ndisplay = "off"\nframes = 1000000\n')
    process = start(repository, "--config", path, terminal=False)
    until(process.stdout, "frame 0")
    process.send_signal(signal.SIGHUP)
    assert "expected a camera or a stream" in until(process.stderr, "settings not taken")
    process.send_signal(signal.SIGTERM)
    code, out, err = finish(process)
    assert (code, err) == (0, "")
    assert out.count("p95") == 1


def test_a_service_manager_is_told_and_the_log_stays_short(
    repository: Path, tmp_path: Path
) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.setblocking(False)
        done = subprocess.run(
            [PYTHON, "-m", "edge", "run", "--source", "demo", "--frames", "5", "--display", "off"],
            cwd=repository,
            env=QUIET_ENVIRONMENT | {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "8000000"},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        heard = [manager.recv(4096).decode() for _ in range(4)]
    assert heard[0].startswith("STATUS=frame 0 · ")
    assert heard[1:] == ["READY=1", "WATCHDOG=1", "STOPPING=1"]
    assert "frame 0" not in done.stdout
    assert "p95" in done.stdout


# The settings file


def plain(value: Any) -> Any:
    """``value`` as TOML has it."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return list(map(plain, value))
    return str(value) if isinstance(value, Path) else value


def test_the_settings_file_has_every_setting_and_its_default() -> None:
    text = (SERVICE / "expressions.toml").read_text(encoding="utf-8")
    chosen = "|".join(template.SERVICE)
    defaults = re.sub(rf"^(?:{chosen}) = .*\n", "", text, flags=re.MULTILINE)
    defaults = re.sub(r"^#(?=\w)", "", defaults, flags=re.MULTILINE)
    assert tomllib.loads(defaults) == plain(asdict(Settings()))
    assert text == template.settings_file(), (
        "run 'python -m edge.template > edge/service/expressions.toml'"
    )


def test_what_the_settings_file_sets_is_only_that(capsys: pytest.CaptureFixture[str]) -> None:
    path = SERVICE / "expressions.toml"
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {
        "source": "0",
        **{name: {} for name in ("tracking", "camera", "recording")},
    }
    assert main(["run", "--config", str(path), "--source", "none.mp4", "--display", "off"]) == 2
    assert "none.mp4: expected" in capsys.readouterr().err


def test_a_setting_that_toml_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a value that TOML can say"):
        template.settings_file({"source": object()})


# The unit


def test_the_unit_does_not_loop_on_bad_settings_and_restarts_what_hangs() -> None:
    settings = unit()
    assert settings["RestartPreventExitStatus"] == [str(SettingsError.exit_code)]
    assert settings["Restart"] == ["on-failure"]
    assert settings["Type"] == ["notify"]
    assert settings["WatchdogSec"] == ["30s"]
    assert settings["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_the_unit_leaves_the_process_no_network_and_no_rights() -> None:
    settings = unit()
    assert settings["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert settings["CapabilityBoundingSet"] == [""]
    assert settings["NoNewPrivileges"] == ["yes"]
    assert settings["DevicePolicy"] == ["closed"]
    assert "char-video4linux rw" in settings["DeviceAllow"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    program = unit()["ExecStart"][0].split()[0]
    path = tmp_path / "expressions.service"
    # The program isn't installed here, which it would complain about.
    path.write_text(
        (SERVICE / path.name).read_text(encoding="utf-8").replace(program, sys.executable)
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_and_its_installer_name_the_same_places() -> None:
    script = (SERVICE / "install").read_text(encoding="utf-8")
    program, _, _, config = unit()["ExecStart"][0].split()
    assert program == "/opt/expressions/bin/expressions"
    assert "program=$root/opt/expressions" in script
    assert f"settings=$root{config}" in script


def test_the_installer_wants_wheels(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", SERVICE / "install", tmp_path],
        env={"PATH": "/usr/bin:/bin", "ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "expected expressions-*.whl" in done.stderr
    assert list(tmp_path.iterdir()) == []


FAKE_PYTHON = """#!/bin/sh
case "$*" in
  "-m venv "*)
    for folder; do :; done
    mkdir -p "$folder/bin" "$folder/edge"
    cp -r "$SERVICE" "$folder/edge/service"
    cp "$0" "$folder/bin/python"
    echo "$*" > "$folder/made" ;;
  "-m pip "*) exit "$PIP_EXIT" ;;
  *import*) echo "$(dirname "$(dirname "$0")")/edge" ;;
esac
"""


def install(folder: Path, pip_exit: int) -> subprocess.CompletedProcess[str]:
    """Call the installer with a Python that makes an environment without installing anything."""
    name = f"expressions-{__version__}-py3-none-any.whl"
    python, wheel = folder / "python", folder / "wheels" / name
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    wheel.parent.mkdir(exist_ok=True)
    wheel.touch()
    more = {"PYTHON": str(python), "PIP_EXIT": str(pip_exit), "SERVICE": str(SERVICE)}
    return subprocess.run(
        ["sh", SERVICE / "install", wheel.parent],
        env={"PATH": "/usr/bin:/bin", "ROOT": str(folder / "root"), **more},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_update_takes_the_place_of_the_program_and_keeps_the_settings(tmp_path: Path) -> None:
    opt, settings = tmp_path / "root" / "opt", tmp_path / "root" / "etc" / "expressions.toml"
    assert install(tmp_path, 0).returncode == 0
    first = (opt / "expressions").resolve()
    assert "--system-site-packages" in (first / "made").read_text()
    settings.write_text("threads = 2\n")
    assert install(tmp_path, 0).returncode == 0
    second = (opt / "expressions").resolve()
    assert second != first
    assert sorted(opt.iterdir()) == [opt / "expressions", second]
    assert settings.read_text() == "threads = 2\n"


def test_an_update_that_fails_leaves_the_program_as_it_is(tmp_path: Path) -> None:
    assert install(tmp_path, 0).returncode == 0
    opt = tmp_path / "root" / "opt"
    before = {path: path.resolve() for path in opt.iterdir()}
    done = install(tmp_path, 1)
    assert done.returncode == 1
    assert "what was installed before stays" in done.stderr
    assert {path: path.resolve() for path in opt.iterdir()} == before


def test_the_installer_removes_nothing_that_it_did_not_make(tmp_path: Path) -> None:
    opt = tmp_path / "root" / "opt"
    users = [opt / name for name in ("expressions", "expressions-before", "expressions-backup")]
    for folder in users:
        folder.mkdir(parents=True)
        (folder / "mine").write_text(folder.name)
    done = install(tmp_path, 0)
    assert done.returncode == 0
    moved = opt / "expressions-before-before"
    assert f"it stays as {moved}" in done.stdout
    assert (moved / "mine").read_text() == "expressions"
    assert (opt / "expressions" / "made").exists()
    assert install(tmp_path, 0).returncode == 0
    for folder in (*users[1:], moved):
        assert [path.name for path in folder.iterdir()] == ["mine"]
