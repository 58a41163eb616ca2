"""kill -9 in the middle of a stream of events, at random points: what was acknowledged is counted, and counted once.

Senders send each event until it is acknowledged, with its event_id, as a tracker does; so at the end every event must
stand exactly once in streams, counters, leaderboards and trail alike. The seed of a failing run is in its name.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from tests.endtoend.serving import Server, serving
from tests.endtoend.traffic import Traffic, all_is_counted
from tests.waiting import until

KILLS = 20


@pytest.mark.parametrize("seed", [20261123])
async def test_the_server_is_killed(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    async with serving(tmp_path / "data") as server:
        traffic = Traffic(server, seed)
        async with traffic.flowing():
            for _ in range(KILLS):
                await asyncio.sleep(draw.uniform(0.01, 0.5))
                await server.kill()
                await server.start()
        await all_is_counted(server, traffic)


@pytest.mark.parametrize("seed", [20261124])
async def test_valkey_is_killed(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    async with serving(tmp_path / "data") as server:
        traffic = Traffic(server, seed)
        async with traffic.flowing():
            for _ in range(KILLS):
                await asyncio.sleep(draw.uniform(0.01, 0.5))
                await _kill_valkey(server)
        await all_is_counted(server, traffic)


async def _kill_valkey(server: Server) -> None:
    async def killed() -> bool:
        try:
            await server.kill_valkey()
        except (RedisError, OSError):
            return False  # it is not back yet from the last time
        return True

    await until(killed, 30)


async def test_valkey_loses_the_end_of_its_file(tmp_path: Path) -> None:
    """Everything is killed at once and the append-only file loses its tail, as after a power cut."""
    draw = random.Random(7)
    async with serving(tmp_path / "data") as server:
        traffic = Traffic(server, 7)
        async with traffic.flowing():
            for _ in range(3):
                await asyncio.sleep(0.5)
                await server.kill_all()
                for file in (tmp_path / "data" / "valkey").glob("**/*.incr.aof"):
                    size = file.stat().st_size
                    with file.open("r+b") as tail:
                        tail.truncate(size - min(size, draw.randrange(1, 60_000)))
                await server.start()
        await all_is_counted(server, traffic)
