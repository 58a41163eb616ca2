"""The clients of Plausible, Umami, Google Analytics 4 and Matomo: they send each event once and never again.

So what was acknowledged is counted exactly once, and what was not is told to the client's user in the client's own
words, as far as it has any.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final, Protocol

import aiohttp
import pytest
import pytest_asyncio
from msgspec import Struct

from tests.clients.program import Program, node, python
from tests.clients.sites import Counted, OnSite
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLAUSIBLE: Final = "plausible-tracker"
PLAUSIBLE_NOW: Final = "@plausible-analytics/tracker"
UMAMI: Final = "@umami/node"
UMAMI_PYTHON: Final = "umami-analytics"
GA4: Final = "ga4mp"
MATOMO: Final = "matomo-tracker"
CLIENTS: Final = (PLAUSIBLE, PLAUSIBLE_NOW, UMAMI, UMAMI_PYTHON, GA4, MATOMO)
IN_PYTHON: Final = {UMAMI_PYTHON: "umami_python", GA4: "ga4_python"}
IN_NODE: Final = {UMAMI: "umami_node", MATOMO: "matomo_node"}

URL: Final = "https://shop.example/b"
# Its callback is called whatever came of it, and is given nothing.
TELLS_NOTHING: Final = PLAUSIBLE


class Caller(Protocol):
    async def do(self, call: str, *arguments: object) -> Any: ...


class Page(Struct, frozen=True):
    """One tracker in a page that others are in, too: to load the document takes seconds."""

    program: Program
    tracker: tuple[str, str, str]

    async def do(self, call: str, *arguments: object) -> Any:
        return await self.program.do(call, *self.tracker, *arguments)


Start = Callable[[str, str, str], AbstractAsyncContextManager[Caller]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def document(packages: None) -> AsyncIterator[Program]:
    async with node("plausible") as program:
        yield program


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Start:
    """Runs a client's program: start(client, url, site)."""

    @asynccontextmanager
    async def starting(client: str, url: str, site: str) -> AsyncIterator[Caller]:
        if script := IN_PYTHON.get(client):
            async with python(script, url, site) as program:
                yield program
        elif script := IN_NODE.get(client):
            async with node(script, url, site) as program:
                yield program
        else:
            yield Page(request.getfixturevalue("document"), (client, url, site))

    return starting


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name not in IN_PYTHON:
        request.getfixturevalue("packages" if name in IN_NODE else "document")
    return name


def numbers(counted: Counted) -> Counter[int]:
    """Of the events that were sent with a number."""
    return Counter(int(each["properties"]["number"]) for each in counted.events if "number" in each["properties"])


async def test_what_it_sends_is_taken_as_what_it_is(client: str, start: Start, site: OnSite) -> None:
    async with start(client, site.url, site.alias) as program:
        said = [
            await program.do("page", URL, "https://search.example/"),
            await program.do("track", "Signed_Up", {"plan": "pro"}),
            await program.do("sale", "T-1", 19.99, "EUR"),
            *await program.do("many", 0, 3),
        ]
    assert set(said) == {"over" if client == TELLS_NOTHING else "ok"}
    counted = await site.counted(6)
    assert (counted.total, counted.rejected) == (6, [])
    assert numbers(counted) == Counter(range(3))
    (view,) = counted.page_views
    assert (view["page_url"], view["referrer"]) == (URL, "https://search.example/")
    named = {each["name"]: each for each in counted.events}
    signed_up = named["test / Signed_Up" if client == MATOMO else "Signed_Up"]
    assert signed_up["properties"]["plan"] == "pro"
    if client == TELLS_NOTHING:  # it has no revenue
        assert "T-1" in named
        return
    (sale,) = counted.conversions
    assert sale["value"] == "19.99"
    assert sale["currency"] == ("USD" if client == MATOMO else "EUR")  # Matomo's requests name none: the site's
    if client in (GA4, MATOMO):
        assert sale["conversion_type"] == "purchase"
        (item,) = sale["properties"]["items" if client == GA4 else "ec_items"]
        assert item["item_id" if client == GA4 else "sku"] == "hat"
    else:
        assert sale["conversion_type"] == "T-1"


@pytest.mark.parametrize("client", [each for each in CLIENTS if each != MATOMO], indirect=True)
async def test_every_type_of_value(client: str, start: Start, site: OnSite) -> None:
    async with start(client, site.url, site.alias) as program:
        assert await program.do("values") in ("ok", "over")
    found = (await site.counted(1)).events[0]["properties"]
    assert found["text"] == "grün 日本語 🦆"
    assert found["control"] == "a\tb\nc\ufffdd\ufffd"
    assert found.get("half", "half \ufffd of a pair") == "half \ufffd of a pair"
    assert (found.get("nan"), found.get("inf"), found["none"]) == (None, None, None)
    assert (found["yes"], found["whole"], found["fraction"], found["empty"]) == (True, 42, 0.1, "")
    assert (float(found["big"]), found["bigger"]) == (2.0**63, 2.0**80)
    assert found["nested"] == {"a": {"b": {"c": [{"d": 1}]}}}
    assert found["list"] == [1, "two", None, [3.5]]


async def test_a_wrong_site_is_reported(client: str, start: Start, site: OnSite) -> None:
    async with start(client, site.url, "nobodys.example") as program:
        (said,) = await program.do("many", 0, 1)
    assert said == "over" if client == TELLS_NOTHING else "401" in said
    assert (await site.counted(0)).total == 0


async def test_above_the_rate_what_is_not_taken_is_reported(client: str, start: Start, strict_site: OnSite) -> None:
    async with start(client, strict_site.url, strict_site.alias) as program:
        before = await program.do("many", 0, 1)
        await until(lambda: owes(strict_site, events=1_000))
        after = await program.do("many", 1, 2)
    if client == TELLS_NOTHING:
        assert {*before, *after} == {"over"}
    else:
        assert before == ["ok"]
        assert all("429" in each for each in after)
    assert numbers(await strict_site.counted(1_001)) == Counter([0])


async def owes(site: OnSite, events: int) -> bool:
    """Whether so many were let in at once: more than the key may send in the time of this test."""
    headers = {"X-Write-Key": site.key()}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{site.url}/v1/event", json=[{"name": "other"}] * events, headers=headers) as reply,
    ):
        return reply.status == 202


@pytest.fixture
def a_site_each(site: OnSite, sites: Iterator[str]) -> dict[str, OnSite]:
    return {client: OnSite(site.server, next(sites)) for client in CLIENTS}


@pytest.mark.usefixtures("document")
async def test_the_server_and_valkey_go_away_and_come_back(start: Start, a_site_each: dict[str, OnSite]) -> None:
    """All the clients at once, on one server."""
    server = next(iter(a_site_each.values())).server
    async with AsyncExitStack() as stack:
        programs = {
            client: await stack.enter_async_context(start(client, site.url, site.alias))
            for client, site in a_site_each.items()
        }

        async def all_send(first: int) -> dict[str, Any]:
            found = await asyncio.gather(*(program.do("many", first, 3) for program in programs.values()))
            return dict(zip(programs, found, strict=True))

        before = await all_send(0)
        await server.stop()
        without = await all_send(3)
        await server.start()
        await server.kill_valkey()
        after = await all_send(6)
    for client, site in a_site_each.items():
        if client == TELLS_NOTHING:
            assert set(before[client] + without[client] + after[client]) == {"over"}
        else:
            assert set(before[client] + after[client]) == {"ok"}
            assert all(said.startswith("failed") for said in without[client])
        assert numbers(await site.counted(6)) == Counter([0, 1, 2, 6, 7, 8]), client


async def test_ga4mp_in_batches_of_25(start: Start, site: OnSite) -> None:
    async with start(GA4, site.url, site.alias) as program:
        assert set(await program.do("many", 0, 60)) == {"ok"}
        assert await program.do("later", 60, 3) is None
    counted = await site.counted(63)
    assert numbers(counted) == Counter(range(63))
    assert {each["session_id"].rpartition(".")[0] for each in counted.events} == {"123.456"}
    assert counted.events[0]["properties"]["user_properties"] == {"plan": {"value": "pro"}}


async def test_ga4mp_one_bad_event_a_retried_order_and_validation(start: Start, site: OnSite) -> None:
    bad = {"page_location": "nowhere"}
    async with start(GA4, site.url, site.alias) as program:
        assert "400" in (await program.do("track", "page_view", bad))["raised"]
        for _ in range(2):
            assert await program.do("sale", "T-2", 5, "EUR") == "ok"
        assert await program.do("validate", "page_view", bad) is None
    counted = await site.counted(1, rejected=1)
    assert len(counted.conversions) == counted.total == 1
    assert [each["code"] for each in counted.rejected] == ["invalid_url"]


@pytest.mark.usefixtures("packages")
async def test_matomo_in_bulk(start: Start, site: OnSite) -> None:
    bad = {"url": "nowhere"}
    good = {"e_c": "test", "e_a": "Counted", "number": 200}
    async with start(MATOMO, site.url, site.alias) as program:
        assert await program.do("bulkOf", 0, 200) == {"status": "success", "tracked": 200, "invalid": 0}
        said = await program.do("bulk", bad, good)
        assert said == {"status": "success", "tracked": 1, "invalid": 1, "invalid_indices": [0]}
        assert "400" in await program.do("call", bad)
    counted = await site.counted(201, rejected=2)
    assert numbers(counted) == Counter(range(201))


async def test_umami_for_visitors_of_a_server(start: Start, site: OnSite) -> None:
    async with start(UMAMI_PYTHON, site.url, site.alias) as program:
        for visitor, address in (("u1", "203.0.113.1"), ("", "203.0.113.1"), ("", "203.0.113.2"), ("", "203.0.113.2")):
            assert await program.do("of", visitor, address) == "ok"
    users = [each["user_id"] for each in (await site.counted(4)).events]
    assert users[0] == "u1"
    assert len(set(users)) == 3
    assert users[2] == users[3]


@pytest.mark.usefixtures("packages")
async def test_umami_identifies(start: Start, site: OnSite) -> None:
    async with start(UMAMI, site.url, site.alias) as program:
        assert await program.do("identify", {"plan": "pro"}) == "ok"
        assert "400" in await program.do("page", "https://-/", "")
    (event,) = (await site.counted(1)).events
    assert (event["name"], event["properties"]) == ("identify", {"plan": "pro"})
