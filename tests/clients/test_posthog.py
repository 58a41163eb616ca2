"""PostHog's own clients, both ways that they send: every event counted once, or reported in their words."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.clients.clients import POSTHOG, Client
from tests.clients.sites import OnSite

pytestmark = pytest.mark.asyncio(loop_scope="session")

URL = "https://shop.example/a"
LATER = "2099-01-01T00:00:00+00:00"


@pytest.fixture(params=POSTHOG, ids=str)
def client(request: pytest.FixtureRequest) -> Client:
    found: Client = request.param
    if found.in_node:
        request.getfixturevalue("packages")
    return found


def numbers(count: int) -> Counter[str]:
    return Counter(map(str, range(count)))


async def test_everything_arrives_when_the_program_ends(client: Client, site: OnSite) -> None:
    async with client.start(site.url, site.key()) as program:
        view = {"$current_url": URL, "$referrer": "https://g.example/", "title": "A", "$session_id": "s", "x": 1}
        assert await program.do("capture", "$pageview", view) is None
        assert await program.do("capture", "Signed Up", {"plan": "pro"}) is None
        assert await program.do("capture", "Order Completed", {"revenue": 19.99, "currency": "EUR"}) is None
        assert await program.do("people") is None
        assert await program.do("fail") is None
        assert await program.do("values") is None
        assert await program.do("flag") in (False, None)
    assert program.said == []
    counted = await site.counted(8)
    names = counted.named("name")
    names.pop("$feature_flag_called", None)
    assert sum(names.values()) == 5
    assert {"Signed Up", "Values", "$groupidentify", "$create_alias"} < set(names)
    (seen,), (sale,), (error,) = counted.page_views, counted.conversions, counted.errors
    assert (seen["page_url"], seen["referrer"], seen["title"], seen["session_id"]) == (
        URL, "https://g.example/", "A", "s",
    )  # fmt: skip
    assert (seen["properties"]["x"], seen["user_id"]) == (1, "u")
    assert "posthog" in seen["properties"]["$lib"]
    assert (sale["conversion_type"], sale["value"], sale["currency"]) == ("Order Completed", "19.99", "EUR")
    assert error["error_type"] in ("ValueError", "TypeError")
    assert error["error_message"] == "no"
    assert error["context"]["$exception_list"][0]["stacktrace"]["frames"]
    (found,) = (event["properties"] for event in counted.events if event["name"] == "Values")
    assert found["text"] == "grün 日本語 🦆"
    assert found["half"] in ("half \ufffd of a pair", "half  of a pair")  # some leave it out themselves
    assert (found["nan"], found["inf"], found["none"]) == (None, None, None)
    assert (found["whole"], float(found["big"]), found["bigger"], found["fraction"]) == (42, 2.0**63, 2.0**80, 0.1)
    assert found["moment"].startswith("2026-01-31T12:30:00")
    assert found["nested"] == {"a": {"b": {"c": [{"d": 1}]}}}


async def test_batches_as_large_as_they_come(client: Client, site: OnSite) -> None:
    """Five megabytes in batches of as many events as clients put into one, and one event of nearly a megabyte."""
    async with client.start(site.url, site.key()) as program:
        await program.do("many", 0, 200, 20_000)
        await program.do("many", 200, 1, 800_000)
    counted = await site.counted(201)
    assert program.said == []
    assert counted.named("number") == numbers(201)
    assert {tuple(event["properties"]["not_kept"]) for event in counted.events} == {("padding",)}


async def test_a_bad_event_spoils_no_other_and_is_reported(client: Client, site: OnSite) -> None:
    async with client.start(site.url, site.key()) as program:
        await program.do("many", 0, 2)
        await program.do("capture", "Later", {}, LATER)
        await program.do("many", 2, 2)
        await program.do("flush")
        first = [*program.said]
        await program.do("capture", "Later", {}, LATER)
    if "v1" in client.environment.values():
        assert [each["drops"] for each in program.said] == [1, 1]
    else:  # it has no word for a part
        assert first == []
        assert len(program.said) >= 1
    counted = await site.counted(4, rejected=2)
    assert counted.named("number") == numbers(4)
    assert [each["code"] for each in counted.rejected] == ["in_future"] * 2


async def test_a_wrong_key_is_reported(client: Client, site: OnSite) -> None:
    async with client.start(site.url, "nobodys_key") as program:
        await program.do("many", 0, 2)
    assert "not known" in program.said[0]["error"] or "401" in program.said[0]["error"]
    assert (await site.counted(0)).total == 0
