"""A machine is named so that two of a name and of different speed are told apart."""

from __future__ import annotations

import pytest

from train import provenance


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ("fpu sse2 avx2 avx512f avx512_vnni", "AVX-512 VNNI"),
        ("fpu avx2 avx_vnni", "AVX VNNI"),
        ("fpu avx avx2", "AVX2"),
        ("fp asimd crc32", "NEON"),
        ("fp asimd asimddp", "NEON dot product"),
        ("fpu sse2", ""),
        ("", ""),
    ],
)
def test_the_best_instructions_for_int8_are_named(flags: str, name: str) -> None:
    assert provenance.int8_instructions(flags) == name


def test_a_machine_has_its_cores_and_its_system() -> None:
    assert " cores, " in provenance.machine()
