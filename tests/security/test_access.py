"""What each kind of key opens, over every call of the contract, and that no site is reached with another's."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from hitstream.openapi import document
from tests.application import KEYS, Running, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

PIXEL: Final = "/v1/pixel.gif"  # always a picture: its refusal stands in a header
ELSEWHERE: Final = ("/v1/commerce/", "/v1/social/")  # served only where their databases are
OPEN: Final = {
    "/",
    "/dashboard/{folder}/{name}",
    "/docs",
    "/docs/style.css",
    "/docs/icon.svg",
    "/t.js",
    "/t.{version}.{digest}.js",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
}


def calls(*, public: bool) -> list[tuple[str, str]]:
    """The calls that a write key may make, or those that it may not; none that needs no key."""
    return [
        (method, path.replace("{user_id}", "ann"))
        for path, item in document()["paths"].items()
        for method, operation in item.items()
        if "security" in operation and ({"url": []} in operation["security"]) is public and path != PIXEL
        if not path.startswith(ELSEWHERE)
    ]


SENDING: Final = calls(public=True)
ASKING: Final = calls(public=False)


def presented(key: str) -> list[tuple[dict[str, str], str]]:
    """Every way to present a key: headers, and what stands in the URL."""
    return [
        ({"Authorization": f"Bearer {key}"}, ""),
        ({"Authorization": f"Basic {b64encode(f'{key}:'.encode()).decode()}"}, ""),
        ({"X-Write-Key": key}, ""),
        ({}, f"?key={key}"),
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
    async with serving(redis_url, tmp_path_factory.mktemp("access")) as running:
        yield running


async def code(app: Running, method: str, target: str, headers: dict[str, str]) -> tuple[int, str]:
    body = b"{}" if method == "post" else None
    async with app.session.request(method, app.url + target, headers=headers, data=body) as reply:
        return reply.status, (await reply.json(content_type=None)).get("code", "")


async def test_every_call_is_on_one_side() -> None:
    paths = {path for path in document()["paths"] if not path.startswith(ELSEWHERE)}
    closed = {path for _, path in SENDING + ASKING}
    assert {path.replace("{user_id}", "ann") for path in paths} - closed - {PIXEL} <= OPEN
    assert ("get", "/v1/metrics/realtime") in ASKING
    assert ("post", "/v1/events") in SENDING


@pytest.mark.parametrize(("method", "path"), ASKING)
@pytest.mark.parametrize("kind", ["write", "server"])
async def test_a_key_that_sends_cannot_read(app: Running, method: str, path: str, kind: str) -> None:
    for headers, query in presented(KEYS["shop"][kind]):
        assert await code(app, method, path + query, headers) == (403, "wrong_key")


@pytest.mark.parametrize(("method", "path"), SENDING)
async def test_a_key_that_reads_cannot_send(app: Running, method: str, path: str) -> None:
    for headers, query in presented(KEYS["shop"]["read"]):
        assert await code(app, method, path + query, headers) == (403, "wrong_key")


@pytest.mark.parametrize(("method", "path"), SENDING + ASKING)
async def test_without_a_key_nothing_is_told(app: Running, method: str, path: str) -> None:
    for headers, query in [({}, ""), *presented("hr_nobody")]:
        assert await code(app, method, path + query, headers) == (401, "unauthorized")


@pytest.mark.parametrize(("method", "path"), ASKING)
async def test_a_secret_key_in_a_url_opens_nothing(app: Running, method: str, path: str) -> None:
    assert await code(app, method, f"{path}?key={KEYS['shop']['read']}", {}) == (403, "wrong_key")


async def test_no_parameter_leads_to_another_site(app: Running) -> None:
    """The site follows from the key: there is no call, parameter, member or header that names one."""
    secret = {"type": "event", "name": "secret of the blog", "user_id": "ann"}
    assert (await app.post("/v1/events", secret, site="blog"))[0] == 202
    read = {"Authorization": f"Bearer {KEYS['shop']['read']}"}
    for method, path in ASKING:
        if path == "/v1/live":
            continue
        joint = "&" if "?" in path else "?"
        for name in ("site", "site_id", "tenant", "zone"):
            body = (
                json.dumps({"steps": ["event:secret of the blog"], name: "blog"}).encode() if method == "post" else None
            )
            target = app.url + path + (f"{joint}{name}=blog" if method == "get" else "")
            async with app.session.request(method, target, headers=read, data=body) as reply:
                assert (reply.status, (await reply.json(content_type=None))["code"]) == (400, "bad_parameter")
    for path in ("/v1/metrics/realtime", "/v1/metrics/top?dimension=events", "/v1/users/ann/activity"):
        for headers in ({}, {"Host": "blog.example"}, {"X-Site": "blog", "Origin": "https://blog.example"}):
            async with app.session.get(app.url + path, headers={**read, **headers}) as reply:
                assert reply.status == 200
                assert "secret of the blog" not in await reply.text()
    for path in ("/v1/blog/metrics/realtime", "/v1/sites/blog/metrics/realtime"):
        assert await code(app, "get", path, read) == (404, "not_found")


async def test_no_field_carries_an_event_to_another_site(app: Running) -> None:
    sent = {"type": "error", "error_type": "planted", "site": "blog", "site_id": "blog"}
    body: dict[str, Any] = {"batch": [sent], "site": "blog"}
    headers = {"Host": "blog.example", "X-Site": "blog"}
    assert (await app.post("/v1/events?site=blog", body, headers=headers))[0] == 202
    for site, count in (("blog", 0), ("shop", 1)):
        _, answer = await app.get("/v1/metrics/top", site=site, dimension="error_types")
        assert len(answer["items"]) == count
