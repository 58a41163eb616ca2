"""The check that the shop's figures agree with what they are derived from, and on request the repair.

    ledger = stock        the sum of the ledger per variant and location, and what unshipped orders hold
    orders = statistics   customers' sums, orders' sums of their lines and refunds
    stream = orders       what the conversions stream still holds is booked (or refused, or waiting)

Each comparison is one query that returns the rows that differ, and one statement that puts them right from the source.
Both stand in `sql/check_*.sql` and `sql/repair_*.sql`. The drift is a gauge.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from msgspec import Struct
from redis.asyncio import Redis

from store.consumer import StreamEntry
from store.keys import PartitionKeys

from . import order
from .booking import LOCK, book
from .database import Database, rows, run
from .metrics import Metrics
from .order import Order, Refund, Refused
from .projector import GROUP, STREAM

COMPARED: Final = ("stock", "committed", "orders", "customers")
EXAMPLES: Final = 10  # of the rows that differ, to look at
BATCH: Final = 1_000  # stream entries compared at once


class Drift(Struct, frozen=True):
    """`rows` differ; `examples` says of some of them what is there and what should be."""

    check: str
    rows: int
    examples: tuple[str, ...]
    repaired: bool


class Report(Struct, frozen=True):
    drifts: tuple[Drift, ...]

    @property
    def sound(self) -> bool:
        return all(drift.rows == 0 or drift.repaired for drift in self.drifts)


class _Difference(Struct, frozen=True):
    total: int
    example: str


class _Number(Struct, frozen=True):
    number: str


async def run_check(
    database: Database,
    redis: Redis | None = None,
    *,
    site: str = "",
    partition: int = 0,
    repair: bool = False,
    metrics: Metrics | None = None,
) -> Report:
    """Compares everything; with `repair` puts right what differs. Without a Redis the stream is left out.

    Each comparison holds the lock that bookings take, so nothing changes while it looks.
    """
    drifts = [await _compare(database, check, repair) for check in COMPARED]
    drifts.append(await _waiting(database))
    if redis is not None:
        drifts.append(await _stream(database, redis, site, partition, repair))
    if metrics:
        for drift in drifts:
            metrics.drift.labels(drift.check).set(0 if drift.repaired else drift.rows)
    return Report(tuple(drifts))


async def _compare(database: Database, check: str, repair: bool) -> Drift:
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        found = await rows(connection, _Difference, f"check_{check}", {"examples": EXAMPLES})
        if found and repair:
            await run(connection, f"repair_{check}", {})
    total = found[0].total if found else 0
    return Drift(check, total, tuple(row.example for row in found), bool(found) and repair)


async def _waiting(database: Database) -> Drift:
    """Refunds whose order has not come for a day, or does not allow them: only a person can tell what is right."""
    async with database.transaction() as connection:
        found = await rows(connection, _Difference, "check_waiting", {"examples": EXAMPLES})
    return Drift("waiting", found[0].total if found else 0, tuple(row.example for row in found), repaired=False)


async def _stream(database: Database, redis: Redis, site: str, partition: int, repair: bool) -> Drift:
    """Entries that the group has acknowledged, or was never given, and that are nowhere in PostgreSQL.

    Those that wait for the projector are not missing yet; those that were refused stand among the dead letters.
    """
    keys = PartitionKeys(partition)
    client: Any = redis
    refused = {
        fields.get(b"dead:id", b"").decode()
        for _, fields in await client.xrange(keys.dead_letters)
        if fields.get(b"dead:group") == GROUP.encode()
    }
    last, pending = await _progress(client, keys.stream(STREAM))
    missing: list[Order | Refund] = []
    async for entries in _entries(client, keys.stream(STREAM), last):
        asked = []
        for entry in entries:
            if entry.id in refused or entry.id in pending:
                continue
            try:
                found = order.read(entry.fields, site)
            except Refused:
                continue
            if found is not None:
                asked.append(found)
        missing += await _unbooked(database, asked)
    if missing and repair:
        async with database.transaction() as connection:
            await book(
                connection,
                [found for found in missing if isinstance(found, Order)],
                [found for found in missing if isinstance(found, Refund)],
            )
    examples = tuple(f"{type(found).__name__.lower()} {found.number}" for found in missing[:EXAMPLES])
    return Drift("stream", len(missing), examples, bool(missing) and repair)


async def _unbooked(database: Database, asked: Sequence[Order | Refund]) -> list[Order | Refund]:
    async with database.transaction() as connection:
        orders = {
            row.number
            for row in await rows(connection, _Number, "known_orders", {
                "numbers": [found.number for found in asked if isinstance(found, Order)],
            })
        }  # fmt: skip
        refunds = {
            row.number
            for row in await rows(connection, _Number, "known_refunds", {
                "numbers": [found.number for found in asked if isinstance(found, Refund)],
            })
        }  # fmt: skip
    return [found for found in asked if found.number not in (orders if isinstance(found, Order) else refunds)]


async def _progress(client: Any, stream: str) -> tuple[str, set[str]]:
    """The last entry that the group was given, and those that it has not acknowledged. '' where there is no group."""
    if not await client.exists(stream):
        return "", set()
    for group in await client.xinfo_groups(stream):
        if group["name"] == GROUP.encode():
            pending = await client.xpending_range(stream, GROUP, "-", "+", max(int(group["pending"]), 1))
            return group["last-delivered-id"].decode(), {one["message_id"].decode() for one in pending}
    return "", set()


async def _entries(client: Any, stream: str, last: str) -> AsyncIterator[list[StreamEntry]]:
    """Up to and including `last`, a batch at a time."""
    start = "-"
    while last:
        found = await client.xrange(stream, start, last, count=BATCH)
        if not found:
            return
        yield [
            StreamEntry(id_.decode(), {name.decode(): value.decode(errors="replace") for name, value in fields.items()})
            for id_, fields in found
        ]
        start = f"({found[-1][0].decode()}"
