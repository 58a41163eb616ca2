"""The snapshots that the reads are answered from: each rebuilt whole into a shadow table, which then takes its place.

A reader sees the old one or the new one and waits for neither; only the exchange itself, two changes of a name, shuts
readers out. Which figures are how old stands in the table `snapshots`, and as `as_of` in every answer.

Product performance goes by sums of its window's lines that are kept for a day (`product_sales_*`), and reads only what
has changed them since. As lines are only ever added, the two together are what reading all of them would give.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Final

from msgspec import Struct
from psycopg import AsyncConnection, OperationalError

from store.money import CURRENCIES, exponent, numeric_code

from .database import Database, query, rows, run
from .metrics import Metrics

log = logging.getLogger(__name__)

LOCK: Final = 0x48_53_53_4E  # with the place of a chain as the second key
WINDOWS: Final = (30, 90, 365)  # days of product performance


class Snapshot(Struct, frozen=True):
    """The table `name`. `days` is the window of product performance that it holds, 0 where it holds something else."""

    name: str
    days: int = 0


CHAINS: Final = (
    (Snapshot("inventory_advice"),),
    *((Snapshot(f"product_performance_{days}", days),) for days in sorted(WINDOWS, reverse=True)),
    (Snapshot("sales_months"),),
    (Snapshot("segment_members"), Snapshot("segment_summary")),  # the summary is made of the members
    (Snapshot("category_products"),),
)
"""What can be rebuilt beside each other, the longest first; within a chain one after the other."""

SNAPSHOTS: Final = tuple(snapshot.name for chain in CHAINS for snapshot in chain)

AT_ONCE: Final = 2  # chains: each keeps one of PostgreSQL's processes busy
MOST_LINES: Final = 100_000  # behind the kept sums: more are read faster in their index than one by one
SETTINGS: Final = {
    "work_mem": "256MB",  # the sums of 200 k groups stay in memory; each chain takes it
    "max_parallel_maintenance_workers": 0,  # the other chain has the second core
    "default_statistics_target": 30,  # a fifth of the time of 100, to plan by one or two columns
}
EVERY_S: Final = 300.0
REVIEW_DAYS: Final = 30  # how long what is ordered should last beyond the reorder point
LEAST: Final = -(1 << 63)  # sorts last: the profit of a product whose cost is not known

_INDEX: Final = re.compile(r"CREATE (UNIQUE )?INDEX \S+ ON (?:ONLY )?\S+ ")


class Tier(Struct, frozen=True):
    """More than so much spent (major units of any currency) and more than so many orders."""

    spent: int
    orders: int


class Rules(Struct, frozen=True):
    """What an operator may choose. `service_level_z`: 1.645 keeps 95 of 100 deliveries from coming too late."""

    vip: Tier = Tier(1_000, 10)
    premium: Tier = Tier(500, 5)
    regular: Tier = Tier(100, 2)
    service_level_z: float = 1.645
    zone: str = "UTC"


STANDARD: Final = Rules()


class _Index(Struct, frozen=True):
    definition: str


class _Position(Struct, frozen=True):
    """Up to when and to which line a window's sales are summed, and whether that will do."""

    as_of: datetime
    last_line: int
    is_fresh: bool


async def rebuild(
    database: Database,
    now: datetime,
    rules: Rules = STANDARD,
    metrics: Metrics | None = None,
    *,
    chains: Sequence[Sequence[Snapshot]] = CHAINS,
) -> dict[str, float]:
    """Rebuilds all snapshots as of `now` and returns the seconds that each took.

    A chain that another process is at is left to it. Raises what psycopg raises.
    """
    parameters = {**_parameters(rules), "now": now, "currency": database.currency}
    taken: dict[str, float] = {}
    waiting = iter(chains)

    async def lane() -> None:
        for chain in waiting:
            for snapshot in chain:
                seconds = await _rebuild(database, snapshot, CHAINS.index(chain), parameters)
                if seconds is None:
                    break
                taken[snapshot.name] = seconds
                if metrics:
                    metrics.snapshot_as_of.labels(snapshot.name).set(now.timestamp())
                    metrics.snapshot_seconds.labels(snapshot.name).set(seconds)

    try:
        async with asyncio.TaskGroup() as tasks:
            for number in range(AT_ONCE):
                tasks.create_task(lane(), name=f"rebuild {number}")
    except ExceptionGroup as group:  # of one: it ended the other lane, or PostgreSQL went from under both
        raise group.exceptions[0] from group
    if taken:
        async with database.transaction() as connection:
            await run(connection, "search_stock", {"skus": None})
    return taken


async def keep_fresh(
    database: Database, clock: Callable[[], int], rules: Rules, metrics: Metrics, *, every_s: float = EVERY_S
) -> None:
    """Rebuilds at once and then every so often, until it is cancelled. PostgreSQL being away is waited out."""
    while True:
        try:
            await rebuild(database, datetime.fromtimestamp(clock() / 1000, UTC), rules, metrics)
        except OperationalError as error:
            log.warning("the snapshots stay as they are", extra={"error": str(error)})
        await asyncio.sleep(every_s)


async def _rebuild(
    database: Database, snapshot: Snapshot, chain: int, parameters: Mapping[str, object]
) -> float | None:
    """The seconds that it took; None where another process is at the chain."""
    started = perf_counter()
    async with database.transaction() as connection:
        locked = await connection.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", (LOCK, chain))
        if await locked.fetchone() != (True,):
            return None
        for setting, value in SETTINGS.items():
            await _execute(connection, f"SET LOCAL {setting} = '{value}'")
        if snapshot.days:
            await _exchange_performance(connection, snapshot, parameters)
        else:
            await _exchange(connection, snapshot.name, snapshot.name, parameters)
        seconds = perf_counter() - started
        await run(connection, "snapshot_noted", {"name": snapshot.name, "as_of": parameters["now"], "seconds": seconds})
    return seconds


async def _exchange_performance(
    connection: AsyncConnection, snapshot: Snapshot, parameters: Mapping[str, object]
) -> None:
    """From the sums of the window's lines; those first, where there are none that will do."""
    given = {**parameters, "days": snapshot.days, "most_lines": MOST_LINES}
    sales = f"product_sales_{snapshot.days}"
    found = await rows(connection, _Position, "snapshot_sales_position", given)
    if not found or not found[0].is_fresh:
        await _exchange(connection, sales, "product_sales", given)
        found = await rows(connection, _Position, "snapshot_sales_position", given)
    given |= {"summed_at": found[0].as_of, "last_line": found[0].last_line}
    await _exchange(connection, snapshot.name, "product_performance", given, sales=sales)


async def _exchange(
    connection: AsyncConnection, table: str, name: str, parameters: Mapping[str, object], **identifiers: str
) -> None:
    """Fills a shadow of the table by the query `snapshot_{name}` and puts it in the table's place."""
    shadow = f"{table}_shadow"
    indexes = await rows(connection, _Index, "snapshot_indexes", {"table": table})
    await _execute(connection, f"CREATE TABLE {shadow} (LIKE {table} INCLUDING ALL EXCLUDING INDEXES)")
    await connection.execute(query(f"snapshot_{name}", target=shadow, **identifiers), parameters, prepare=False)
    for index in indexes:  # after the rows: a sorted build is several times faster than inserting one by one
        await _execute(connection, _INDEX.sub(rf"CREATE \1INDEX ON {shadow} ", index.definition, count=1))
    await _execute(connection, f"ANALYZE {shadow}")
    await _execute(connection, f"DROP TABLE {table}")
    await _execute(connection, f"ALTER TABLE {shadow} RENAME TO {table}")


async def _execute(connection: AsyncConnection, statement: str) -> None:
    await connection.execute(statement.encode())


def _parameters(rules: Rules) -> dict[str, object]:
    def minor(tier: Tier) -> list[int]:
        return [tier.spent * 10 ** exponent(currency) for currency in CURRENCIES]

    return {
        "currencies": list(CURRENCIES),
        "currency_numbers": [numeric_code(currency) for currency in CURRENCIES],
        "vip": minor(rules.vip),
        "premium": minor(rules.premium),
        "regular": minor(rules.regular),
        "vip_orders": rules.vip.orders,
        "premium_orders": rules.premium.orders,
        "regular_orders": rules.regular.orders,
        "z": rules.service_level_z,
        "zone": rules.zone,
        "review_days": REVIEW_DAYS,
        "least": LEAST,
    }
