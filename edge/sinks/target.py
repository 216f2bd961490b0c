"""Whether an output can be written at all, asked before the first frame."""

from __future__ import annotations

import os
from pathlib import Path

from edge.errors import SinkError


def check_target(path: Path) -> None:
    """Raise ``SinkError`` unless ``path`` names a file in a folder that can be written."""
    if path.is_dir():
        found = "a folder of that name"
    elif not path.parent.is_dir():
        found = "no such folder"
    elif not os.access(path.parent, os.W_OK):
        found = "that this user may not write there"
    else:
        return
    raise SinkError(
        f"{path}: expected a file in a folder that can be written, found {found}; "
        "choose another output"
    )
