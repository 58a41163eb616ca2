"""The demo shop in a browser's tab, whose tracker sends through a gate; and pages that a test makes up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web
from playwright.async_api import Page

from hitstream.demo.shop import policy, routes
from tests.browser.gate import Gate, served
from tests.browser.sites import OnSite

POLICY: Final = "Content-Security-Policy"


class Shop:
    """`url`: of its entrance. What is put into `pages` is served at `origin`, under the shop's policy."""

    def __init__(self, gate: Gate, site: OnSite) -> None:
        self.gate = gate
        self.site = site
        self.origin = ""
        self.pages: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"{self.origin}/demo/"

    def tag(self, attributes: str = "", script: str = "t.js") -> str:
        return f'<script src="{self.gate.url}/{script}" data-key="{self.site.key("write")}" {attributes}></script>'

    def put(self, path: str, script: str = "", *, tag: str | None = None, body: str = "") -> str:
        """A page with the tracker and a script of its own behind it. Returns its address."""
        own = path.strip("/").replace("/", "-") + ".js"
        self.pages[f"/own/{own}"] = script
        tags = (self.tag() if tag is None else tag) + f'<script src="/own/{own}"></script>'
        self.pages[path] = f"<!doctype html><title>{path}</title><link rel=icon href=data:,>{tags}{body}"
        return self.origin + path

    async def handle(self, request: web.Request) -> web.Response:
        text = self.pages.get(request.path)
        kind = "text/javascript" if request.path.endswith(".js") else "text/html"
        own = policy(self.gate.url).replace("img-src", "img-src data:")
        headers = {POLICY: f"{own}; frame-src 'self'"}
        return web.Response(text=text or "", status=404 if text is None else 200, content_type=kind, headers=headers)

    async def top(self, dimension: str) -> dict[str, int]:
        answer = await self.site.ask("/v1/metrics/top", dimension=dimension)
        return {item["key"]: item["count"] for item in answer["items"]}

    async def numbers(self) -> Any:
        return await self.site.ask("/v1/metrics/realtime")


@asynccontextmanager
async def shop(gate: Gate, site: OnSite) -> AsyncIterator[Shop]:
    made = Shop(gate, site)
    app = web.Application()
    app.add_routes(routes(write_key=site.key("write"), collector=gate.url))
    app.router.add_get("/{path:.*}", made.handle)
    async with served(app) as made.origin:
        yield made


async def without_cookies(page: Page) -> None:
    assert await page.evaluate("document.cookie") == ""
    assert await page.context.cookies() == []
