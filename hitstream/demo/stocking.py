"""The demo shop's catalogue and stock into the shop's database; from then on orders come with the stream."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from psycopg import AsyncConnection
from psycopg import Error as PostgresError

from commerce import catalogue
from commerce.database import Database
from commerce.snapshots import AT_ONCE, rebuild

from . import goods

PATIENCE_S: Final = 120.0  # for a PostgreSQL that is being set up
POLL_S: Final = 0.2
REBUILD_EVERY_S: Final = 15.0  # the server does so each five minutes, which is long for who came to look


class NoShop(Exception):
    """The shop's database did not come, with what it said last."""


async def stock(url: str, currency: str, orders_per_day: float, since: datetime, now: datetime) -> None:
    """Puts in what is sold, at two locations. May be repeated: known receipts change nothing. Raises `NoShop`."""
    said = ""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    async with await AsyncConnection.connect(url):
                        pass  # it is there: a pool would log each time that it is not
                    async with Database(url, currency=currency, size=1) as database:
                        return await _put(database, orders_per_day, since, now)
                except PostgresError as error:  # not there yet, or without its tables
                    said = str(error).strip()
                await asyncio.sleep(POLL_S)
    except TimeoutError as error:
        raise NoShop(said) from error


async def keep_fresh(url: str, currency: str) -> None:
    """Rebuilds what the shop's reads are answered from, until it is cancelled."""
    async with Database(url, currency=currency, size=AT_ONCE) as database:
        while True:
            await asyncio.sleep(REBUILD_EVERY_S)
            with suppress(PostgresError):  # it is on its way back, or the server is at it itself
                await rebuild(database, datetime.now(UTC))


async def _put(database: Database, orders_per_day: float, since: datetime, now: datetime) -> None:
    draw = Random(1)  # noqa: S311 - the same stock each time
    await catalogue.put_brands(database, goods.BRANDS)
    await catalogue.put_categories(database, goods.CATEGORIES)
    await catalogue.put_products(database, goods.listed(database.currency))
    await catalogue.put_location(database, goods.HARBOUR, "Harbour store")
    for reference, moves in goods.first_stock(draw, orders_per_day, since - timedelta(days=1)).items():
        await catalogue.receive(database, reference, moves)
    for reference, moves in goods.incoming(draw, orders_per_day, now).items():
        await catalogue.announce(database, reference, moves)
