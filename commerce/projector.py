"""The projector of orders: entries of the conversions stream to rows in PostgreSQL, each exactly once in effect.

`store.consumer` gives every entry at least once, in the stream's order; `booking` makes a second time change nothing.
The order of things is COMMIT, then XACK: whatever is killed in between, the entries are given again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from psycopg import DataError, IntegrityError, OperationalError

from store.consumer import Poison, StreamEntry, Unavailable

from . import order
from .booking import CustomerMissing, book
from .database import Database
from .metrics import Metrics
from .order import Order, Refund, Refused

log = logging.getLogger(__name__)

STREAM = "conversions"
GROUP = "commerce"


class Projector:
    """`apply` is what `store.consumer.Consumer` is run with. Events of other sites than `site` are passed over."""

    def __init__(self, database: Database, site: str, metrics: Metrics) -> None:
        self._database = database
        self._site = site
        self._metrics = metrics

    async def apply(self, entries: Sequence[StreamEntry]) -> Sequence[Poison]:
        """Books what the entries ask for; returns those that never can be. Raises `Unavailable`."""
        asked: list[tuple[StreamEntry, Order | Refund]] = []
        poisons: list[Poison] = []
        for entry in entries:
            try:
                found = order.read(entry.fields, self._site)
            except Refused as refused:
                poisons.append(Poison(entry, str(refused)))
            else:
                if found is not None:
                    asked.append((entry, found))
        if asked:
            poisons += await self._book(asked)
        for poison in poisons:
            self._metrics.refused.inc()
            log.warning("an order was refused", extra={"entry": poison.entry.id, "reason": poison.reason})
        return poisons

    async def _book(self, asked: Sequence[tuple[StreamEntry, Order | Refund]]) -> list[Poison]:
        """A value that PostgreSQL cannot hold spoils its whole batch: then each half is booked by itself."""
        orders = [found for _, found in asked if isinstance(found, Order)]
        refunds = [found for _, found in asked if isinstance(found, Refund)]
        try:
            async with self._database.transaction() as connection:
                booked = await book(connection, orders, refunds)
        except (DataError, IntegrityError) as error:
            if len(asked) == 1:
                return [Poison(asked[0][0], str(error).splitlines()[0])]
            middle = len(asked) // 2
            return await self._book(asked[:middle]) + await self._book(asked[middle:])
        except (OperationalError, CustomerMissing) as error:
            raise Unavailable(str(error) or type(error).__name__) from error
        self._metrics.orders.inc(booked.orders)
        self._metrics.refunds.inc(booked.refunds)
        poisons = []
        for entry, found in asked:
            refused = booked.refused_orders if isinstance(found, Order) else booked.refused_refunds
            if found.number in refused:
                poisons.append(Poison(entry, refused[found.number]))
        return poisons
