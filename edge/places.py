"""Where the model and the assets lie that come with the product."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def home(package: Path = _PACKAGE) -> Path:
    """Return the folder that holds ``models``.

    A wheel carries it inside the ``package``; in a clone of the repository it stands beside it.
    """
    return package if (package / "models").is_dir() else package.parent
