"""The tracker's script as pages get it."""

from __future__ import annotations

import gzip
from base64 import b64encode
from hashlib import sha384

import brotli
import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpClient
from aiohttp.test_utils import TestClient

from ingest.tracker.files import published
from ingest.tracker.http import routes

Client = TestClient[web.Request, web.Application]
NEWEST = published()[-1]


@pytest.fixture
async def client(aiohttp_client: AiohttpClient) -> Client:
    app = web.Application()
    app.add_routes(routes())
    return await aiohttp_client(app, auto_decompress=False)


@pytest.mark.parametrize(
    ("path", "caching"),
    [
        ("/t.js", "public, max-age=3600, "),
        *((f"/{script.name}", "public, max-age=31536000, ") for script in published()),
    ],
)
async def test_any_page_may_load_it(client: Client, path: str, caching: str) -> None:
    async with client.get(path, headers={"Origin": "https://shop.example"}) as reply:
        assert reply.status == 200
        assert reply.content_type == "text/javascript"
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert reply.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert reply.headers["Cache-Control"].startswith(caching)
        assert reply.headers["Vary"] == "Accept-Encoding"
        assert "Set-Cookie" not in reply.headers


async def test_without_a_version_it_is_the_newest_one(client: Client) -> None:
    bodies = [
        await (await client.get(path, headers={"Accept-Encoding": "identity"})).read()
        for path in ("/t.js", f"/{NEWEST.name}")
    ]
    assert bodies[0] == bodies[1] == NEWEST.encoded["identity"]
    assert NEWEST.integrity == f"sha384-{b64encode(sha384(bodies[0]).digest()).decode()}"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"), ("identity", None), ("", None)],
)
async def test_it_comes_compressed(client: Client, accepted: str, encoding: str | None) -> None:
    decoders = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}
    async with client.get("/t.js", headers={"Accept-Encoding": accepted}) as reply:
        assert reply.headers.get("Content-Encoding") == encoding
        assert decoders[encoding](await reply.read()) == NEWEST.encoded["identity"]


async def test_who_has_it_is_told_so(client: Client) -> None:
    async with client.get("/t.js") as reply:
        tag = reply.headers["ETag"]
    async with client.get("/t.js", headers={"If-None-Match": f'"other", {tag}'}) as reply:
        assert (reply.status, await reply.read(), reply.headers["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("path", ["/t.1.000000000000.js", "/t.0.x.js", "/t.1.js", f"/t.99.{NEWEST.digest}.js"])
async def test_what_was_never_published_is_not_there(client: Client, path: str) -> None:
    async with client.get(path) as reply:
        assert reply.status == 404
