"""Plausible's two trackers, unmodified, in a page of another origin: what a visitor does there is counted once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page

from tests.browser.sites import OnSite
from tests.clients.packages import HERE, Missing, install
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODULES: Final = HERE / "node_modules"
PAGE: Final = """<!doctype html><title>Page</title><link rel=icon href=data:,>
<script type=importmap>{"imports": {
  "@plausible-analytics/tracker": "/modules/@plausible-analytics/tracker/plausible.js",
  "plausible-tracker": "/modules/plausible-tracker/build/module/index.js"
}}</script>
<script type=module>SCRIPT
document.body.dataset.ready = ''</script>"""
SCRIPTS: Final = {
    "current": """
import { init, track } from '@plausible-analytics/tracker'
init({ domain: 'DOMAIN', endpoint: 'URL/api/event', captureOnLocalhost: true })
window.send = (name, options) => new Promise((callback) => track(name, { ...options, callback }))
""",
    "former": """
import Plausible from 'plausible-tracker'
const { enableAutoPageviews, trackEvent } = Plausible({ domain: 'DOMAIN', apiHost: 'URL', trackLocalhost: true })
enableAutoPageviews()
window.send = (name, options) => new Promise((callback) => trackEvent(name, { ...options, callback }))
""",
}


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
        if request.path.startswith("/modules/"):
            code = _file(request.path.removeprefix("/modules/")).read_text()
            return web.Response(text=code, content_type="text/javascript")
        script = SCRIPTS[request.query["tracker"]].replace("DOMAIN", request.query["domain"])
        html = PAGE.replace("SCRIPT", script.replace("URL", request.query["url"]))
        return web.Response(text=html, content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")


async def open_page(page: Page, origin: str, site: OnSite, tracker: str) -> None:
    query = urlencode({"tracker": tracker, "domain": site.key("write"), "url": site.url})
    await page.goto(f"{origin}/a?{query}")
    await page.wait_for_selector("body[data-ready]", state="attached")


def _file(name: str) -> Path:
    """The older one leaves out the ending, as bundlers let it."""
    file = MODULES / name
    return file if file.is_file() else file.with_name(f"{file.name}.js")


async def top(site: OnSite, dimension: str) -> dict[str, int]:
    answer = await site.ask("/v1/metrics/top", dimension=dimension, period="today")
    return {item["key"]: item["count"] for item in answer["items"]}


async def paths(site: OnSite, origin: str) -> dict[str, int]:
    return {url.removeprefix(origin).partition("?")[0]: count for url, count in (await top(site, "pages")).items()}


async def send(page: Page, name: str, options: dict[str, Any]) -> Any:
    return await page.evaluate("([name, options]) => window.send(name, options)", [name, options])


async def test_the_current_tracker(page: Page, origin: str, site: OnSite) -> None:
    await open_page(page, origin, site, "current")
    await page.evaluate("history.pushState({}, '', '/b')")
    assert await send(page, "Signed Up", {"props": {"plan": "pro"}}) == {"status": 202}
    assert await send(page, "Purchase", {"revenue": {"amount": 19.99, "currency": "EUR"}}) == {"status": 202}
    await page.goto("about:blank")
    want = {"/a": 1, "/b": 1}

    async def all_arrived() -> bool:
        return await paths(site, origin) == want and "engagement" in await top(site, "events")

    await until(all_arrived)
    assert (await top(site, "events"))["Signed Up"] == 1
    numbers = await site.ask("/v1/metrics/realtime")
    assert numbers["conversions"]["today"] == 1
    assert numbers["conversions"]["value"] == {"EUR": "19.99"}
    assert numbers["unique_metrics"]["visitors"] == 1


async def test_the_former_tracker(page: Page, origin: str, site: OnSite) -> None:
    await open_page(page, origin, site, "former")
    await page.evaluate("history.pushState({}, '', '/b')")
    await send(page, "Signed Up", {"props": {"plan": "pro"}})
    want = {"/a": 1, "/b": 1}

    async def all_arrived() -> bool:
        return await paths(site, origin) == want and await top(site, "events") == {"Signed Up": 1}

    await until(all_arrived)
