"""The page of the API in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.browser.chromium import Complaints
from tests.browser.live_page import LivePage
from tests.browser.sites import OnSite
from tests.endtoend.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_it_reads_well_in_both_themes_and_on_a_telephone(page: Page, server: Server) -> None:
    grounds = set()
    for scheme, width in (("light", 1400), ("dark", 1400), ("light", 380)):
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        await page.set_viewport_size({"width": width, "height": 900})
        await page.goto(f"{server.url}/docs")
        assert await page.locator("h1").inner_text() == "The API"
        grounds.add(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "the page itself must not scroll"
        )
    assert len(grounds) == 2


async def test_a_link_leads_to_its_call(page: Page, server: Server) -> None:
    await page.goto(f"{server.url}/docs")
    await page.get_by_role("navigation", name="Calls").get_by_text("/v1/funnels").last.click()
    assert page.url.endswith("#post-v1-funnels")
    call = page.locator("article:target")
    await call.get_by_role("link", name="Funnel", exact=True).click()
    assert await page.locator(":target h3").inner_text() == "Funnel"


async def test_the_live_page_leads_to_it(page: Page, site: OnSite, complaints: Complaints) -> None:
    await LivePage(page, site).open(complaints)
    await page.get_by_role("link", name="the API").click()
    assert await page.locator("h1").inner_text() == "The API"
