"""The projector and PostgreSQL are killed at random points of a load of purchases: each order is in exactly once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from psycopg import AsyncConnection, OperationalError

from commerce.check import run_check
from commerce.database import Database
from commerce.migrate import migrate
from commerce.projector import GROUP
from hitstream.postgres import Postgres
from store import consumer as consuming
from store.consumer import Consumer
from tests.commerce.shop import SITE, ask, furnish, projector, purchase, refund
from tests.waiting import cancelled

STREAM: Final = "{p0}:conversions"
ORDERS: Final = 250


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming, "BLOCK_MS", 20)
    monkeypatch.setattr(consuming, "BACKOFF_S", (0.02, 0.2))
    monkeypatch.setattr(consuming, "CLAIM_AFTER_MS", 0)
    monkeypatch.setattr(consuming, "CLAIM_EVERY_S", 0.05)


async def load(redis: Any) -> None:
    """Orders of two lines each; every tenth is sent twice, every fifth is given back in part."""
    for number in range(ORDERS):
        entries = [purchase(f"o{number}", ("A", 1), ("C", 2), customer=f"c{number % 7}")]
        if number % 10 == 0:
            entries.append(entries[0])
        if number % 5 == 0:
            entries.append(refund(f"r{number}", f"o{number}", ("C", 1)))
        for entry in entries:
            await redis.xadd(STREAM, dict(entry.fields))


async def assert_each_once(database: Database, redis: Any) -> None:
    assert await ask(database, "SELECT count(*), count(DISTINCT number) FROM orders") == [(ORDERS, ORDERS)]
    assert await ask(database, "SELECT count(*) FROM order_items") == [(2 * ORDERS,)]
    assert await ask(database, "SELECT count(*), sum(amount) FROM refunds") == [(ORDERS // 5, ORDERS // 5 * 500)]
    assert await ask(database, "SELECT sum(orders), sum(spent), sum(refunded) FROM customer_stats") == [
        (ORDERS, ORDERS * 2000, ORDERS // 5 * 500)
    ]
    assert await ask(database, "SELECT available FROM stock ORDER BY variant_id") == [
        (100 - ORDERS,), (100,), (100 - 2 * ORDERS + ORDERS // 5,),
    ]  # fmt: skip
    report = await run_check(database, redis, site=SITE)
    assert [drift for drift in report.drifts if drift.rows] == []


@asynccontextmanager
async def projecting(redis: Any, database: Database, name: str) -> AsyncIterator[Consumer]:
    """A projector that is cut off, wherever it is, at the end of the block."""
    consumer = Consumer(redis, 0, "conversions", GROUP, name, batch=random.choice([1, 7, 50]))
    task = asyncio.create_task(consumer.run(projector(database).apply))
    try:
        yield consumer
    finally:
        await cancelled(task)


async def drained(consumer: Consumer, redis: Any) -> None:
    async with asyncio.timeout(60):
        while not await redis.exists(STREAM) or not await redis.xinfo_groups(STREAM) or await consumer.lag():
            await asyncio.sleep(0.02)


async def until_more(database: Database, orders: int) -> None:
    """Until there are more than so many; a server that is away is waited for."""
    async with asyncio.timeout(60):
        while True:
            with suppress(OperationalError):
                if (await ask(database, "SELECT count(*) FROM orders"))[0][0] > orders:
                    return
            await asyncio.sleep(0.01)


async def test_projectors_that_are_cut_off_anywhere(database: Database, redis: Any) -> None:
    random.seed(3)
    await furnish(database)
    await load(redis)
    for generation in range(8):
        async with projecting(redis, database, f"p{generation % 3}"), projecting(redis, database, "other"):
            for _ in range(random.randrange(40)):  # turns of the event loop: no two end at the same point
                await asyncio.sleep(0)
            await until_more(database, generation * 5)
    async with projecting(redis, database, "last") as consumer:
        await drained(consumer, redis)
    await assert_each_once(database, redis)


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[None]:
    """A projector's process, killed at the end of the block wherever it is."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.commerce.projecting", *arguments)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        assert await child.wait() == -signal.SIGKILL, "it ended by itself"


async def test_a_projector_whose_process_is_killed_anywhere(database: Database, redis: Any, redis_url: str) -> None:
    """`HITSTREAM_TEST_SEED` repeats a run."""
    seed = int(os.environ.get("HITSTREAM_TEST_SEED", "0")) or int.from_bytes(os.urandom(4), "big")
    print(f"HITSTREAM_TEST_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
    random.seed(seed)
    await furnish(database)
    await load(redis)
    for generation in range(4):
        async with process(redis_url, database.url, str(random.choice([1, 7, 25]))):
            await until_more(database, generation * 60 + random.randrange(60))
            for _ in range(random.randrange(300)):
                await asyncio.sleep(0)
    async with projecting(redis, database, "child") as consumer:
        await drained(consumer, redis)
    await assert_each_once(database, redis)


@asynccontextmanager
async def postgres_of_its_own(directory: Path) -> AsyncIterator[tuple[Postgres, Database]]:
    async with Postgres(directory, shared_buffers="32MB") as postgres:
        async with await AsyncConnection.connect(postgres.url, autocommit=True) as connection:
            await migrate(connection)
        async with Database(postgres.url) as database:
            yield postgres, database


async def test_a_postgres_that_is_killed_anywhere(tmp_path: Path, redis: Any) -> None:
    random.seed(5)
    async with postgres_of_its_own(tmp_path / "p") as (postgres, database):
        await furnish(database)
        await load(redis)
        async with projecting(redis, database, "one") as consumer:
            for killed in range(3):
                await until_more(database, killed * 40)
                for _ in range(random.randrange(200)):
                    await asyncio.sleep(0)
                pid = postgres.pid
                assert pid
                os.kill(pid, signal.SIGKILL)
                await changes(lambda before=pid: postgres.pid not in (before, None))  # type: ignore[misc]
            await drained(consumer, redis)
        await assert_each_once(database, redis)


async def changes(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)
