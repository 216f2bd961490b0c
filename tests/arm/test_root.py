"""What the trial needs of this PC, how it runs a Python, and what a Pi's kernel says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.arm.errors import TrialError
from tests.arm.processors import PROCESSORS
from tests.arm.root import Root, Runner, check_host


def check(tmp_path: Path, machine: str = "x86_64", user: int = 0, missing: str = "") -> None:
    check_host(machine, user, lambda tool: None if tool == missing else tool, tmp_path)


def test_a_pc_with_everything_will_do(tmp_path: Path) -> None:
    check(tmp_path)


def test_what_is_missing_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(TrialError, match="found aarch64; use a PC"):
        check(tmp_path, machine="aarch64")
    with pytest.raises(TrialError, match=r"found no mmdebstrap; run 'apt install .* mmdebstrap"):
        check(tmp_path, missing="mmdebstrap")
    with pytest.raises(TrialError, match=r"found no .*/keys; run .*debian-archive-keyring"):
        check(tmp_path / "keys")
    with pytest.raises(TrialError, match="run 'sudo make test-arm'"):
        check(tmp_path, user=1000)


def runner(folder: Path) -> Runner:
    return Runner((sys.executable,), folder, folder, folder)


def test_a_runner_returns_what_is_printed_in_its_folder(tmp_path: Path) -> None:
    assert runner(tmp_path).run("-c", "import os; print(os.getcwd())") == f"{tmp_path}\n"


def test_a_failure_and_a_complaint_end_the_trial_with_their_last_line(tmp_path: Path) -> None:
    with pytest.raises(TrialError, match="found 1: ZeroDivisionError"):
        runner(tmp_path).run("-c", "1 / 0")
    with pytest.raises(TrialError, match="expected no complaints, found: Error in cpuinfo"):
        runner(tmp_path).run("-c", "import sys; print('Error in cpuinfo', file=sys.stderr)")


def test_an_emulated_python_has_its_own_root_and_no_network(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    emulated = Root(tmp_path, "unused", emulator=Path(sys.executable)).runner("cortex-a72")
    assert emulated.command[:4] == ("unshare", "--net", "chroot", str(tmp_path))
    assert emulated.environment["QEMU_CPU"] == "cortex-a72"
    assert (tmp_path / "usr/bin/qemu-aarch64-static").exists()
    assert emulated.exchange == tmp_path / emulated.exchange_name.relative_to("/")


def test_both_pis_are_tried_and_say_what_they_can(tmp_path: Path) -> None:
    assert [each.name for each in PROCESSORS] == ["cortex-a72", "cortex-a76"]
    for each in PROCESSORS:
        each.describe(tmp_path)
        text = (tmp_path / "proc/cpuinfo").read_text()
        assert text.count(f"CPU part\t: {each.part}\n") == 4
        assert ("asimddp" in text) == (each.device == "Raspberry Pi 5"), "dot products"
        assert (tmp_path / "sys/devices/system/cpu/possible").read_text() == "0-3\n"
