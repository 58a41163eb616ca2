"""The snapshots that the reads are answered from: each rebuilt whole into a shadow table, which then takes its place.

A reader sees the old one or the new one and waits for neither; only the exchange itself, two changes of a name, shuts
readers out. Which figures are how old stands in the table `snapshots`, and as `as_of` in every answer.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Final

from msgspec import Struct
from psycopg import AsyncConnection, OperationalError

from store.money import CURRENCIES, exponent

from .database import Database, query, rows, run
from .metrics import Metrics

log = logging.getLogger(__name__)

LOCK: Final = 0x48_53_53_4E
SNAPSHOTS: Final = (
    "segment_members", "segment_summary", "sales_months", "product_performance", "inventory_advice",
    "category_products",
)  # fmt: skip
"""In the order of their rebuilding: the summary is made of the members."""

WORK_MEM: Final = "256MB"  # the sums of 200 k groups stay in memory; one rebuild at a time takes it
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


async def rebuild(
    database: Database, now: datetime, rules: Rules = STANDARD, metrics: Metrics | None = None
) -> dict[str, float]:
    """Rebuilds all snapshots as of `now` and returns the seconds that each took.

    Nothing where another process is at it.
    """
    parameters = {**_parameters(rules), "now": now, "currency": database.currency}
    taken: dict[str, float] = {}
    for name in SNAPSHOTS:
        started = perf_counter()
        async with database.transaction() as connection:
            locked = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (LOCK,))
            if await locked.fetchone() != (True,):
                return taken
            await _execute(connection, f"SET LOCAL work_mem = '{WORK_MEM}'")
            await _exchange(connection, name, parameters)
            seconds = perf_counter() - started
            await run(connection, "snapshot_noted", {"name": name, "as_of": now, "seconds": seconds})
        taken[name] = seconds
        if metrics:
            metrics.snapshot_as_of.labels(name).set(now.timestamp())
            metrics.snapshot_seconds.labels(name).set(seconds)
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


async def _exchange(connection: AsyncConnection, name: str, parameters: dict[str, object]) -> None:
    shadow = f"{name}_shadow"
    indexes = await rows(connection, _Index, "snapshot_indexes", {"table": name})
    await _execute(connection, f"CREATE TABLE {shadow} (LIKE {name} INCLUDING ALL EXCLUDING INDEXES)")
    await connection.execute(query(f"snapshot_{name}", target=shadow), parameters)
    for index in indexes:  # after the rows: a sorted build is several times faster than inserting one by one
        await _execute(connection, _INDEX.sub(rf"CREATE \1INDEX ON {shadow} ", index.definition, count=1))
    await _execute(connection, f"ANALYZE {shadow}")
    await _execute(connection, f"DROP TABLE {name}")
    await _execute(connection, f"ALTER TABLE {shadow} RENAME TO {name}")


async def _execute(connection: AsyncConnection, statement: str) -> None:
    await connection.execute(statement.encode())


def _parameters(rules: Rules) -> dict[str, object]:
    def minor(tier: Tier) -> list[int]:
        return [tier.spent * 10 ** exponent(currency) for currency in CURRENCIES]

    return {
        "currencies": list(CURRENCIES),
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
