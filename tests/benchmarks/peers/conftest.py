"""Packages that are not there: an environment and an adapter of a few lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.peers.registry import Peer

MakePeer = Callable[[str, str], Peer]


@pytest.fixture
def make_peer(tmp_path: Path) -> MakePeer:
    """Return a function: the name of a peer and the code of its adapter → the peer."""
    python = tmp_path / "environment/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)

    def make(name: str, code: str) -> Peer:
        (tmp_path / f"{name}_adapter.py").write_text(code)
        return Peer(name, "numpy", tmp_path / "environment", f"{name}_adapter", ("given",))

    return make
