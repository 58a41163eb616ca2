"""The rig itself: that it sees what was counted, what was refused, and what a program says."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from tests.clients.packages import HERE
from tests.clients.program import node, python
from tests.clients.sites import OnSite

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def send(site: OnSite, *events: dict[str, Any]) -> int:
    async with (
        aiohttp.ClientSession(headers={"X-Write-Key": site.key()}) as session,
        session.post(site.url + "/v1/events", json=events) as reply,
    ):
        return reply.status


async def test_what_was_counted_is_seen_after_a_restart_and_without_valkey(site: OnSite) -> None:
    address = site.url
    event = {"type": "event", "name": "signup", "properties": {"n": 1}}
    assert await send(site, event, {**event, "event_id": "a"}, {"type": "nothing"}) == 202
    assert (await site.counted(2, rejected=1)).rejected[0]["code"] == "unknown_type"
    await site.server.stop()
    await site.server.start()
    assert site.url == address
    await site.server.kill_valkey()
    assert await send(site, event, {**event, "event_id": "a"}) == 202
    counted = await site.counted(3)
    assert (counted.total, counted.named("name"), counted.named("n")) == (3, {"signup": 3}, {"1": 3})


async def test_a_site_that_sends_too_fast_is_told(strict_site: OnSite) -> None:
    event = {"type": "event", "name": "signup"}
    assert [await send(strict_site, *[event] * 20), await send(strict_site, event)] == [202, 429]


async def test_a_python_program_answers_and_speaks() -> None:
    async with python("echo") as program:
        assert await program.do("echo", "half \ud83e", 1) == ["half \ud83e", 1]
        assert await program.do("fail") == {"raised": "ValueError: no"}
        await program.end()
        assert program.said == ["goodbye"]


async def test_every_package_is_there_at_its_version(packages: None) -> None:
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    async with node("echo") as program:
        assert await program.do("echo", "half \ud83e", 1) == ["half \ud83e", 1]
        assert await program.do("fail") == {"raised": "Error: no"}
        assert await program.do("versions", list(wanted)) == wanted
        await program.end()
        assert program.said == ["goodbye"]


async def test_the_lock_names_no_registry() -> None:
    assert "resolved" not in (HERE / "package-lock.json").read_text()
