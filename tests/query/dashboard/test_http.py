"""What a browser is told about the page and its parts."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import brotli
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hitstream import problems
from query.dashboard.files import load
from query.dashboard.http import routes

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application(middlewares=[problems.middleware])
    app.add_routes(routes())
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


async def test_the_page_lets_nothing_in_but_its_own_files(client: Client) -> None:
    async with client.get("/", headers={"Origin": "https://evil.example"}) as reply:
        assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        policy = dict(each.split(" ", 1) for each in reply.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["form-action"] == policy["trusted-types"] == "'none'"
        assert {policy[name] for name in policy if name.endswith("-src")} == {"'none'", "'self'"}
        assert "unsafe" not in reply.headers["Content-Security-Policy"]
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["X-Frame-Options"] == "DENY"
        assert reply.headers["Cache-Control"] == "no-cache"
        assert "Access-Control-Allow-Origin" not in reply.headers
        assert "evil" not in str(reply.headers)


async def test_a_page_that_is_known_is_not_sent_again(client: Client) -> None:
    async with client.get("/") as reply:
        tag = reply.headers["ETag"]
    async with client.get("/", headers={"If-None-Match": tag}) as reply:
        assert (reply.status, await reply.read()) == (304, b"")
        assert "Content-Security-Policy" in reply.headers
    async with client.get("/", headers={"If-None-Match": '"another"'}) as reply:
        assert reply.status == 200


@pytest.mark.parametrize(
    ("suffix", "type_"),
    [
        (".js", "text/javascript; charset=utf-8"),
        (".css", "text/css; charset=utf-8"),
        (".svg", "image/svg+xml"),
        (".woff2", "font/woff2"),
        (".LICENSE.txt", "text/plain; charset=utf-8"),
    ],
)
async def test_a_part_is_kept_for_ever(client: Client, suffix: str, type_: str) -> None:
    folder, name = next(key for key in load().parts if key[1].endswith(suffix))
    async with client.get(f"/dashboard/{folder}/{name}") as reply:
        assert (reply.status, reply.headers["Content-Type"]) == (200, type_)
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("BR", "br"),
        ("br;q=0.0", None),
        ("identity", None),
        ("", None),
    ],
)
async def test_it_comes_compressed_as_the_browser_can(client: Client, accepted: str, encoding: str | None) -> None:
    async with client.get("/", headers={"Accept-Encoding": accepted}) as reply:
        body = await reply.read()
        assert reply.headers.get("Content-Encoding") == encoding
        assert reply.headers["Vary"] == "Accept-Encoding"
    plain = {"br": brotli.decompress, "gzip": gzip.decompress}.get(encoding or "", bytes)(body)
    assert plain == load().index.encoded["identity"]


@pytest.mark.parametrize(
    "path", ["/dashboard/vendor/none.js", "/dashboard/0/main.js", "/dashboard/..%2f/http.py", "/dashboard/", "/page"]
)
async def test_what_is_not_there_is_not_found(client: Client, path: str) -> None:
    async with client.get(path) as reply:
        assert (reply.status, reply.content_type) == (404, "application/problem+json")
