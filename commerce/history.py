"""Orders of the past, which no stream will bring: booked in the same way, but at the prices that they were paid at.

What the catalogue asks today says nothing about what was paid then, so here, and only here, an order carries its
prices. A line that cost `paid` for so many units gets the unit price that is just enough, and the rest as a discount:
so that the line's total is exact to the minor unit whatever it is divided by.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from .booking import Booked, book
from .database import Database
from .order import Line, Order

BATCH: Final = 2_000


def paid_line(sku: str, quantity: int, paid: int) -> Line:
    """A line of so many units that cost `paid` minor units together."""
    price = -(-paid // quantity)
    return Line(sku, quantity, price * quantity - paid, price)


async def import_orders(database: Database, orders: Iterable[Order]) -> Booked:
    """Books them all, a batch at a time, each batch once however often it is imported."""
    total = Booked(0, 0, {}, {})
    given = iter(orders)
    while batch := tuple(islice(given, BATCH)):
        async with database.transaction() as connection:
            booked = await book(connection, batch, ())
        total = Booked(total.orders + booked.orders, 0, total.refused_orders | booked.refused_orders, {})
    return total
