"""Where the model and the assets lie that come with the product, and what mends their absence."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_AGAIN = (
    "install it again: 'pip install --force-reinstall --no-index --find-links dist expressions'"
)


def home(package: Path = _PACKAGE) -> Path:
    """Return the folder that holds ``models``.

    A wheel carries it inside the ``package``; in a clone of the repository it stands beside it.
    """
    return package if (package / "models").is_dir() else package.parent


def advice(in_a_clone: str, in_a_wheel: str = _AGAIN, package: Path = _PACKAGE) -> str:
    """Return what mends an installation: a wheel has neither make nor requirements."""
    return in_a_wheel if home(package) == package else in_a_clone
