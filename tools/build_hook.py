"""Lets hatchling fetch the third-party assets before it builds a wheel: see ``pyproject.toml``."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs ``tools.fetch_assets`` with the pip of the build's own environment."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch what is missing; end the build with the one line that says why it can't."""
        command = (sys.executable, "-m", "tools.fetch_assets")
        done = subprocess.run(command, cwd=self.root, check=False)
        if done.returncode:
            sys.exit(done.returncode)
