"""While the database is away its askers are told so and when to ask again; when it is back, they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from pymongo.errors import (
    AutoReconnect,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from redis.asyncio import Redis

from social import database as databases
from social.capabilities import Capabilities
from social.contract import READS
from social.database import Database
from social.errors import NetworkUnavailable
from tests.proxy import Proxy, proxy_to
from tests.social.asking import Asking, asking, fill
from tests.social.people import post, user
from tests.waiting import until

GIVEN = {"q": "tea", "lat": "0", "lon": "0", "viewer": "bob"}


@pytest.mark.parametrize("fault", [Proxy.black_hole, Proxy.cut], ids=["silent", "cut off"])
async def test_no_read_waits_for_a_database_that_is_away(
    shared: str, database: Database, redis: Redis, monkeypatch: pytest.MonkeyPatch, fault: Callable[[Proxy], None]
) -> None:
    monkeypatch.setattr(databases, "READ_S", 0.3)
    monkeypatch.setattr(databases, "PROBE_S", 0.3)
    await fill(database, user("ada"), post("p", "ada", "tea"))
    at, away = urlsplit(shared), False

    def connect() -> Awaitable[Any]:
        if away:
            raise ConnectionResetError
        return asyncio.open_connection(at.hostname, at.port)

    async with proxy_to(connect) as proxy:
        through = urlunsplit(at._replace(netloc=f"{at.netloc.rsplit(':', 1)[0]}:{proxy.port}"))
        async with Database(through) as reached, asking(reached, redis) as network:
            await until(lambda: answers(network))
            away = True
            fault(proxy)
            for status, retry_after in await asyncio.gather(*(ask(network, read) for read in READS)):
                assert (status, retry_after) == (503, "1")
            away = False
            proxy.restore()
            await until(lambda: answers(network))


async def test_what_the_server_can_do_is_found_out_by_one_of_those_who_ask(
    shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = []

    async def probe(handle: Any) -> Capabilities:
        probes.append(handle)
        if len(probes) == 1:
            raise AutoReconnect("away")
        return Capabilities(text_index=True)

    monkeypatch.setattr(databases, "probe", probe)
    async with Database(shared) as database:
        asked = await asyncio.gather(*(database.capabilities() for _ in range(20)), return_exceptions=True)
        assert {type(each) for each in asked} == {NetworkUnavailable}
        assert await database.capabilities() == await database.capabilities() == Capabilities(text_index=True)
    assert len(probes) == 2


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (AutoReconnect("gone"), True),
        (ServerSelectionTimeoutError("none"), True),
        (ExecutionTimeout("too slow", 50), True),
        (OperationFailure("who are you?", 18), True),
        (OperationFailure("text index required for $text query", 27), True),
        (OperationFailure("unknown operator: $nearby", 2), False),
        (DuplicateKeyError("a second like", 11000), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_counts_as_away(error: PyMongoError, away: bool) -> None:
    assert databases.unavailable(error) is away


async def ask(network: Asking, read: Any) -> tuple[int, str | None]:
    known = {each.name for each in read.parameters}
    id_ = "p" if "/posts" in read.path else "ada"
    given = {name: value for name, value in GIVEN.items() if name in known}
    async with network.raw(read.path.replace("{id}", id_), **given) as reply:
        return reply.status, reply.headers.get("Retry-After")


async def answers(network: Asking) -> bool:
    async with network.raw("/posts/p") as reply:
        return bool(reply.status == 200)
