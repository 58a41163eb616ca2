"""The live page as a test sees it: opened for a site, read by what it shows."""

from __future__ import annotations

from typing import Final

from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import Complaints
from tests.browser.sites import OnSite
from tests.waiting import until

NO_PANELS: Final = r"404 .*/v1/(commerce|social)/"  # the server has neither: the browser says so, the page does not


class LivePage:
    def __init__(self, page: Page, site: OnSite) -> None:
        self.page = page
        self.site = site

    @property
    def link(self) -> str:
        """As `hitstream serve` prints it."""
        return f"{self.site.url}/#key={self.site.key('read')}"

    async def open(self, complaints: Complaints) -> LivePage:
        """Until it is live and its charts and lists are drawn."""
        complaints.allow(NO_PANELS)
        await self.page.goto(self.link)
        await self.is_live()
        await expect(self.page.locator("#minutes canvas")).to_be_visible()
        await expect(self.page.locator("#today-note")).not_to_be_empty()
        return self

    async def is_live(self) -> None:
        await expect(self.page.locator("#state-text")).to_have_text("Live")

    def tile(self, name: str) -> Locator:
        return self.page.locator(f"#tile-{name}")

    def figure(self, name: str) -> Locator:
        return self.tile(name).locator(".figure")

    def board(self, title: str) -> Locator:
        """The visible rows of a leaderboard."""
        return self.page.get_by_role("list", name=title, exact=True).get_by_role("listitem")

    @property
    def feed(self) -> Locator:
        """The visible lines of the feed, the newest first."""
        return self.page.locator("#feed > li:visible")

    async def rows(self, title: str) -> list[list[str]]:
        """A leaderboard's texts: key, count, share."""
        return [
            [await row.locator(f".{part}").inner_text() for part in ("key", "count", "share")]
            for row in await self.board(title).all()
        ]

    async def finds(self, script: str, expected: object) -> None:
        """Waits until a script finds what is expected."""

        async def check() -> bool:
            return bool(await self.page.evaluate(script) == expected)

        await until(check)
