"""The projector's process and the database's are killed at random points: each edge and counter is right at the end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hitstream.mongo import Mongo
from social.actions import position
from social.database import Database
from social.errors import NetworkUnavailable
from social.migrate import ensure
from social.recount import recount
from store import consumer as consuming
from tests.social.acting import drained, projecting, send, time_of
from tests.social.tally import Tally, figures, random_events
from tests.waiting import until

EVENTS = 200


@pytest.fixture
def random(request: pytest.FixtureRequest) -> Random:
    """`HITSTREAM_TEST_SEED` repeats a run."""
    seed = int(os.environ.get("HITSTREAM_TEST_SEED", "0")) or int.from_bytes(os.urandom(4), "big")
    print(f"HITSTREAM_TEST_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
    return Random(seed)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming, "BLOCK_MS", 20)
    monkeypatch.setattr(consuming, "BACKOFF_S", (0.02, 0.2))


async def assert_right(database: Database, events: list[dict[str, str]]) -> None:
    assert await figures(database) == Tally(events).figures()
    report = await recount(database, time_of())
    assert [drift for drift in report.drifts if drift.documents] == []


async def position_of(database: Database) -> int:
    """-1 while the database is away."""
    with suppress(NetworkUnavailable):
        async with database.working(2) as handle:
            found = await handle.progress.find_one({})
            return int(found["position"]) if found else 0
    return -1


@asynccontextmanager
async def child(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A projector's process, killed at the end of the block wherever it is."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.social.projecting", *arguments)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        assert await process.wait() == -signal.SIGKILL, "it ended by itself"


async def turns(random: Random) -> None:
    """Lets some of the event loop's turns pass, so that no two kills come at the same point."""
    for _ in range(random.randrange(300)):
        await asyncio.sleep(0)


@pytest.mark.parametrize("mode", [[], ["plain"]], ids=["transactions", "plans"])
async def test_a_projector_that_is_killed_anywhere(
    database: Database, redis: Any, redis_url: str, random: Random, mode: list[str]
) -> None:
    events = random_events(random, EVENTS)
    positions = [position(id_) for id_ in await send(redis, *events)]
    for generation in range(3):
        aim = positions[EVENTS * generation // 4 + random.randrange(EVENTS // 4)]
        async with child(redis_url, database.url, str(random.choice([4, 10, 25])), *mode):
            await until(lambda aim=aim: _reached(database, aim), 60)  # type: ignore[misc]
            await turns(random)
    async with child(redis_url, database.url, "500", *mode):
        await until(lambda: drained(redis), 60)
    await assert_right(database, events)


async def _reached(database: Database, aim: int) -> bool:
    return await position_of(database) >= aim


async def test_a_database_that_is_killed_anywhere(tmp_path: Path, redis: Any, random: Random) -> None:
    """It does not sync here, so it loses some of what it has acknowledged, too."""
    events = random_events(random, EVENTS)
    positions = [position(id_) for id_ in await send(redis, *events)]
    async with Mongo(tmp_path / "m", sync=False) as mongo, Database(mongo.url) as database:
        await ensure(database)
        async with projecting(database, redis, batch=7):
            for kill in range(2):
                aim = positions[EVENTS * kill // 4 + random.randrange(EVENTS // 4)]
                await until(lambda aim=aim: _reached(database, aim), 60)  # type: ignore[misc]
                await turns(random)
                pid = mongo.pid
                assert pid
                os.kill(pid, signal.SIGKILL)
                await until(lambda before=pid: mongo.pid not in (before, None), 60)  # type: ignore[misc]
        await assert_right(database, events)
