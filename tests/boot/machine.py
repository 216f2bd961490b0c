"""A Debian that boots in a container of systemd-nspawn, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

_TOOLS = ("mmdebstrap", "systemd-nspawn", "nsenter")
_PACKAGES = "systemd,systemd-sysv,dbus,python3-venv,libstdc++6,procps"
_SECONDS = 600


class BootError(Exception):
    """The trial can't be made here, or the service does not do what it should."""


def check_host() -> None:
    """Raise ``BootError`` where something is missing that the trial needs."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise BootError(
            f"tools: expected {', '.join(_TOOLS)}, found no {', '.join(missing)}; run "
            "'apt install mmdebstrap systemd-container'"
        )
    if os.geteuid() != 0:
        raise BootError("user: expected root, which a container needs; run 'sudo make test-boot'")


def make_root(folder: Path, suite: str) -> None:
    """Make a Debian at ``folder`` where there is none, which takes a minute."""
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={_PACKAGES}"]
    subprocess.run([*command, suite, str(fresh)], check=True, timeout=_SECONDS)
    fresh.rename(folder)


class Machine:
    """The booted container; leaving it switches it off."""

    def __init__(self, root: Path) -> None:
        """Name its ``root``; nothing is started yet."""
        self.root = root.resolve()

    def __enter__(self) -> Self:
        """Boot; raises ``BootError`` where it is not up within a minute."""
        # nspawn keeps its sockets there, and refuses to clean up on a disk.
        runtime = Path("/run/systemd")
        runtime.mkdir(exist_ok=True)
        if not os.path.ismount("/run") and not runtime.is_mount():
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(runtime)], check=True)
        self._log = (self.root.parent / "boot.log").open("wb")
        command = ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot"]
        self._process = subprocess.Popen(
            [*command, "--private-network", "--register=no", "--keep-unit", "--machine=boot"],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for("the machine boots", self._is_up, 60)
        except BootError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Switch it off."""
        if self._leader():
            self.run("systemctl", "poweroff", "--no-block")
        try:
            self._process.wait(90)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def run(self, *command: str) -> tuple[int, str]:
        """Return the exit code and what it says of a command inside."""
        inside = ["nsenter", "--all", "--target", self._leader(), "env", "-i", "-C", "/root"]
        path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
        done = subprocess.run(
            [*inside, path, "HOME=/root", "LANG=C.UTF-8", *command],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).strip()

    def ask(self, *command: str) -> str:
        """Return what a command inside says; raises ``BootError`` where it fails."""
        code, said = self.run(*command)
        if code:
            raise BootError(f"{' '.join(command)}: expected exit code 0, found {code}: {said}")
        return said

    def _leader(self) -> str:
        """The process that is number 1 inside."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        try:
            return next(iter(children.read_text().split()), "")
        except OSError:
            return ""

    def _is_up(self) -> bool:
        if self._process.poll() is not None:
            raise BootError(f"systemd-nspawn: expected a machine that boots; see {self._log.name}")
        return bool(self._leader()) and self.run("systemctl", "is-system-running")[1] in {
            "running",
            "degraded",
        }


def wait_for(what: str, condition: Callable[[], bool], seconds: float) -> float:
    """Return the seconds until ``condition`` holds; raises ``BootError`` after ``seconds``."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise BootError(f"expected that {what} within {seconds:g} s, found that it did not")
        time.sleep(0.25)
    return time.monotonic() - began
