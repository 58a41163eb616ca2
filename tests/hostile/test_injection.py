"""Texts that mean something to somebody further on, through every field and out of every answer again."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from query.question import DIMENSIONS
from tests.application import KEYS, Running, serving
from tests.hostile.bodies import Reply
from tests.hostile.injection import INJECTIONS, MARK, REPLY, body

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
    async with serving(redis_url, tmp_path_factory.mktemp("injection")) as running:
        yield running


@pytest.mark.parametrize("text", INJECTIONS.values(), ids=INJECTIONS.keys())
async def test_a_text_is_a_text(app: Running, redis_url: str, text: str) -> None:
    status, reply, headers = await app.post(
        "/v1/events", data=body(text), headers={"Content-Type": "application/json", "User-Agent": "x" + MARK}
    )
    rejected = tuple((bad["index"], bad["code"]) for bad in reply["rejected"])
    assert Reply(status, "", reply["accepted"], rejected) == REPLY
    assert MARK not in json.dumps(reply)
    assert "Set-Cookie" not in headers


async def test_no_text_becomes_a_key_and_none_holds_a_control_character(app: Running, redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        client: Any = redis
        found = [key async for key in client.scan_iter(count=1000)]
        assert len(found) > 20
        assert not [key for key in found if MARK.encode() in key]
        stored = 0
        for stream in ("page_views", "conversions", "errors", "user_events"):
            for _, fields in await client.xrange(f"{{p0}}:{stream}"):
                for value in fields.values():
                    stored += MARK.encode() in value
                    assert not CONTROL.search(value.decode())
        assert stored > len(INJECTIONS) * 10


async def test_no_answer_holds_a_control_character(app: Running) -> None:
    asked = ["/v1/metrics/realtime", *(f"/v1/metrics/top?dimension={name}&limit=1000" for name in DIMENSIONS)]
    marked = 0
    for path in asked:
        async with app.session.get(
            app.url + path, headers={"Authorization": f"Bearer {KEYS['shop']['read']}"}
        ) as reply:
            assert reply.status == 200
            raw = await reply.read()
        marked += raw.count(MARK.encode())
        assert not [text for text in _texts(json.loads(raw)) if CONTROL.search(text)]
    assert marked > len(INJECTIONS) * 3


async def test_no_text_becomes_a_metric(app: Running) -> None:
    async with app.session.get(f"{app.url}/metrics") as reply:
        exposed = await reply.text()
    assert "hitstream_events_accepted_total" in exposed
    assert MARK not in exposed
    assert "forged_metric" not in exposed


def _texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for pair in value.items() for each in pair for text in _texts(each)]
        case list():
            return [text for each in value for text in _texts(each)]
    return []
