"""A Debian root for 64-bit ARM, and the packaged runtime installed in it.

Its packages are unpacked and not configured: that is all a Python needs, and nothing of it has to
run while it is made. It holds no mounts, so that it can be deleted at any time.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.arm.errors import TrialError

_EMULATOR = Path("/usr/bin/qemu-aarch64-static")
"""Here and in the root; it needs no library of either."""
_TOOLS = (_EMULATOR.name, "mmdebstrap", "chroot", "unshare")
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PACKAGES = "base-files,ca-certificates,libstdc++6,python3-venv"
"""A Pi has the first three anyway: a system's folders, what pip reads, what C++ needs."""
_CERTIFICATES, _BUNDLE = "usr/share/ca-certificates/*/*.crt", "etc/ssl/certs/ca-certificates.crt"
_PIP = "usr/share/python-wheels/pip-*.whl"
_PYTHON = Path("/usr/bin/python3")
_PROGRAM, _WHEELS, _EXCHANGE = Path("/opt/expressions"), Path("/dist"), Path("/exchange")
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_SECONDS = 1800


def check_host(
    machine: str = platform.machine(),
    user: int = os.geteuid(),
    find: Callable[[str], str | None] = shutil.which,
    keys: Path = _KEYS,
) -> None:
    """Raise ``TrialError`` where something is missing that the trial needs."""
    if machine != "x86_64":
        raise TrialError(f"machine: expected x86_64 to compare with, found {machine}; use a PC")
    missing = [tool for tool in _TOOLS if find(tool) is None]
    if missing or not keys.exists():
        raise TrialError(
            f"tools: expected {', '.join(_TOOLS)} and Debian's keys, found no "
            f"{', '.join(missing) or keys}; run "
            "'apt install qemu-user-static mmdebstrap debian-archive-keyring'"
        )
    if user != 0:
        raise TrialError("user: expected root, which chroot needs; run 'sudo make test-arm'")


@dataclass(frozen=True, slots=True)
class Runner:
    """A Python with the packaged runtime: ``command`` starts it, in ``folder``.

    What it is to read and to write lies in ``exchange``, which it calls ``exchange_name`` itself.
    """

    command: Sequence[str]
    folder: Path
    exchange: Path
    exchange_name: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> str:
        """Return what it prints on standard output.

        Raises ``TrialError`` where it fails, takes longer than half an hour, or complains.
        """
        called = " ".join(arguments)[:60]
        done = _finished(
            [*self.command, *arguments], called, self.folder, {"PATH": _PATH, **self.environment}
        )
        # LiteRT writes these itself; only the command line keeps them off.
        said = [line for line in done.stderr.splitlines() if not line.startswith("INFO: ")]
        if said:
            raise TrialError(f"{called}: expected no complaints, found: {said[-1]}")
        return done.stdout


class Root:
    """A root for the Debian release ``suite`` at ``folder``, made where there is none."""

    def __init__(
        self,
        folder: Path,
        suite: str,
        mirror: Sequence[str] = (),
        emulator: Path = _EMULATOR,
    ) -> None:
        """Make it, which takes a minute or less; raises ``TrialError``."""
        self.folder = folder.resolve()
        if not self.folder.exists():
            self._make(suite, mirror)
        shutil.copy2(emulator, self._inside(_EMULATOR))

    def _make(self, suite: str, mirror: Sequence[str]) -> None:
        fresh = self.folder.with_name(f"{self.folder.name}.part")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.parent.mkdir(parents=True, exist_ok=True)
        command = ("mmdebstrap", "--quiet", "--architectures=arm64", "--variant=extract")
        _finished([*command, f"--include={_PACKAGES}", suite, str(fresh), *mirror], "mmdebstrap")
        # What configuring the package would do; Debian 13's pip reads it without a network too.
        bundle = fresh / _BUNDLE
        bundle.parent.mkdir(parents=True, exist_ok=True)
        bundle.write_bytes(b"".join(path.read_bytes() for path in fresh.glob(_CERTIFICATES)))
        fresh.rename(self.folder)

    def install(self, wheels: Path, processor: str) -> None:
        """Install the runtime anew from the folder ``wheels``, as the README tells a user to.

        pip runs on an emulated ``processor``. Raises ``TrialError``.
        """
        program, inside = self._inside(_PROGRAM), self._inside(_WHEELS)
        for folder in (program, inside):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(wheels, inside)
        pip = next(self.folder.glob(_PIP), None)
        if pip is None:
            raise TrialError(f"{self.folder}: expected {_PIP}, found none; delete that folder")
        # With pip it would start a second Python, which the kernel can't without the emulator.
        self.runner(processor, _PYTHON).run("-m", "venv", "--without-pip", str(_PROGRAM))
        self.runner(processor).run(
            *(str("/" / pip.relative_to(self.folder) / "pip"), "install", "--quiet"),
            *("--no-compile", "--root-user-action=ignore"),
            *("--no-index", "--find-links", str(_WHEELS), "edge-expressions[video]"),
        )
        shutil.rmtree(inside)

    def runner(self, processor: str, python: Path = _PROGRAM / "bin" / "python") -> Runner:
        """Return a Python, by default the installed runtime's, on an emulated ``processor``.

        It has a network of its own, without a connection.
        """
        inside = ("chroot", str(self.folder), str(_EMULATOR), str(python))
        return Runner(
            ("unshare", "--net", *inside),
            self.folder,
            self._inside(_EXCHANGE),
            _EXCHANGE,
            {"QEMU_CPU": processor, "HOME": "/tmp", "LANG": "C.UTF-8"},
        )

    def _inside(self, path: Path) -> Path:
        return self.folder / path.relative_to("/")


def _finished(
    command: Sequence[str],
    name: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run ``command``; raises ``TrialError``, which calls it ``name``, where it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TrialError(f"{name}: expected an end within {_SECONDS} s, found none") from error
    if done.returncode:
        raise TrialError(
            f"{name}: expected exit code 0, found {done.returncode}: "
            f"{_last(done.stderr or done.stdout)}"
        )
    return done


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["nothing said"])[-1]
