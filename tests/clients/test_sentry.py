"""Sentry's own clients: every error counted once. They send once, so what is lost on the way is theirs to tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tests.clients.clients import SENTRY, Client
from tests.clients.sites import Counted, OnSite
from tests.endtoend.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(params=SENTRY, ids=str)
def client(request: pytest.FixtureRequest) -> Client:
    found: Client = request.param
    if found.in_node:
        request.getfixturevalue("packages")
    return found


def said(counted: Counted) -> Counter[str]:
    return Counter(error["error_message"] for error in counted.errors)


def numbers(*ranges: range) -> Counter[str]:
    return Counter(f"number {number}" for each in ranges for number in each)


async def test_an_error_arrives_with_all_that_is_known_of_it(client: Client, site: OnSite) -> None:
    async with client.start(site.url, site.key()) as program:
        assert await program.do("values") is None
        await program.do("fail", "half \ud83e and \x00")
    counted = await site.counted(2)
    error, caused = sorted(counted.errors, key=lambda error: error["error_message"] != "no")
    assert error["error_type"] in ("ValueError", "TypeError")
    assert (error["error_message"], error["user_id"]) == ("no", "u")
    context = error["context"]
    assert (context["release"], context["environment"], context["level"]) == ("shop@1.2", "test", "error")
    assert context["tags"] == {"plan": "pro"}
    assert context["user"] == {"id": "u", "email": "a@b.example"}
    assert context["frame"]["function"]
    assert "sentry_" in context["frame"]["filename"]
    found = context["extra"]
    assert found["text"] == "grün 日本語 🦆"
    assert (found["whole"], found["fraction"], found["none"], found["yes"]) == (42, 0.1, None, True)
    assert "203.0.113.9" not in str(counted)
    assert caused["error_message"].startswith("half ")
    assert caused["context"]["causes"][0].startswith(("KeyError", "Error: deeper"))


async def test_many_and_one_that_is_large(client: Client, site: OnSite) -> None:
    async with client.start(site.url, site.key()) as program:
        await program.do("many", 0, 30)
        await program.do("many", 30, 1, 100_000)
    assert program.said == []
    assert said(await site.counted(31)) == numbers(range(31))


async def test_a_wrong_key_is_reported(client: Client, site: OnSite) -> None:
    async with client.start(site.url, "nobodys_key") as program:
        await program.do("many", 0, 2)
    assert program.said[:2] == [{"dropped": "status_401"}] * 2
    assert (await site.counted(0)).total == 0


async def test_what_is_sent_while_the_server_is_away_is_reported_as_lost(
    packages: None, server: Server, sites: Iterator[str]
) -> None:
    async with AsyncExitStack() as stack:
        programs = []
        for client in SENTRY:
            site = OnSite(server, next(sites))
            programs.append((site, await stack.enter_async_context(client.start(site.url, site.key()))))
        for _, program in programs:
            await program.do("many", 0, 3)
            await program.do("flush")
        await server.stop()
        for _, program in programs:
            await program.do("many", 3, 3)
            await program.do("flush")
            assert len(program.said) >= 3  # envelopes, and it sends others than errors
        await server.start()
        await server.kill_valkey()
        for _, program in programs:
            await program.do("many", 6, 3)
            await program.end()
        for site, _ in programs:
            assert said(await site.counted(6)) == numbers(range(3), range(6, 9))


async def test_above_the_rate_the_server_waits_for_they_would_not_send_again(
    client: Client, strict_site: OnSite
) -> None:
    async with client.start(strict_site.url, strict_site.key()) as program:
        await program.do("many", 0, 30)
        await program.do("flush")
    assert program.said == []
    assert said(await strict_site.counted(30)) == numbers(range(30))
