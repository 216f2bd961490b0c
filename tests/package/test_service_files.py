"""The product as a service: its unit, its settings file and its installer."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from edge import __version__
from edge.cli import main
from edge.errors import SettingsError
from edge.run.build import RunSettings
from edge.run.network import Need, drop_in
from tools import settings_file

SERVICE = Path(__file__).parents[2] / "edge" / "service"
NETWORK = Path("etc/systemd/system/expressions.service.d/network.conf")


def unit() -> dict[str, list[str]]:
    """The settings of the unit by name; systemd lets a name stand several times."""
    found: dict[str, list[str]] = {}
    for line in (SERVICE / "expressions.service").read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


# The settings file


def plain(value: Any) -> Any:
    """``value`` as TOML has it."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, tuple):
        return list(map(plain, value))
    return str(value) if isinstance(value, Path) else value


def test_the_settings_file_has_every_setting_and_its_default() -> None:
    text = (SERVICE / "expressions.toml").read_text(encoding="utf-8")
    chosen = "|".join(settings_file.SERVICE)
    defaults = re.sub(rf"^(?:{chosen}) = .*\n", "", text, flags=re.MULTILINE)
    defaults = re.sub(r"^#(?=\w)", "", defaults, flags=re.MULTILINE)
    assert tomllib.loads(defaults) == plain(asdict(RunSettings()))
    assert re.findall(r"^# (\w+) =$", text, re.MULTILINE) == [
        "uncertain_below",
        "hold",
        "token_file",
    ]
    assert text == settings_file.settings_file(), (
        "run 'python -m tools.settings_file > edge/service/expressions.toml'"
    )


def test_what_the_settings_file_sets_is_only_that(caplog: pytest.LogCaptureFixture) -> None:
    path = SERVICE / "expressions.toml"
    settings = RunSettings()
    tables = {f.name: {} for f in fields(settings) if is_dataclass(getattr(settings, f.name))}
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {"source": "0", **tables}
    assert main(["run", "--config", str(path), "--source", "none.mp4", "--display", "off"]) == 2
    assert "none.mp4: expected" in caplog.text


def test_a_setting_that_toml_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a value that TOML can say"):
        settings_file.settings_file({"source": object()})


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
    assert "expected edge_expressions-*.whl" in done.stderr
    assert list(tmp_path.iterdir()) == []


FAKE_PYTHON = """#!/bin/sh
case "$*" in
  "-m venv "*)
    for folder; do :; done
    mkdir -p "$folder/bin" "$folder/edge"
    cp -r "$SERVICE" "$folder/edge/service"
    cp "$0" "$folder/bin/python"
    echo "$*" > "$folder/made" ;;
  "-m pip install"*)
    echo "$*" > "$(dirname "$(dirname "$0")")/installed"
    exit "$PIP_EXIT" ;;
  "-m pip "*) ;;
  *edge.run.network*) exec "$REAL" "$@" ;;
  *import*) echo "$(dirname "$(dirname "$0")")/edge" ;;
esac
"""


def write_sums(folder: Path) -> None:
    """As ``make package`` does."""
    recipe = (SERVICE.parents[1] / "Makefile").read_text(encoding="utf-8")
    (sums,) = re.findall(r"cd build/dist && (sha256sum .*)$", recipe, re.MULTILINE)
    subprocess.run(["sh", "-c", sums], cwd=folder, check=True)


def install(
    folder: Path, pip_exit: int = 0, what: Path | str = ""
) -> subprocess.CompletedProcess[str]:
    """Call the installer with a Python that makes an environment without installing anything.

    ``what`` is its argument, by default a folder of wheels with their sums.
    """
    name = f"edge_expressions-{__version__}-py3-none-any.whl"
    python, wheel = folder / "python", folder / "wheels" / name
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    wheel.parent.mkdir(exist_ok=True)
    if not wheel.exists():
        wheel.touch()
        write_sums(wheel.parent)
    more = {"PYTHON": str(python), "PIP_EXIT": str(pip_exit), "SERVICE": str(SERVICE)}
    more |= {"REAL": sys.executable, "PYTHONPATH": str(SERVICE.parents[1])}
    return subprocess.run(
        ["sh", SERVICE / "install", what or wheel.parent],
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


@pytest.mark.parametrize(
    ("wheels", "extras"),
    [
        ([], ""),
        (["av-1-cp311-cp311-linux.whl"], "[video]"),
        (["paho_mqtt-2-py3-none-any.whl", "uvicorn-1-py3-none-any.whl"], "[web,mqtt]"),
    ],
)
def test_extras_are_installed_whose_wheels_are_there(
    tmp_path: Path, wheels: list[str], extras: str
) -> None:
    (tmp_path / "wheels").mkdir()
    for name in wheels:
        (tmp_path / "wheels" / name).touch()
    assert install(tmp_path).returncode == 0
    called = (tmp_path / "root" / "opt" / "expressions" / "installed").read_text()
    assert called.endswith(f" edge-expressions{extras}\n")


def test_it_is_removed_and_the_settings_stay(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert install(tmp_path).returncode == 0
    kept = root / "opt" / "expressions-mine"
    kept.mkdir()
    done = install(tmp_path, what="remove")
    assert done.returncode == 0, done.stderr
    assert list((root / "opt").iterdir()) == [kept]
    assert list((root / "etc" / "systemd" / "system").iterdir()) == []
    assert (root / "etc" / "expressions.toml").exists()
    assert "stay" in done.stdout
    assert install(tmp_path, what="remove").returncode == 0, "again does no harm"


def changed(folder: Path) -> None:
    (folder / "a-1-py3-none-any.whl").write_text("other")


def missing(folder: Path) -> None:
    (folder / "a-1-py3-none-any.whl").unlink()


def another(folder: Path) -> None:
    (folder / "a\n\033[2J-2-py3-none-any.whl").touch()


def hidden(folder: Path) -> None:
    (folder / ".a-2-py3-none-any.whl").touch()


def unlisted(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()


def no_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").write_text("<html>\n")


def a_bad_line(folder: Path) -> None:
    with (folder / "SHA256SUMS").open("a") as file:
        file.write("not a sum\n")


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (changed, r"found a-1-py3-none-any.whl: FAILED"),
        (missing, r"found sha256sum: .*a-1-py3-none-any.whl.*: No such file or directory"),
        (another, r"a\?\?\[2J-2-py3-none-any.whl: expected a file that SHA256SUMS lists, found"),
        (hidden, r"/\.a-2-py3-none-any.whl: expected a file that SHA256SUMS lists, found another"),
        (unlisted, r"expected SHA256SUMS in .*, found none"),
        (no_sums, r"expected a file that SHA256SUMS lists, found another"),
        (a_bad_line, r"found sha256sum: WARNING: 1 line is improperly formatted"),
    ],
)
def test_a_folder_that_is_not_the_one_of_its_sums_is_refused_in_one_line(
    tmp_path: Path, spoil: Callable[[Path], None], found: str
) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a-1-py3-none-any.whl").write_text("a")
    assert install(tmp_path).returncode == 0
    before = sorted((tmp_path / "root").rglob("*"))
    spoil(tmp_path / "wheels")
    done = install(tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(rf"install-service: [^\n]*{found}[^\n]*\n", done.stderr), done.stderr
    assert (done.stdout, sorted((tmp_path / "root").rglob("*"))) == ("", before)


# The network of the unit


def test_the_network_is_open_only_while_the_settings_need_it(tmp_path: Path) -> None:
    root = tmp_path / "root"
    settings, network = root / "etc" / "expressions.toml", root / NETWORK
    done = install(tmp_path)
    assert "network:  closed" in done.stdout
    assert not network.exists()
    settings.write_text('source = ["0", "rtsp://me:secret@10.0.0.5/live"]\n')
    done = install(tmp_path, what="network")
    assert done.returncode == 0, done.stderr
    assert "          rtsp://10.0.0.5/live" in done.stdout.splitlines()
    opened = network.read_text()
    assert "PrivateNetwork=no\nRestrictAddressFamilies=AF_INET AF_INET6\nIPAddressDeny=\n" in opened
    assert "secret" not in opened
    settings.write_text('[mqtt]\naddress = "mqtt://localhost"\n')
    assert install(tmp_path).returncode == 0  # an update looks at them too
    assert "IPAddressAllow=localhost" in network.read_text()
    assert "IPAddressDeny" not in network.read_text()
    settings.write_text("threads = 2\n")
    assert install(tmp_path, what="network").returncode == 0
    assert not network.exists()


def test_settings_that_cannot_be_used_leave_the_network_as_it_is(tmp_path: Path) -> None:
    assert install(tmp_path).returncode == 0
    network = tmp_path / "root" / NETWORK
    network.parent.mkdir()
    network.write_text("[Service]\n")
    (tmp_path / "root" / "etc" / "expressions.toml").write_text("threads = 0\n")
    done = install(tmp_path, what="network")
    assert done.returncode == 1
    assert "network: threads: expected 1…64, found 0" in done.stderr
    assert "Traceback" not in done.stderr
    assert network.read_text() == "[Service]\n"
    assert install(tmp_path).returncode == 0
    assert network.read_text() == "[Service]\n"


def test_the_network_of_what_is_not_installed_is_refused(tmp_path: Path) -> None:
    done = install(tmp_path, what="network")
    assert done.returncode == 1
    assert "expected the program in" in done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("local", [True, False])
def test_systemd_finds_nothing_wrong_with_the_open_unit(tmp_path: Path, local: bool) -> None:
    program = unit()["ExecStart"][0].split()[0]
    path = tmp_path / "expressions.service"
    text = (SERVICE / path.name).read_text(encoding="utf-8")
    path.write_text(text.replace(program, sys.executable))
    (tmp_path / "expressions.service.d").mkdir()
    (tmp_path / "expressions.service.d" / "network.conf").write_text(
        drop_in([Need("mqtt mqtt://broker", local)])
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
