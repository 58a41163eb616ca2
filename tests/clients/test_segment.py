"""Segment's and RudderStack's own clients: every call counted once, or reported in their words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from tests.clients.lines import line_that_loses_a_reply
from tests.clients.program import Program, node, python
from tests.clients.sites import OnSite

pytestmark = pytest.mark.asyncio(loop_scope="session")

Start = Callable[..., AbstractAsyncContextManager[Program]]
URL = "https://shop.example/a"


@pytest.fixture(params=["analytics-python", "rudder-sdk-python", "analytics-node"])
def start(request: pytest.FixtureRequest) -> Start:
    """Runs a client's program: start(url, key, **options)."""
    package = {"analytics-python": "segment.analytics", "rudder-sdk-python": "rudderstack.analytics"}.get(request.param)
    if package is None:
        request.getfixturevalue("packages")

    @asynccontextmanager
    async def starting(url: str, key: str, **options: Any) -> AsyncIterator[Program]:
        if package is None:
            options.pop("gzip", None)
            running = node("segment_node", url, key, json.dumps(options))
        else:
            running = python("segment_python", package, url, key, json.dumps(options))
        async with running as program:
            yield program

    return starting


def numbers(count: int) -> Counter[str]:
    return Counter(map(str, range(count)))


async def test_every_call_arrives_when_the_program_ends(start: Start, site: OnSite) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("identify", {"userId": "u", "traits": {"plan": "pro"}}),
        ("page", {"userId": "u", "name": "Docs", "properties": {"url": URL, "referrer": "https://g.example/", "x": 1}}),
        ("page", {"userId": "u", "name": "Nowhere"}),
        ("screen", {"anonymousId": "anon", "name": "Home"}),
        ("track", {"userId": "u", "event": "Signed Up", "properties": {"plan": "pro"}}),
        ("track", {"userId": "u", "event": "Order Completed", "properties": {"revenue": 19.99, "currency": "EUR"}}),
        ("group", {"userId": "u", "groupId": "g", "traits": {"size": 3}}),
        ("alias", {"userId": "u", "previousId": "anon"}),
    ]
    async with start(site.url, site.key()) as program:
        for type_, event in calls:
            assert await program.do("call", type_, event) is None
        await program.end()
    assert program.said == []
    counted = await site.counted(len(calls))
    assert counted.total == len(calls)
    assert counted.named("name") == Counter(["identify", "page", "screen", "Signed Up", "group", "alias"])
    by_name = {event["name"]: event for event in counted.events}
    assert by_name["identify"]["properties"]["traits"] == {"plan": "pro"}
    assert by_name["Signed Up"]["properties"]["plan"] == "pro"
    assert by_name["group"]["properties"]["group_id"] == "g"
    assert by_name["alias"]["properties"]["previous_id"] == "anon"
    assert by_name["screen"]["user_id"] == "anon"
    assert by_name["screen"]["properties"]["context"]["library"]["name"]
    (view,), (sale,) = counted.page_views, counted.conversions
    assert (view["page_url"], view["referrer"], view["title"]) == (URL, "https://g.example/", "Docs")
    assert (sale["conversion_type"], sale["value"], sale["currency"]) == ("Order Completed", "19.99", "EUR")


async def test_every_type_of_value(start: Start, site: OnSite) -> None:
    async with start(site.url, site.key(), gzip=True) as program:
        assert await program.do("values") is None
    (event,) = (await site.counted(1)).events
    found = event["properties"]
    assert found["text"] == "grün 日本語 🦆"
    assert found["half"] == "half \ufffd of a pair"
    assert found["control"] == "a\tb\nc\ufffdd\ufffd"
    assert (found["nan"], found["inf"], found["none"]) == (None, None, None)
    assert (found["whole"], found["big"], found["bigger"], found["fraction"]) == (42, 2**63, 2.0**80, 0.1)
    assert found["moment"].startswith("2026-01-31T12:30:00")
    assert found["nested"] == {"a": {"b": {"c": [{"d": 1}]}}}
    assert found["list"] == [1, "two", None, [3.5]]
    assert found.get("decimal", 19.99) == 19.99


async def test_batches_as_large_as_they_come(start: Start, site: OnSite) -> None:
    """A thousand events in batches of half a megabyte, and one of more than an event of ours may hold."""
    async with start(site.url, site.key()) as program:
        await program.do("many", 0, 1000, 1000)
        await program.do("many", 1000, 1, 30_000)
    counted = await site.counted(1001)
    assert counted.named("number") == numbers(1001)
    (cut,) = (event["properties"] for event in counted.events if event["properties"]["number"] == 1000)
    assert cut["not_kept"] == ["padding"]


async def test_the_server_and_valkey_go_away_and_come_back(start: Start, site: OnSite) -> None:
    async with start(site.url, site.key()) as program:
        await program.do("many", 0, 3)
        await program.do("flush")
        await site.server.stop()
        await program.do("many", 3, 3)
        await site.server.start()
        await program.do("flush")
        await site.server.kill_valkey()
        await program.do("many", 6, 3)
        await program.do("flush")
    assert program.said == []
    assert (await site.counted(9)).named("number") == numbers(9)


async def test_a_reply_that_is_lost_counts_nothing_twice(start: Start, site: OnSite) -> None:
    async with line_that_loses_a_reply(site.url, b"POST /v1/batch") as line, start(line.url, site.key()) as program:
        await program.do("many", 0, 3)
        await program.do("flush")
        assert line.proxy.replies_lost == 1
    assert (await site.counted(3)).named("number") == numbers(3)


async def test_a_bad_event_spoils_no_other_and_alone_is_reported(start: Start, site: OnSite) -> None:
    bad = {"userId": "u", "event": "Later", "timestamp": "2099-01-01T00:00:00+00:00"}
    async with start(site.url, site.key()) as program:
        await program.do("many", 0, 2)
        await program.do("call", "track", bad)
        await program.do("many", 2, 2)
        await program.do("flush")
        assert program.said == []
        await program.do("call", "track", bad)
        await program.do("flush")
    assert len(program.said) == 1
    assert "400" in program.said[0]["error"]
    counted = await site.counted(4, rejected=2)
    assert counted.named("number") == numbers(4)
    assert [each["code"] for each in counted.rejected] == ["in_future"] * 2


async def test_a_wrong_key_is_reported(start: Start, site: OnSite) -> None:
    async with start(site.url, "nobody's") as program:
        await program.do("many", 0, 2)
        await program.do("flush")
    assert "401" in program.said[0]["error"]
    assert (await site.counted(0)).total == 0


async def test_above_the_rate_they_wait_and_lose_nothing(start: Start, strict_site: OnSite) -> None:
    async with start(strict_site.url, strict_site.key()) as program:
        for batch in range(2):
            await program.do("many", batch * 15, 15)
            await program.do("flush")
    assert program.said == []
    assert (await strict_site.counted(30)).named("number") == numbers(30)
