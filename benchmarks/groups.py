"""Which subjects are alive at the same time, so that a device of 4 GB can take them.

Two figures are as comparable as the rounds that they were taken in: within a group. All TFLite
files at one number of threads are one, some 140 MB each with the loop. A TensorFlow takes 800 MB,
so that the h5 of each model has a group of its own. In each of them runs the yardstick, as a part
of whose time the others' are given: the float32 file of the seed model at one thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.subjects import TFLITE, Subject

_MOST = 12
"""TFLite files at the same time."""


@dataclass(frozen=True, slots=True)
class Member:
    """A subject at so many threads, and what its samples are called.

    ``whole`` is False for a yardstick that only goes along: it classifies and runs no loop.
    """

    subject: Subject
    threads: int
    line: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """What is alive at the same time; ``yardstick`` is the line with its times, "" without one."""

    name: str
    members: tuple[Member, ...]
    yardstick: str


def groups(chosen: Sequence[Subject], threads: Sequence[int]) -> list[Group]:
    """Put each of ``chosen`` into a group, at each number of ``threads``.

    An h5 runs at the first number alone. The yardstick goes along where it is among ``chosen``.
    """
    files = [subject for subject in chosen if subject.kind == TFLITE]
    networks = [subject for subject in chosen if subject.kind != TFLITE]
    found = []
    for count in threads:
        for start in range(0, len(files), _MOST):
            of = f" {1 + start // _MOST}" if len(files) > _MOST else ""
            name = f"TFLite{of}, {count} {'thread' if count == 1 else 'threads'}"
            found.append((name, files[start : start + _MOST], count))
    for h5 in dict.fromkeys(subject.h5 for subject in networks):
        own = [subject for subject in networks if subject.h5 == h5]
        found.append((f"{h5.stem} h5", own, threads[0]))
    yardstick = next((subject for subject in files if subject.yardstick), None)
    return [_group(*part, yardstick, threads[0]) for part in found]


def _group(
    name: str, own: Sequence[Subject], threads: int, yardstick: Subject | None, first: int
) -> Group:
    members = tuple(Member(subject, threads, subject.name) for subject in own)
    if yardstick is None:
        return Group(name, members, "")
    if yardstick in own and threads == first:
        return Group(name, members, yardstick.name)
    along = Member(yardstick, first, f"{yardstick.name}, beside {name}", whole=False)
    return Group(name, (along, *members), along.line)
