"""The browser of the live page's tests."""

from tests.edge.web.conftest import browser, visit

__all__ = ["browser", "visit"]
