"""Hostile HTTP against a whole server: the reply of the table, and a server that is none the worse for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import psutil
import pytest
import pytest_asyncio

from tests.endtoend.serving import Server, serving
from tests.hostile.connection import code, connected, statuses
from tests.hostile.framing import EVENT, FRAMING, KEY, Framing, post
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROWTH = 48 << 20  # bytes: the largest request of the table several times over, and what a new process has yet to load
CROWD = 300


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("framing") / "data") as running:
        yield running


async def taken(server: Server) -> float:
    """Events that the server says it has acknowledged."""
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/metrics") as reply:
        return sum(
            float(count)
            for count in re.findall(r"^hitstream_events_accepted_total{.*} (.*)$", await reply.text(), re.MULTILINE)
        )


async def ask(server: Server, row: Framing) -> tuple[tuple[int, ...], str]:
    async with connected(server.url) as connection:
        await connection.send(row.sent.replace(KEY, server.key("write").encode()), ends=row.ends)
        heard = await connection.heard(len(row.replies) if row.lingers else None)
    return statuses(heard), code(heard)


@pytest.mark.parametrize("row", FRAMING, ids=[row.name for row in FRAMING])
async def test_framing(server: Server, row: Framing) -> None:
    assert await ask(server, row) == (row.replies, row.code)


async def test_nothing_of_it_is_left(server: Server) -> None:
    """The table twice more: no event but those acknowledged, no word in the log, no memory that stays."""
    process = psutil.Process(server.pid)
    events, memory = await taken(server), process.memory_info().rss
    acknowledged = 0
    for row in FRAMING * 2:
        replies, outcome = await ask(server, row)
        acknowledged += replies.count(202) + (outcome == "accepted")
    assert acknowledged > 20
    assert await taken(server) - events == acknowledged
    assert process.memory_info().rss - memory < GROWTH
    said = (server.directory / "server.log").read_text()
    assert "Traceback" not in said
    assert '"level": "error"' not in said
    assert EVENT.decode() not in said


async def test_requests_whose_replies_nobody_reads_do_not_pile_up(server: Server) -> None:
    process = psutil.Process(server.pid)
    memory = process.memory_info().rss
    flood = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 400_000
    async with connected(server.url) as connection:
        sending = asyncio.create_task(connection.send(flood))
        for _ in range(20):
            assert await ask(server, FRAMING[0]) == ((202,), "")
        assert not sending.done()
        assert process.memory_info().rss - memory < GROWTH
        sending.cancel()


async def test_a_crowd_that_never_finishes_holds_up_nobody(server: Server) -> None:
    """Connections without a word, with half a head, with half a body: others are answered meanwhile."""
    whole = post(close=False).replace(KEY, server.key("write").encode())
    async with AsyncExitStack() as crowd:
        for number in range(CROWD):
            connection = await crowd.enter_async_context(connected(server.url))
            await connection.send((b"", whole[:40], whole[:-5])[number % 3])
        for _ in range(20):
            assert await ask(server, FRAMING[0]) == ((202,), "")
    process = psutil.Process(server.pid)
    await until(lambda: len(process.net_connections()) < CROWD)
