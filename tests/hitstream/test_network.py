"""The network as the application has it: it waits for nobody, and nobody waits for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.asyncio import Redis

from social import database
from tests.application import serving

AWAY = "mongodb://127.0.0.1:1"


async def test_everything_else_goes_on_without_mongodb(
    redis: Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "READ_S", 0.1)
    async with serving(redis_url, tmp_path, mongo_url=AWAY, network="shop") as app:
        headers = {"Authorization": "Bearer hr_shop_0123456789"}
        async with app.session.get(f"{app.url}/v1/social/posts/p", headers=headers) as reply:
            assert reply.status == 503
            assert reply.headers["Retry-After"] == "1"
            assert (await reply.json(content_type=None))["code"] == "network_unavailable"
        assert (await app.post("/v1/page_view", {"page_url": "https://shop.example/"}))[0] == 202
        assert (await app.get("/v1/metrics/realtime"))[1]["page_views"]["today"] == 1


async def test_one_site_has_the_network_and_its_read_key_alone_asks(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    async with serving(redis_url, tmp_path, mongo_url=AWAY, network="shop") as app:
        status, problem = await app.get("/v1/social/posts/p", site="blog")
        assert (status, problem["code"]) == (404, "no_network")
        assert (await app.get("/v1/social/posts/p", kind="write"))[0] == 403


async def test_without_a_network_there_are_no_such_calls(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(redis_url, tmp_path) as app:
        assert (await app.get("/v1/social/posts/p"))[0] == 404
