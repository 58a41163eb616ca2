"""The browser that the pages are tested in, and what its pages complain of."""

from __future__ import annotations

import os
import re
import shutil
from typing import Final

from playwright.async_api import ConsoleMessage, Page

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",  # there is none in a container, nor for root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str | None:
    """`HITSTREAM_TEST_CHROMIUM`, or the first that is installed."""
    named = os.environ.get("HITSTREAM_TEST_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Complaints:
    """What a page's console said as an error or a warning, and what its scripts threw; breaches of a
    Content-Security-Policy are among them. What a test brings about itself it allows beforehand."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    def allow(self, pattern: str) -> None:
        self._allowed.append(re.compile(pattern))

    def listen_to(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.found.append(f"thrown: {error}"))

    def remaining(self) -> list[str]:
        return [found for found in self.found if not any(allowed.search(found) for allowed in self._allowed)]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")
