"""The demo shop as a browser is sent it."""

from __future__ import annotations

import re

import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpClient

from hitstream.demo.shop import routes

COLLECTOR = "https://stats.example"
PATHS = ["/", "/products/fog-bowl", "/basket", "/checkout", "/thanks", "/journal", "/journal/water"]


@pytest.fixture
def shop() -> web.Application:
    app = web.Application()
    app.add_routes(routes(write_key='hw_"<', collector=COLLECTOR))
    return app


@pytest.mark.parametrize(("path", "status"), [*((path, 200) for path in PATHS), ("/cellar", 404), ("/products/x", 404)])
async def test_a_page(aiohttp_client: AiohttpClient, shop: web.Application, path: str, status: int) -> None:
    client = await aiohttp_client(shop)
    async with client.get(f"/demo{path}") as reply:
        text = await reply.text()
        assert reply.status == status
        assert reply.content_type == "text/html"
        assert (
            f"script-src 'self' {COLLECTOR}; connect-src 'self' {COLLECTOR};"
            in reply.headers["Content-Security-Policy"]
        )
    assert f'src="{COLLECTOR}/t.js" data-key="hw_&quot;&lt;"' in text
    assert not re.search(r"<style|style=|<script(?![^>]*src=)| on\w+=", text), "the policy forbids what is inline"
    assert "$" not in text, "something is left to be filled in"


async def test_every_local_link_leads_somewhere(aiohttp_client: AiohttpClient, shop: web.Application) -> None:
    client = await aiohttp_client(shop)
    seen, left = set[str](), ["/demo"]
    while left:
        path = left.pop()
        async with client.get(path) as reply:
            assert reply.status == 200 or path == "/demo/cellar", path
            text = await reply.text() if reply.content_type == "text/html" else ""
        found = set(re.findall(r'(?:href|src)="(/demo[^"]*)"', text)) - seen
        seen |= found
        left += found
    assert {"/demo/products/morning-pot", "/demo/assets/shop.js", "/demo/cellar"} <= seen
