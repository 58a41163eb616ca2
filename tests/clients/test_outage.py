"""Faults, and every client that sends again at once: the same events are counted once, whatever was lost on the way.

They share an outage, for a server's stop and start is the same for all, and most of the time goes into waiting.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.clients.clients import POSTHOG, SEGMENT, Client
from tests.clients.lines import Line, line_that_loses_a_reply
from tests.clients.packages import Missing, install
from tests.clients.program import Program
from tests.clients.sites import OnSite
from tests.endtoend.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def clients() -> list[Client]:
    found = [*SEGMENT, *POSTHOG]
    try:
        install()
    except Missing:
        return [client for client in found if not client.in_node]
    return found


class Sender:
    """A client's program that sends numbers to a site of its own."""

    def __init__(self, client: Client, site: OnSite, program: Program, line: Line) -> None:
        self.name = str(client)
        self.site = site
        self.line = line
        self.program = program
        self._sent = 0

    async def send(self, count: int) -> None:
        await self.program.do("many", self._sent, count)
        self._sent += count

    async def flush(self) -> None:
        await self.program.do("flush")

    async def counted(self) -> dict[str, Any]:
        """What is amiss."""
        numbers = (await self.site.counted(self._sent)).named("number")
        return numbers - self._wanted() | self._wanted() - numbers

    def _wanted(self) -> Counter[str]:
        return Counter(map(str, range(self._sent)))


async def started(stack: AsyncExitStack, clients: list[Client], server: Server, sites: Iterator[str]) -> list[Sender]:
    found = []
    for client in clients:
        site = OnSite(server, next(sites))
        line = await stack.enter_async_context(line_that_loses_a_reply(site.url, b"POST "))
        program = await stack.enter_async_context(client.start(line.url, site.key()))
        found.append(Sender(client, site, program, line))
    return found


async def test_a_reply_is_lost_and_the_server_and_valkey_are_stopped_and_killed(
    clients: list[Client], server: Server, sites: Iterator[str]
) -> None:
    async with AsyncExitStack() as stack:
        senders = await started(stack, clients, server, sites)
        for sender in senders:
            await sender.send(3)
        await asyncio.gather(*(sender.flush() for sender in senders))
        assert {sender.name: sender.line.proxy.replies_lost for sender in senders} == {
            sender.name: 1 for sender in senders
        }
        await server.stop()
        for sender in senders:
            await sender.send(3)
        await server.start()
        await asyncio.gather(*(sender.flush() for sender in senders))
        await server.kill_valkey()
        for sender in senders:
            await sender.send(3)
        await asyncio.gather(*(sender.flush() for sender in senders))
        await server.kill()
        for sender in senders:
            await sender.send(3)
        await server.start()
        await asyncio.gather(*(sender.program.end() for sender in senders))
        assert {sender.name: await sender.counted() for sender in senders} == {sender.name: {} for sender in senders}


async def test_above_the_rate_they_wait_and_lose_nothing(
    clients: list[Client], strict_server: Server, sites: Iterator[str]
) -> None:
    async with AsyncExitStack() as stack:
        senders = await started(stack, clients, strict_server, sites)
        for _ in range(2):
            for sender in senders:
                await sender.send(15)
            await asyncio.gather(*(sender.flush() for sender in senders))
        await asyncio.gather(*(sender.program.end() for sender in senders))
        assert {sender.name: sender.program.said for sender in senders} == {sender.name: [] for sender in senders}
        assert {sender.name: await sender.counted() for sender in senders} == {sender.name: {} for sender in senders}
