"""The application as a whole: an event on its way through, roles, health, and the contract that it publishes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpClient
from redis.asyncio import Redis

from hitstream.app import application
from hitstream.openapi import document
from hitstream.problems import MEDIA_TYPE
from ingest.dialects import DIALECTS
from tests.hitstream.deployments import bearer, deployment
from tests.waiting import until

NOWHERE = "unix:///nowhere/valkey.sock"
NO_POSTGRES = "postgresql:///nothing?host=/nowhere"
NO_MONGO = "mongodb://127.0.0.1:1"
QUESTIONS = ("/v1/metrics/", "/v1/users/", "/v1/funnels", "/v1/live")


@pytest.fixture(autouse=True)
def hardly_drains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no Redis, waiting for it longer shows nothing more."""
    monkeypatch.setattr("hitstream.app.DRAIN_S", 0.1)


async def test_an_event_becomes_an_answer(
    aiohttp_client: AiohttpClient, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    deployed = deployment(tmp_path, redis_url)
    async with application(deployed) as app:
        client = await aiohttp_client(app)
        event = {"page_url": "https://shop.example/hello"}
        async with client.post("/v1/page_view", json=event, headers=bearer(deployed, "write")) as reply:
            assert reply.status == 202

        async def is_counted() -> bool:
            async with client.get("/v1/metrics/realtime", headers=bearer(deployed, "read")) as reply:
                return bool((await reply.json())["page_views"]["today"] == 1)

        await until(is_counted)
        async with client.get("/metrics") as reply:
            exposed = await reply.text()
        assert 'hitstream_events_accepted_total{type="page_views"} 1.0' in exposed
        assert "hitstream_redis_up 1.0" in exposed
        assert "_created" not in exposed


async def test_without_redis_events_are_kept_and_it_is_ready(aiohttp_client: AiohttpClient, tmp_path: Path) -> None:
    deployed = deployment(tmp_path, NOWHERE)
    async with application(deployed) as app:
        client = await aiohttp_client(app)
        event = {"type": "error", "error_type": "timeout"}
        async with client.post("/v1/events", json=event, headers=bearer(deployed, "server")) as reply:
            assert reply.status == 202
        async with client.get("/readyz") as reply:
            assert (reply.status, await reply.json()) == (200, {"ready": True, "reasons": []})
        async with client.get("/metrics") as reply:
            exposed = await reply.text()
        assert "hitstream_redis_up 0.0" in exposed
        assert "hitstream_backlog_events 1.0" in exposed
        async with client.get("/v1/metrics/realtime", headers=bearer(deployed, "read")) as reply:
            assert reply.status == 503
            assert (await reply.json(content_type=MEDIA_TYPE))["code"] == "store_unavailable"


async def test_what_one_run_left_the_next_one_counts(
    aiohttp_client: AiohttpClient, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    away = deployment(tmp_path, NOWHERE)
    async with application(away) as app:
        client = await aiohttp_client(app)
        event = {"type": "event", "name": "signup"}
        async with client.post("/v1/events", json=event, headers=bearer(away, "write")) as reply:
            assert reply.status == 202
    async with application(deployment(tmp_path, redis_url)):

        async def is_in_redis() -> bool:
            return await redis.xlen("{p0}:user_events") == 1

        await until(is_in_redis)


async def test_with_ack_redis_one_reads_ones_writes(
    aiohttp_client: AiohttpClient, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    deployed = deployment(tmp_path, redis_url, ack="redis")
    async with application(deployed) as app:
        client = await aiohttp_client(app)
        event = {"type": "event", "name": "signup"}
        async with client.post("/v1/events", json=event, headers=bearer(deployed, "write")) as reply:
            assert reply.status == 202
        assert await redis.xlen("{p0}:user_events") == 1


async def test_near_its_quota_a_worker_is_not_ready(aiohttp_client: AiohttpClient, tmp_path: Path) -> None:
    deployed = deployment(tmp_path, NOWHERE, journal_quota_bytes=1 << 20)
    async with application(deployed) as app:
        client = await aiohttp_client(app)
        events = [{"type": "event", "name": "signup", "properties": {"text": "x" * 8000}}] * 10
        answers: list[tuple[int, str | None]] = []
        while not answers or answers[-1][0] == 202:
            async with client.post("/v1/events", json=events, headers=bearer(deployed, "write")) as reply:
                answers.append((reply.status, reply.headers.get("Retry-After")))
        assert answers[0] == (202, None)
        assert answers[-1][0] == 503
        assert int(answers[-1][1] or 0) >= 1
        async with client.get("/readyz") as reply:
            body = await reply.json()
        assert (reply.status, body["ready"]) == (503, False)
        assert "the journal's backlog is near its quota" in body["reasons"]
        async with client.get("/healthz") as reply:
            assert reply.status == 200


def served(app: web.Application) -> set[tuple[str, str]]:
    """Method and path of every route that a client is meant to know."""
    return {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.resource and route.method not in ("OPTIONS", "HEAD")
    }


@pytest.mark.parametrize(
    ("role", "sends", "asks"), [("all", True, True), ("ingest", True, False), ("query", False, True)]
)
async def test_a_role_serves_its_part(tmp_path: Path, role: str, sends: bool, asks: bool) -> None:
    async with application(deployment(tmp_path, NOWHERE, role=role)) as app:
        found = served(app)
    assert (("post", "/v1/events") in found) is sends
    assert (("get", "/v1/metrics/realtime") in found) is asks
    assert ("get", "/healthz") in found
    assert (tmp_path / "journal").exists() is sends


async def test_the_contract_and_the_routes_agree(tmp_path: Path) -> None:
    described = {(method, path) for path, item in document()["paths"].items() for method in item}
    off = tuple(DIALECTS)  # their contract is other products' documentation
    async with application(deployment(tmp_path, NOWHERE, NO_POSTGRES, NO_MONGO, dialects_off=off)) as app:
        assert served(app) == described


def test_every_reference_of_the_contract_leads_somewhere() -> None:
    whole = document()

    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set[str]()
            return own.union(*(references(value) for value in part.values()))
        return set[str]().union(*(references(value) for value in part)) if isinstance(part, list) else set()

    found = references(whole)
    assert found
    for reference in found:
        kind, _, name = reference.removeprefix("#/components/").partition("/")
        assert name in whole["components"][kind], reference


def test_every_parameter_of_a_path_is_described() -> None:
    for path, item in document()["paths"].items():
        for operation in item.values():
            described = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert described == set(re.findall(r"\{(\w+)\}", path))


async def test_every_parameter_that_a_question_takes_is_described(
    aiohttp_client: AiohttpClient, tmp_path: Path
) -> None:
    deployed = deployment(tmp_path, NOWHERE, role="query")
    asking = {path: item["get"] for path, item in document()["paths"].items() if path.startswith(QUESTIONS)}
    assert len(asking) >= 6
    async with application(deployed) as app:
        client = await aiohttp_client(app)
        for path, operation in asking.items():
            described = {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}
            target = re.sub(r"\{\w+\}", "x", path)
            async with client.get(target, params={"zzz": "1"}, headers=bearer(deployed, "read")) as reply:
                told = (await reply.json(content_type=MEDIA_TYPE))["message"]
            known = told.partition("the known ones are ")[2]
            assert described == set(known.split(", ")) - {""}, path


async def test_the_contract_is_served(aiohttp_client: AiohttpClient, tmp_path: Path) -> None:
    async with application(deployment(tmp_path, NOWHERE)) as app:
        client = await aiohttp_client(app)
        async with client.get("/openapi.json") as reply:
            served_document = await reply.json()
    assert served_document["openapi"] == "3.1.0"
    assert served_document["paths"]["/v1/events"]["post"]["responses"]["503"]["content"][MEDIA_TYPE]
