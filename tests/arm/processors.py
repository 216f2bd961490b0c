"""The processors of Raspberry Pis, as QEMU and Linux name them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_CORES = 4
_DESCRIPTION = """\
processor\t: {core}
BogoMIPS\t: 108.00
Features\t: {features}
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: {variant}
CPU part\t: {part}
CPU revision\t: {revision}

"""


@dataclass(frozen=True, slots=True)
class Processor:
    """One processor: ``name`` as ``QEMU_CPU`` takes it, the ``device`` that has it.

    The other fields are what its kernel says in /proc/cpuinfo. The interpreter asks that, and
    /sys/devices/system/cpu, for the fastest kernels: where it can't read them it does without
    XNNPACK, which would be another program than the one that runs on a Pi.
    """

    name: str
    device: str
    features: str
    variant: str
    part: str
    revision: str

    def describe(self, root: Path) -> None:
        """Write under ``root`` what the kernel of such a device says of its processor."""
        cores = "".join(
            _DESCRIPTION.format(
                core=core,
                features=self.features,
                variant=self.variant,
                part=self.part,
                revision=self.revision,
            )
            for core in range(_CORES)
        )
        files = {
            "proc/cpuinfo": cores,
            "sys/devices/system/cpu/possible": f"0-{_CORES - 1}\n",
            "sys/devices/system/cpu/present": f"0-{_CORES - 1}\n",
        }
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")


PROCESSORS = (
    Processor(
        name="cortex-a72",
        device="Raspberry Pi 4",
        features="fp asimd evtstrm crc32 cpuid",
        variant="0x0",
        part="0xd08",
        revision="3",
    ),
    Processor(
        name="cortex-a76",
        device="Raspberry Pi 5",
        features="fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm "
        "lrcpc dcpop asimddp",
        variant="0x4",
        part="0xd0b",
        revision="1",
    ),
)
