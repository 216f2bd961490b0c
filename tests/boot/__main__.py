"""``make test-boot``: the service under a systemd that boots, from its installation to its removal.

Needs root, Debian's mmdebstrap and systemd-container, and some five minutes.
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.documents import filled
from edge.files import write_text
from tests.boot.machine import BootError, Machine, check_host, make_root, wait_for
from train import provenance
from train.tables import markdown

_ROOT = Path("build/boot/bookworm")
_RESULT, _DOCUMENT = Path("tests/boot/result.json"), Path("docs/reliability.md")
_SETTINGS = """\
source = "demo"
frames = 1000000000
output = ["faces.jsonl"]
display = "off"
[recording]
flush = 0.0
rotate_mb = {rotate}
keep = 3
"""
_RECORDS = "/var/lib/expressions/faces.jsonl"
_SLOW = 15
"""A test machine may be busy: seconds that are added to what systemd's own times allow."""


class Service:
    """The installed service, as an administrator sees it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def show(self, name: str) -> str:
        return self.machine.ask("systemctl", "show", "--value", "-p", name, "expressions")

    @property
    def active(self) -> bool:
        return self.show("ActiveState") == "active"

    @property
    def process(self) -> int:
        return int(self.show("MainPID"))

    @property
    def restarts(self) -> int:
        return int(self.show("NRestarts"))

    def lines(self, path: str = _RECORDS) -> int:
        code, said = self.machine.run("wc", "-l", path)
        return int(said.split()[0]) if code == 0 else 0

    def writes(self, path: str = _RECORDS) -> Callable[[], bool]:
        before = self.lines(path)
        return lambda: self.active and self.lines(path) != before

    def set(self, rotate: float = 0.0, more: str = "") -> None:
        text = more + _SETTINGS.format(rotate=rotate)
        (self.machine.root / "etc/expressions.toml").write_text(text, encoding="utf-8")

    def journal(self) -> str:
        return self.machine.ask("journalctl", "-u", "expressions", "-o", "cat", "--no-pager")


def installs(machine: Machine, wheels: Path) -> str:
    """Copy dist/ into it and install; the settings are there before."""
    target = machine.root / "root/dist"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(wheels, target)
    Service(machine).set()
    return machine.ask("/root/dist/install-service").splitlines()[-1]


def starts(machine: Machine) -> str:
    service = Service(machine)
    took = wait_for("it writes results", service.writes(), 20)
    wait_for("its status has speed and faces", lambda: "FPS" in service.show("StatusText"), 20)
    return f"results {took:.1f} s after the installer's end; {service.show('StatusText')}"


def is_killed(machine: Machine) -> str:
    service = Service(machine)
    before, process = service.restarts, service.process
    machine.ask("kill", "-KILL", str(process))
    took = wait_for("it starts again", lambda: service.restarts > before, 10 + _SLOW)
    wait_for("it writes results again", service.writes(), 20)
    return f"started again after {took:.0f} s"


def hangs(machine: Machine) -> str:
    """Stop the process without a word: only the watchdog can notice."""
    service = Service(machine)
    before, process = service.restarts, service.process
    machine.ask("kill", "-STOP", str(process))
    took = wait_for("the watchdog ends it", lambda: service.restarts > before, 30 + 60 + 10 + _SLOW)
    wait_for("it writes results again", service.writes(), 20)
    return f"started again after {took:.0f} s"


def reloads(machine: Machine) -> str:
    service = Service(machine)
    process = service.process
    service.set(more='events = ["events.jsonl"]\n')
    machine.ask("systemctl", "reload", "expressions")
    events = "/var/lib/expressions/events.jsonl"
    took = wait_for("new settings hold", lambda: service.lines(events) > 0, 20)
    wait_for("it writes results", service.writes(), 20)
    if service.process != process:
        raise BootError("expected the same process after a reload, found another one")
    service.set(more="min_score = 7\n")
    machine.run("systemctl", "reload", "expressions")
    wait_for("wrong ones are refused", lambda: "settings not taken" in service.journal(), 20)
    wait_for("it goes on as it was", service.writes(), 20)
    service.set()
    return f"new settings after {took:.1f} s in the same process; wrong ones refused"


def meets_a_full_disk(machine: Machine) -> str:
    """Something else fills the disk that its folder is on, and is deleted after a while."""
    service, folder = Service(machine), "/var/lib/private/expressions"
    machine.ask("systemctl", "stop", "expressions")
    machine.ask("mount", "-t", "tmpfs", "-o", "size=40m,mode=0750", "tmpfs", folder)
    try:
        machine.ask("systemctl", "start", "expressions")
        wait_for("it writes results", service.writes(), 20)
        machine.run("dd", "if=/dev/zero", f"of={folder}/filler", "bs=64k")
        took = wait_for("it says that the disk is full", lambda: "space" in service.journal(), 30)
        machine.ask("rm", f"{folder}/filler")
        again = wait_for("it writes again", service.writes(), 60)
    finally:
        machine.ask("systemctl", "stop", "expressions")
        machine.ask("umount", folder)
    machine.ask("systemctl", "start", "expressions")
    wait_for("it writes results", service.writes(), 20)
    return f"said so after {took:.0f} s, and wrote again {again:.0f} s after there was space"


def is_updated(machine: Machine) -> str:
    service = Service(machine)
    process = service.process
    before = machine.ask("readlink", "/opt/expressions")
    machine.ask("/root/dist/install-service")
    wait_for("it writes results", service.writes(), 20)
    if service.process == process or machine.ask("readlink", "/opt/expressions") == before:
        raise BootError("expected the new program after an update, found the old one")
    left = machine.ask("sh", "-c", "ls -d /opt/expressions.environment.*").splitlines()
    if len(left) != 1:
        raise BootError(f"expected one environment after an update, found {len(left)}")
    return "a new environment and a new process; the old ones are gone"


def is_damaged(machine: Machine) -> str:
    """A copy of dist/ that is not whole must not be installed."""
    wheel = next((machine.root / "root/dist").glob("edge_expressions-*.whl"))
    content = wheel.read_bytes()
    wheel.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    code, said = machine.run("/root/dist/install-service")
    wheel.write_bytes(content)
    wait_for("the old one goes on", Service(machine).writes(), 20)
    if code == 0:
        raise BootError("expected that a damaged wheel is refused, found it installed")
    return said.splitlines()[-1]


def is_removed(machine: Machine) -> str:
    said = machine.ask("/root/dist/install-service", "remove")
    left = machine.run("systemctl", "cat", "expressions")[0] == 0
    programs = machine.run("sh", "-c", "ls -d /opt/expressions*")[1]
    if left or "No such file" not in programs:
        raise BootError(f"expected no unit and no program, found {programs}")
    machine.ask("test", "-s", "/var/lib/private/expressions/faces.jsonl")
    return said.splitlines()[-1]


@contextmanager
def _explained(machine: Machine) -> Iterator[None]:
    """Add what the journal says last to a ``BootError``."""
    try:
        yield
    except BootError as error:
        raise BootError(f"{error}\n{Service(machine).journal()[-2000:]}") from error


def trial(wheels: Path) -> Iterator[tuple[str, str]]:
    """Yield what is tried and what happened; raises ``BootError``."""
    make_root(_ROOT, "bookworm")
    with Machine(_ROOT) as machine:
        yield "installation", installs(machine, wheels)
        yield "start", starts(machine)
    with Machine(_ROOT) as machine, _explained(machine):
        took = wait_for("it is up after a boot", Service(machine).writes(), 60)
        yield "boot", f"writes results {took:.1f} s after the boot"
        for name, step in (
            ("kill", is_killed),
            ("hang", hangs),
            ("reload", reloads),
            ("full disk", meets_a_full_disk),
            ("update", is_updated),
            ("damaged copy", is_damaged),
        ):
            yield name, step(machine)
        if "Traceback" in Service(machine).journal():
            raise BootError("expected no traceback in the journal, found one")
        yield "removal", is_removed(machine)


def table(result: Mapping[str, Any]) -> str:
    """Return the steps as a Markdown table with a line that says how it was made."""
    text = markdown(("step", "what happened"), result["steps"].items(), texts=2)
    return (
        f"{text}\n\nWritten by `make test-boot` on {result['machine']} (commit "
        f"{result['commit']}, {result['date']}).\n"
    )


def main() -> int:
    """Print each step; write the result where all of them went well."""
    try:
        check_host()
        steps = {}
        for name, happened in trial(Path("dist")):
            print(f"{name}: {happened}", flush=True)
            steps[name] = happened
    except BootError as error:
        print(f"test-boot: {error}", file=sys.stderr)
        return 1
    result = {**provenance.origin(), "kernel": platform.release(), "steps": steps}
    write_text(_RESULT, json.dumps(result, indent=1) + "\n")
    text = _DOCUMENT.read_text(encoding="utf-8")
    write_text(_DOCUMENT, filled(text, {"boot": table(result)}.get))
    return 0


if __name__ == "__main__":
    sys.exit(main())
