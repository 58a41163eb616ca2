"""Segment's and RudderStack's own clients: every call counted once, or reported in their words."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.clients.clients import SEGMENT, Client
from tests.clients.sites import OnSite

pytestmark = pytest.mark.asyncio(loop_scope="session")

URL = "https://shop.example/a"


@pytest.fixture(params=SEGMENT, ids=str)
def client(request: pytest.FixtureRequest) -> Client:
    found: Client = request.param
    if found.in_node:
        request.getfixturevalue("packages")
    return found


def numbers(count: int) -> Counter[str]:
    return Counter(map(str, range(count)))


async def test_every_call_arrives_when_the_program_ends(client: Client, site: OnSite) -> None:
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
    async with client.start(site.url, site.key()) as program:
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


async def test_every_type_of_value(client: Client, site: OnSite) -> None:
    async with client.start(site.url, site.key(), gzip=True) as program:
        assert await program.do("values") is None
    (event,) = (await site.counted(1)).events
    found = event["properties"]
    assert found["text"] == "grün 日本語 🦆"
    assert found["half"] == "half \ufffd of a pair"
    assert found["control"] == "a\tb\nc\ufffdd\ufffd"
    assert (found["nan"], found["inf"], found["none"]) == (None, None, None)
    assert (found["whole"], float(found["big"]), found["bigger"], found["fraction"]) == (42, 2.0**63, 2.0**80, 0.1)
    assert found["moment"].startswith("2026-01-31T12:30:00")
    assert found["nested"] == {"a": {"b": {"c": [{"d": 1}]}}}
    assert found["list"] == [1, "two", None, [3.5]]
    assert found.get("decimal", 19.99) == 19.99


async def test_batches_as_large_as_they_come(client: Client, site: OnSite) -> None:
    """A thousand events in batches of half a megabyte, and one of more than an event of ours may hold."""
    async with client.start(site.url, site.key()) as program:
        await program.do("many", 0, 1000, 1000)
        await program.do("many", 1000, 1, 30_000)
    counted = await site.counted(1001)
    assert counted.named("number") == numbers(1001)
    (cut,) = (event["properties"] for event in counted.events if event["properties"]["number"] == 1000)
    assert cut["not_kept"] == ["padding"]


async def test_a_bad_event_spoils_no_other_and_alone_is_reported(client: Client, site: OnSite) -> None:
    bad = {"userId": "u", "event": "Later", "timestamp": "2099-01-01T00:00:00+00:00"}
    async with client.start(site.url, site.key()) as program:
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


async def test_a_wrong_key_is_reported(client: Client, site: OnSite) -> None:
    async with client.start(site.url, "nobody's") as program:
        await program.do("many", 0, 2)
        await program.do("flush")
    assert "401" in program.said[0]["error"]
    assert (await site.counted(0)).total == 0
