"""What users do, as tests send it: entries of the events stream, and projectors of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import orjson
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from social.actions import Sent, position, read
from social.database import Database
from social.effects import happen
from social.interests import Interests
from social.metrics import Metrics
from social.projector import GROUP, STREAM, Projector
from social.working_set import WorkingSet, Writes
from store.consumer import Consumer
from store.identity import Identity
from store.keys import PartitionKeys
from tests.waiting import cancelled, until

SITE: Final = "demo"
KEY: Final = PartitionKeys(0).stream(STREAM)
BEGIN: Final = 1_790_000_000_000  # of the events' own time, epoch ms

Fields = dict[str, str]

_numbers = count(1)


def act(actor: str, name: str, /, at: int = BEGIN, **properties: Any) -> Fields:
    """An entry's fields. `at`: epoch ms."""
    return {
        "site": SITE, "user_id": actor, "name": name, "properties": orjson.dumps(properties).decode(), "trusted": "1",
        "timestamp": str(at), "session_id": "", "date": "2026-11-23", "hour": "0",
    }  # fmt: skip


def time_of(at: int = BEGIN) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def sent(fields: Fields) -> Sent:
    found = read(fields, SITE, position(f"{BEGIN}-{next(_numbers)}"))
    assert found
    return found


def after(*entries: Fields) -> tuple[Writes, WorkingSet, list[str]]:
    """What a batch makes of an empty network: what is written, the working set, and why some were refused."""
    network = WorkingSet({})
    refused = happen(network, [sent(fields) for fields in entries])
    return network.writes(), network, [reason for _, reason in refused]


def documents(writes: Writes, kind: type) -> list[dict[str, Any]]:
    return [whole for (its, _), whole in writes.inserted.items() if its is kind]


def projector(database: Database, redis: Redis, metrics: Metrics | None = None) -> Projector:
    interests = Interests(redis, Identity(b"0123456789abcdef"), SITE, 1)
    return Projector(database, redis, SITE, 0, metrics or Metrics(CollectorRegistry()), interests)


async def send(redis: Any, *entries: Fields) -> list[str]:
    """Their ids in the stream."""
    async with redis.pipeline(transaction=False) as pipe:
        for fields in entries:
            pipe.xadd(KEY, fields)
        return [id_.decode() for id_ in await pipe.execute()]


@asynccontextmanager
async def projecting(database: Database, redis: Redis, *, name: str = "one", batch: int = 500) -> AsyncIterator[None]:
    """A projector at work; at the end of the block it has done all and is ended."""
    consumer = Consumer(redis, 0, STREAM, GROUP, name, batch=batch)
    task = asyncio.create_task(consumer.run(projector(database, redis).apply))
    try:
        yield
        await until(lambda: task.done() or drained(redis), 60)
    finally:
        await cancelled(task)


async def drained(redis: Any) -> bool:
    """Whether the group has acknowledged all."""
    if not await redis.exists(KEY):
        return False
    groups = await redis.xinfo_groups(KEY)
    return bool(groups) and not groups[0]["pending"] and not groups[0]["lag"]


async def project(database: Database, redis: Redis, *entries: Fields, batch: int = 500) -> None:
    await send(redis, *entries)
    async with projecting(database, redis, batch=batch):
        pass
