"""Pages and browsers that make it hard: the tracker does its work, or none, and never breaks the page."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, Page

from ingest.tracker.files import published
from tests.browser.chromium import Complaints
from tests.browser.gate import gate
from tests.browser.shop import Shop
from tests.browser.shop import shop as opened
from tests.browser.sites import OnSite, configured
from tests.endtoend.serving import serving
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAILING: Final = "Failed to load resource|ERR_|blocked by CORS"
DAY_MS: Final = 86_400_000


async def test_a_release_that_is_pinned_by_its_digest(shop: Shop, page: Page) -> None:
    newest = published()[-1]
    tag = shop.tag(f"integrity={newest.integrity} crossorigin", newest.name)
    await page.goto(shop.put("/own", tag=tag))
    await until(lambda: shop.gate.sent(type="page_view"))


async def test_another_script_is_not_run_in_its_place(shop: Shop, page: Page, complaints: Complaints) -> None:
    complaints.allow("integrity|hitstream is not defined")
    await page.goto(shop.put("/own", tag=shop.tag(f"integrity=sha384-{'A' * 64} crossorigin")))
    assert await page.evaluate("typeof hitstream") == "undefined"


@pytest.mark.parametrize("days", [3, -3])
async def test_a_clock_that_is_days_off(shop: Shop, page: Page, days: int) -> None:
    """What has just happened goes by the server's clock."""
    await page.add_init_script(f"const now = Date.now; Date.now = () => now() + {days * DAY_MS}")
    await page.goto(shop.put("/own"))
    await until(lambda: shop.gate.sent(type="page_view"))
    assert await shop.top("pages") == {f"{shop.origin}/own": 1}


async def test_a_clock_that_is_set_back_while_it_waits(shop: Shop, page: Page, complaints: Complaints) -> None:
    complaints.allow(FAILING)
    shop.gate.refuse = (503, "5")
    await page.goto(shop.put("/own"))
    await until(lambda: shop.gate.received)
    await until(lambda: page.evaluate("Object.values(localStorage).some(it => JSON.parse(it)[0] > 0)"))
    shop.gate.refuse = None
    await page.evaluate(f"{{ const now = Date.now; Date.now = () => now() - {DAY_MS} }} hitstream.event('later')")
    await until(lambda: shop.gate.sent(name="later"))


async def test_a_wait_that_is_no_number(shop: Shop, page: Page, complaints: Complaints) -> None:
    complaints.allow(FAILING)
    shop.gate.refuse = (503, "Wed, 21 Oct 2026 07:28:00 GMT")
    await page.goto(shop.put("/own"))
    await until(lambda: page.evaluate("Object.values(localStorage).some(it => JSON.parse(it)[0] > Date.now())"))


async def test_a_page_that_is_rendered_ahead(shop: Shop, page: Page) -> None:
    """As its scripts see it: Playwright's pages are never rendered ahead."""
    await page.add_init_script("Object.defineProperty(document, 'prerendering', {get: () => !window.shown})")
    await page.goto(shop.put("/own", "hitstream.event('early')"))
    await page.evaluate("new Promise(resolve => requestIdleCallback(resolve))")
    assert not shop.gate.received
    assert await page.evaluate("localStorage.length") == 0
    await page.evaluate("window.shown = true; document.dispatchEvent(new Event('prerenderingchange'))")
    await until(lambda: len(shop.gate.sent()) == 2)


async def test_a_page_that_is_opened_in_the_background(shop: Shop, page: Page) -> None:
    """It is viewed; how it was painted, when somebody came to look, is not told."""
    await page.add_init_script("Object.defineProperty(document, 'hidden', {get: () => !window.shown})")
    await page.goto(shop.put("/own"))
    await page.evaluate("window.shown = true; document.dispatchEvent(new Event('visibilitychange'))")
    await page.goto(shop.put("/next"))
    await until(lambda: len(shop.gate.sent(type="page_view")) == 2)
    assert not shop.gate.sent(name="web_vitals")


STORAGE = {
    "not wanted": ("data-storage=none", ""),
    "blocked": ("", "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no') }})"),
    "switched off": ("", "Object.defineProperty(window, 'localStorage', {get: () => null})"),
    "full": ("", "Storage.prototype.setItem = () => { throw new DOMException('full') }"),
}


@pytest.mark.parametrize(("attributes", "script"), STORAGE.values(), ids=STORAGE)
async def test_without_storage(shop: Shop, page: Page, complaints: Complaints, attributes: str, script: str) -> None:
    """It keeps what it could not send as long as the page lasts."""
    complaints.allow(FAILING)
    await page.add_init_script(script)
    shop.gate.refuse = (503, "0")
    await page.goto(shop.put("/own", "hitstream.event('kept')", tag=shop.tag(attributes)))
    await until(lambda: shop.gate.received)
    shop.gate.refuse = None
    await page.evaluate("dispatchEvent(new Event('online'))")
    await until(lambda: shop.gate.sent(name="kept"))
    if attributes:
        assert await page.evaluate("Object.keys(localStorage)") == []


async def test_in_a_frame_that_may_nothing_but_run(shop: Shop, page: Page) -> None:
    frame = shop.put("/framed")
    await page.goto(shop.put("/own", tag="", body=f'<iframe sandbox="allow-scripts" src="{frame}"></iframe>'))
    await until(lambda: shop.gate.sent(type="page_view", page_url=frame))


PAGES = {
    "its own fetch throws": "window.fetch = () => { throw Error('own') }",
    "its own fetch fails": "window.fetch = () => Promise.reject(Error('own'))",
    "its own fetch answers oddly": "window.fetch = async () => ({})",
    "it adds to all objects": "Object.prototype.added = function () {}; Array.prototype.own = 1",
    "it has no idle time": "delete window.requestIdleCallback",
    "another product's entries": "localStorage['hitstream hw_other'] = '{'; localStorage.theirs = 'x'",
    "damaged entries": "for (const bad of ['{', 'null', '[]', '[1]', '5']) "
    "localStorage['hitstream ' + 'KEY ' + bad] = bad",
}


@pytest.mark.parametrize("script", PAGES.values(), ids=PAGES)
async def test_a_page_that_has_its_own_ways(shop: Shop, page: Page, complaints: Complaints, script: str) -> None:
    complaints.allow(FAILING)
    shop.pages["/odd.js"] = script.replace("KEY", shop.site.key("write"))
    odd = '<script src="/odd.js"></script>'
    await page.goto(shop.put("/own", "hitstream.event('here')", tag=odd + shop.tag()))
    await page.goto(shop.put("/next"))
    await until(lambda: len(shop.gate.sent(type="page_view")) == 2)
    await until(lambda: shop.gate.sent(name="here"))
    assert (await shop.top("events"))["here"] == 1


async def test_a_server_that_is_killed_meanwhile(browser: Browser, tmp_path: Path) -> None:
    """And comes back: what was acknowledged is there, what was not is sent again, all of it counted once."""
    (tmp_path / "hitstream.toml").write_text(configured().replace('ack = "redis"', 'ack = "journal"'))
    async with (
        serving(tmp_path / "data", "--config", str(tmp_path / "hitstream.toml")) as server,
        await browser.new_context() as context,
        gate(lambda: server.url) as between,
        opened(between, OnSite(server.url, "site-0")) as shop,
    ):
        page = await context.new_page()
        await page.goto(f"{shop.origin}/demo/products/fog-bowl")
        for _ in range(5):
            await page.click("text=Add to basket")
        await until(lambda: shop.gate.sent(name="add_to_basket"))
        await server.kill()
        for _ in range(5):
            await page.click("text=Add to basket")
        await page.reload()
        await until(lambda: shop.gate.received[-1].status == 502)
        await server.start()
        again = Shop(between, OnSite(server.url, "site-0"))
        await until(lambda: len(shop.gate.sent(name="add_to_basket")) == 10)

        async def all_are_counted() -> bool:
            events = await again.top("events")
            return events.get("add_to_basket") == 10 and events.get("view_product") == 2

        await until(all_are_counted)
        assert (await again.numbers())["page_views"]["today"] == 2
