"""Segment's and PostHog's scripts, unmodified, in a page of another origin: they ask for their settings, they compress,
and they send the last when the page is left. What a visitor does there is counted once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page

from tests.browser.sites import OnSite
from tests.clients.packages import HERE, Missing, install
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCRIPTS: Final = {
    "segment": HERE / "node_modules" / "@segment" / "analytics-next" / "dist" / "umd" / "index.js",
    "posthog": HERE / "node_modules" / "posthog-js" / "dist" / "array.js",
}
PAGE: Final = "<!doctype html><title>Shop</title><link rel=icon href=data:,><script src=/{}.js></script>"
START_SEGMENT: Final = """([url, key]) => {
  const address = { apiHost: url.replace('http://', '') + '/v1', protocol: 'http' }
  window.analytics = AnalyticsNext.AnalyticsBrowser.load(
    { writeKey: key, cdnURL: url }, { integrations: { 'Segment.io': address } })
}"""
START_POSTHOG: Final = """([url, key]) => {
  // It sends nothing for robots, and takes a headless browser for one.
  posthog.init(key, { api_host: url, opt_out_useragent_filter: true, autocapture: false })
  window.captured = []
  posthog.on('eventCaptured', (event) => captured.push(event.event))
}"""


@pytest.fixture(scope="session", autouse=True)
def packages() -> None:
    try:
        install()
    except Missing as reason:
        pytest.skip(f"the npm packages of the clients are not there: {reason}")


@pytest_asyncio.fixture(loop_scope="session")
async def origin() -> AsyncIterator[str]:
    """A site's own server, at another port than the one that counts."""

    async def serve(request: web.Request) -> web.Response:
        name = request.path.strip("/")
        if name.endswith(".js"):
            return web.Response(text=SCRIPTS[name.removesuffix(".js")].read_text(), content_type="text/javascript")
        return web.Response(text=PAGE.format(name), content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")


async def top(site: OnSite, dimension: str) -> dict[str, int]:
    answer = await site.ask("/v1/metrics/top", dimension=dimension, period="today")
    return {item["key"]: item["count"] for item in answer["items"]}


async def sold(site: OnSite) -> Any:
    numbers = await site.ask("/v1/metrics/realtime")
    assert numbers["conversions"]["value"] == {"EUR": "19.99"}
    return numbers["conversions"]["today"]


async def test_segment(page: Page, origin: str, site: OnSite) -> None:
    await page.goto(f"{origin}/segment?utm_source=mail")
    await page.evaluate(START_SEGMENT, [site.url, site.key("write")])
    await page.evaluate(
        """async () => {
          await analytics.page('Home')
          await analytics.identify('user-1', { plan: 'pro' })
          await analytics.track('Signed Up', { plan: 'pro' })
          await analytics.track('Order Completed', { revenue: 19.99, currency: 'EUR' })
        }"""
    )
    await until(lambda: _is(site, {f"{origin}/segment": 1}, {"identify": 1, "Signed Up": 1}))
    assert await sold(site) == 1


async def test_posthog(page: Page, origin: str, site: OnSite) -> None:
    await page.goto(f"{origin}/posthog?utm_source=mail")
    await page.evaluate(START_POSTHOG, [site.url, site.key("write")])
    await page.evaluate(
        """() => {
          posthog.identify('user-1', { plan: 'pro' })
          posthog.capture('Signed Up', { plan: 'pro', half: '\\ud83e' })
          posthog.capture('Order Completed', { revenue: 19.99, currency: 'EUR' })
          posthog.captureException(new TypeError('no'))
        }"""
    )
    await page.wait_for_function("captured.includes('$pageview')")  # it comes by itself, a little later
    await page.goto("about:blank")
    events = {"$identify": 1, "Signed Up": 1, "$pageleave": 1}
    await until(lambda: _is(site, {f"{origin}/posthog": 1}, events))
    assert await sold(site) == 1
    assert await top(site, "error_types") == {"TypeError": 1}


async def _is(site: OnSite, pages: dict[str, int], events: dict[str, int]) -> bool:
    return await top(site, "pages") == pages and await top(site, "events") == events
