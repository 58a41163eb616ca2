"""The questions over HTTP: who may ask, what they are told, and that nothing they send breaks the server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from yarl import URL

from hitstream import problems
from hitstream.access import Keyring
from hitstream.keyfile import SiteKeys
from query import http
from query.http import BODY_BYTES, routes
from query.live import Live
from query.metrics import Metrics
from tests.query.fill import SITES
from tests.store.batches import IDENTITY, NOW, Writer, conversion, page_view

KEYS = {site.id: SiteKeys(write=(f"w-{site.id}",), server=(f"s-{site.id}",), read=(f"r-{site.id}",)) for site in SITES}
AUTH = {"Authorization": "Bearer r-demo"}
FUNNEL = {"steps": ["page:/", "purchase"], "days": 1}
PATHS = (
    "/v1/metrics/realtime",
    "/v1/metrics/comparison",
    "/v1/metrics/timeseries?metric=errors",
    "/v1/metrics/top?dimension=pages",
    "/v1/users/ann/activity",
    "/v1/funnels?steps=page:/,purchase",
)

Client = TestClient[web.Request, web.Application]


async def serve(redis: Any, registry: CollectorRegistry) -> AsyncIterator[Client]:
    metrics = Metrics(registry)
    live = Live(redis=redis, partitions=1, clock=lambda: NOW, metrics=metrics)
    app = web.Application(middlewares=[problems.middleware])
    app.add_routes(
        routes(
            redis=redis,
            clock=lambda: NOW,
            authorize=Keyring(SITES, KEYS).authorize,
            identity=IDENTITY,
            partitions=1,
            live=live,
            metrics=metrics,
        )
    )
    async with TestClient(TestServer(app)) as client:
        yield client
        live.close()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def client(redis: Any, registry: CollectorRegistry) -> AsyncIterator[Client]:
    async for client in serve(redis, registry):
        yield client


@pytest.fixture
async def orphan(tmp_path: Path, registry: CollectorRegistry) -> AsyncIterator[Client]:
    """A server whose Redis is gone."""
    async with Redis(unix_socket_path=str(tmp_path / "none"), retry=Retry(NoBackoff(), 0)) as redis:
        async for client in serve(redis, registry):
            yield client


@pytest.mark.parametrize("path", PATHS)
async def test_an_answer_is_json_that_nobody_keeps(client: Client, path: str) -> None:
    async with client.get(path, headers=AUTH) as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in response.headers
        assert (await response.json())["quality"]["as_of"] == "2026-11-23T13:03:20.000+00:00"


@pytest.mark.parametrize("path", [*PATHS, "/v1/live"])
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthorized"),
        ({"Authorization": "Bearer nobody"}, 401, "unauthorized"),
        ({"Authorization": "Bearer w-demo"}, 403, "wrong_key"),
        ({"Authorization": "Bearer s-demo"}, 403, "wrong_key"),
        ({"X-Write-Key": "w-demo"}, 403, "wrong_key"),
    ],
)
async def test_only_a_read_key_may_ask(
    client: Client, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    async with client.get(path, headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (status, code)


async def test_a_key_that_travels_in_the_url_is_refused(client: Client) -> None:
    async with client.get("/v1/metrics/realtime?key=r-demo") as response:
        assert (response.status, (await response.json())["code"]) == (403, "wrong_key")


async def test_the_site_follows_from_the_key(client: Client, writer: Writer) -> None:
    await writer.send(page_view(), site="berlin")
    views = {}
    for site in ("demo", "berlin"):
        async with client.get("/v1/metrics/realtime", headers={"Authorization": f"Bearer r-{site}"}) as response:
            views[site] = (await response.json())["page_views"]["today"]
    assert views == {"demo": 0, "berlin": 1}


@pytest.mark.parametrize(
    ("path", "parameter", "says"),
    [
        ("/v1/metrics/realtime?site=berlin", "site", "this call takes none"),
        ("/v1/metrics/timeseries", "metric", "page_views, conversions, errors"),
        ("/v1/metrics/timeseries?metric=dau", "metric", "page_views, conversions, errors"),
        ("/v1/metrics/timeseries?metric=%ff%00%F0%9F%98%80", "metric", "page_views, conversions, errors"),
        ("/v1/metrics/timeseries?metric=errors&metric=errors", "metric", "more than once"),
        ("/v1/metrics/timeseries?metric=errors&from=2026-11-23T00:00:00", "from", "offset"),
        ("/v1/metrics/top?dimension=pages&limit=NaN", "limit", "from 1 to 1000"),
        ("/v1/users/ann/activity?hours=169", "hours", "from 1 to 168"),
        (f"/v1/users/{'x' * 129}/activity", "user_id", "128 characters"),
        ("/v1/funnels", "steps", "1 to 20 steps"),
        ("/v1/funnels?steps=a&site=berlin", "site", "steps, days, hours"),
        ("/v1/live?last=1", "last", "this call takes none"),
    ],
)
async def test_a_bad_parameter_is_named(client: Client, path: str, parameter: str, says: str) -> None:
    async with client.get(path, headers=AUTH) as response:
        problem = await response.json()
        assert (response.status, response.content_type) == (400, "application/problem+json")
        assert (problem["code"], problem["parameter"]) == ("bad_parameter", parameter)
        assert says in problem["message"]


@pytest.mark.parametrize(
    "user", ["ann", "a/b", "a b+c", "100%", "?#&", "../..", "ünïcødé\N{SNOWMAN}", ".", "a%2Fb", "{a}"]
)
async def test_any_user_id_can_be_asked_about(client: Client, writer: Writer, user: str) -> None:
    await writer.send(page_view(user=user))
    encoded = quote(user, safe="").replace(".", "%2E")
    async with client.get(URL(f"/v1/users/{encoded}/activity", encoded=True), headers=AUTH) as response:
        answer = await response.json()
        assert (response.status, answer["user_id"], len(answer["items"])) == (200, user, 1)


async def test_a_funnel_may_be_asked_for_in_either_way(client: Client, writer: Writer) -> None:
    await writer.send(page_view(at=NOW - 2), conversion(at=NOW - 1), page_view(user="bob"))
    async with client.get("/v1/funnels?steps=page:/,purchase&days=1", headers=AUTH) as response:
        by_parameters = await response.json()
    async with client.post("/v1/funnels", json=FUNNEL, headers=AUTH) as response:
        assert (response.status, await response.json()) == (200, by_parameters)
    assert [step["users"] for step in by_parameters["steps"]] == [2, 1]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/funnels", b"", 400, "bad_body"),
        ("/v1/funnels", b"steps=a,b", 400, "bad_body"),
        ("/v1/funnels", b"[]", 400, "bad_body"),
        ("/v1/funnels", b"\xff", 400, "bad_body"),
        ("/v1/funnels", b"[" * 9_999, 400, "bad_body"),
        ("/v1/funnels", b"{}", 400, "bad_parameter"),
        ("/v1/funnels", b'{"steps": "a,b"}', 400, "bad_parameter"),
        ("/v1/funnels", b'{"steps": ["a"], "windows": "7d"}', 400, "bad_parameter"),
        ("/v1/funnels?days=7", b'{"steps": ["a"]}', 400, "bad_parameter"),
        ("/v1/funnels", b" " * (BODY_BYTES + 1), 413, "body_too_large"),
    ],
)
async def test_a_body_that_is_no_funnel(client: Client, path: str, body: bytes, status: int, code: str) -> None:
    async with client.post(path, data=body, headers=AUTH) as response:
        assert (response.status, (await response.json())["code"]) == (status, code)


async def test_a_body_that_does_not_come(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_DEADLINE_S", 0.01)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(20)

    async with client.post("/v1/funnels", data=never(), headers=AUTH) as response:
        assert (response.status, (await response.json())["code"]) == (408, "body_timeout")


async def test_a_plus_sign_in_an_offset_may_be_left_unescaped(client: Client) -> None:
    path = "/v1/metrics/timeseries?metric=errors&from=2026-11-23T00:00:00+01:00"
    async with client.get(path, headers=AUTH) as response:
        assert (await response.json())["points"][0]["start"] == "2026-11-22T23:00:00+00:00"


@pytest.mark.parametrize("path", PATHS)
async def test_without_redis_a_question_is_put_off(orphan: Client, path: str) -> None:
    async with orphan.get(path, headers=AUTH) as response:
        assert (response.status, (await response.json())["code"]) == (503, "store_unavailable")
        assert response.headers["Retry-After"] == "1"


async def test_questions_and_refusals_are_counted(client: Client, registry: CollectorRegistry, writer: Writer) -> None:
    await writer.send(conversion())
    await client.get("/v1/metrics/top?dimension=users", headers=AUTH)
    await client.get("/v1/metrics/top?dimension=everything", headers=AUTH)
    await client.get("/v1/metrics/top?dimension=users")
    await client.get("/v1/live?x=y", headers=AUTH)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    assert value("hitstream_query_seconds_count", endpoint="top") == 1
    assert value("hitstream_query_seconds_count", endpoint="realtime") == 0
    assert value("hitstream_query_errors_total", endpoint="top", code="bad_parameter") == 1
    assert value("hitstream_query_errors_total", endpoint="top", code="unauthorized") == 1
    assert value("hitstream_query_errors_total", endpoint="live", code="bad_parameter") == 1


async def test_the_live_stream_is_the_keys_sites(client: Client, writer: Writer) -> None:
    await writer.send(page_view(), site="berlin")
    async with client.get("/v1/live", headers={"Authorization": "Bearer r-berlin"}) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        async with asyncio.timeout(20):
            while not (line := await response.content.readline()).startswith(b"data: "):
                pass
        summary = json.loads(line.removeprefix(b"data: "))
        assert (summary["quality"]["timezone"], summary["page_views"]["today"]) == ("Europe/Berlin", 1)


async def test_a_head_request_gets_the_headers_alone(client: Client) -> None:
    async with client.head("/v1/metrics/realtime", headers=AUTH) as response:
        assert (response.status, await response.read()) == (200, b"")
    async with client.head("/v1/live", headers=AUTH) as response:
        assert response.status == 405
