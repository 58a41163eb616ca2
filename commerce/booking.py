"""The one way in which orders and refunds get into PostgreSQL: a batch at a time, set-based, each exactly once.

Once is a property of the statements (`sql/purchases.sql`, `sql/refunds.sql`): what follows from an order is derived
from the row that its INSERT returned, so a batch that is booked again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from .database import columns, rows, run
from .order import Order, Refund

# Held to the end of the transaction. Batches touch the same popular rows of stock: two at once would only wait for each
# other, or deadlock.
LOCK: Final = 0x48_53_42_4B

Numbered = TypeVar("Numbered", Order, Refund)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Refund)


class Booked(Struct, frozen=True):
    """What became of a batch. `refused`: number of an order or refund -> why it can never be booked."""

    orders: int
    refunds: int
    refused_orders: dict[str, str]
    refused_refunds: dict[str, str]


class CustomerMissing(Exception):
    """Another transaction added the customer in between: the batch is to be booked again."""


class _Order(Struct, frozen=True):
    number: str
    written: bool
    reason: str | None


class _Refund(Struct, frozen=True):
    number: str
    known: bool
    written: bool
    reason: str | None


class _Waiting(Struct, frozen=True):
    number: str
    refund: str


async def book(connection: AsyncConnection, orders: Sequence[Order], refunds: Sequence[Refund]) -> Booked:
    """Books them inside the connection's transaction, orders first.

    Of several with one number the first is taken. A refund whose order is not known waits for it. Raises
    `CustomerMissing`, and psycopg's errors where a value cannot be stored.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    written = await _orders(connection, list(_by_number(orders).values()))
    waiting = await _waiting(connection, [order.number for order in orders]) if orders else []
    found = _by_number([*waiting, *refunds])
    settled = await _refunds(connection, list(found.values()))
    late = {refund.number for refund in waiting}
    if late:
        outcome = {refund.number: refund.reason for refund in settled if refund.number in late}
        await run(connection, "waiting_settle", {"numbers": list(outcome), "reasons": list(outcome.values())})
    unknown = [found[refund.number] for refund in settled if not refund.known]
    if unknown:
        await run(connection, "waiting_add", {
            **columns(unknown, numbers="number", orders="order"),
            "refunds": [_encoder.encode(refund).decode() for refund in unknown],
        })  # fmt: skip
    return Booked(
        orders=sum(order.written for order in written),
        refunds=sum(refund.written for refund in settled),
        refused_orders={order.number: order.reason for order in written if order.reason},
        refused_refunds={refund.number: refund.reason for refund in settled if refund.reason},
    )


async def _orders(connection: AsyncConnection, orders: Sequence[Order]) -> list[_Order]:
    if not orders:
        return []
    await run(connection, "customers", columns(
        orders, customers="customer", emails="email", first_names="first_name", last_names="last_name",
        currencies="currency", placed="placed_at",
    ))  # fmt: skip
    lines = [(order.number, line) for order in orders for line in order.lines]
    found = await rows(connection, _Order, "purchases", {
        **columns(
            orders, numbers="number", customers="customer", currencies="currency", placed="placed_at",
            locations="location", shipping="shipping", tax="tax", fulfilled="fulfilled",
        ),
        "line_numbers": [number for number, _ in lines],
        **columns(
            [line for _, line in lines], skus="sku", quantities="quantity", discounts="discount", prices="price"
        ),
    })  # fmt: skip
    if len(found) < len(orders):
        raise CustomerMissing
    return found


async def _refunds(connection: AsyncConnection, refunds: Sequence[Refund]) -> list[_Refund]:
    settled: list[_Refund] = []
    for those in rounds(refunds):
        lines = [(refund.number, line) for refund in those for line in refund.lines]
        settled += await rows(connection, _Refund, "refunds", {
            **columns(
                those, numbers="number", orders="order", refunded="refunded_at", reasons="reason", others="other",
                whole="whole", restock="restock", currencies="currency",
            ),
            "line_numbers": [number for number, _ in lines],
            **columns([line for _, line in lines], skus="sku", quantities="quantity", amounts="amount"),
        })  # fmt: skip
    return settled


def rounds(refunds: Iterable[Refund]) -> list[list[Refund]]:
    """Refunds in as few groups as there may be, each with at most one of an order, an order's in their order."""
    found: list[list[Refund]] = []
    seen: dict[str, int] = {}
    for refund in refunds:
        turn = seen.get(refund.order, 0)
        seen[refund.order] = turn + 1
        if turn == len(found):
            found.append([])
        found[turn].append(refund)
    return found


def _by_number(things: Sequence[Numbered]) -> dict[str, Numbered]:
    """In their order; of several with one number the first."""
    found: dict[str, Numbered] = {}
    for thing in things:
        found.setdefault(thing.number, thing)
    return found


async def _waiting(connection: AsyncConnection, numbers: Sequence[str]) -> list[Refund]:
    found = await rows(connection, _Waiting, "waiting_of", {"numbers": list(numbers)})
    return [_decoder.decode(row.refund) for row in found]
