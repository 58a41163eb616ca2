"""One thing with its parts: a product, the tree of categories, a customer, their orders, an order. Read live."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from store.money import decimal_text
from store.parameters import CURSOR, LIMIT, Asked

from ..database import Database
from ..errors import NotFound
from ..money import shown

ORDERS_PARAMETERS: Final = (LIMIT, CURSOR)


class Stock(Struct, frozen=True):
    location: str
    available: int
    committed: int


class Price(Struct, frozen=True):
    currency: str
    price: str
    compare_price: str | None


class Variant(Struct, frozen=True):
    sku: str
    name: str
    options: list[str]
    prices: list[Price]
    stock: list[Stock]


class Product(Struct, frozen=True):
    as_of: datetime
    sku: str
    handle: str
    name: str
    status: str
    description: str
    brand: str | None
    category: str | None
    tags: list[str]
    variants: list[Variant]


class Category(Struct, frozen=True):
    """`products` are the active ones in it and all below it, as of the last snapshot."""

    slug: str
    name: str
    products: int
    children: list[Category]


class Categories(Struct, frozen=True):
    as_of: datetime
    categories: list[Category]


class Spending(Struct, frozen=True):
    currency: str
    orders: int
    spent: str
    refunded: str
    revenue: str
    first_order_at: datetime
    last_order_at: datetime
    segment: str | None
    rfm_group: str | None


class Customer(Struct, frozen=True):
    """`segment` and `rfm_group` are of the last snapshot; the sums are live."""

    as_of: datetime
    id: str
    email: str | None
    first_name: str
    last_name: str
    state: str
    tags: list[str]
    created_at: datetime
    spending: list[Spending]
    addresses: list[dict[str, Any]]


class Line(Struct, frozen=True):
    sku: str
    name: str
    quantity: int
    price: str
    discount: str
    total: str
    refunded_quantity: int
    refunded: str


class Refund(Struct, frozen=True):
    number: str
    amount: str
    other: str
    reason: str
    refunded_at: datetime


class OrderHead(Struct, frozen=True):
    number: str
    financial_status: str
    fulfillment_status: str
    currency: str
    total: str
    refunded: str
    placed_at: datetime


class Orders(Struct, frozen=True):
    as_of: datetime
    orders: list[OrderHead]
    next_cursor: str | None


class Order(Struct, frozen=True):
    as_of: datetime
    number: str
    customer: str
    location: str
    financial_status: str
    fulfillment_status: str
    currency: str
    subtotal: str
    discount: str
    shipping: str
    tax: str
    total: str
    refunded: str
    placed_at: datetime
    cancelled_at: datetime | None
    lines: list[Line]
    refunds: list[Refund]


class _Product(Struct, frozen=True):
    sku: str
    handle: str
    name: str
    status: str
    description: str
    brand: str | None
    category: str | None
    tags: list[str]
    variants: list[dict[str, Any]]


class _Category(Struct, frozen=True):
    id: int
    parent_id: int | None
    slug: str
    name: str
    products: int


class _Customer(Struct, frozen=True):
    external_id: str
    email: str | None
    first_name: str
    last_name: str
    state: str
    tags: list[str]
    created_at: datetime
    spending: list[dict[str, Any]]
    addresses: list[dict[str, Any]]


class _Id(Struct, frozen=True):
    id: int


class _OrderHead(Struct, frozen=True):
    id: int
    number: str
    financial_status: str
    fulfillment_status: str
    currency: str
    total: int
    refunded: int
    placed_at: datetime


class _Order(Struct, frozen=True):
    number: str
    customer: str
    location: str
    financial_status: str
    fulfillment_status: str
    currency: str
    subtotal: int
    discount: int
    shipping: int
    tax: int
    total: int
    refunded: int
    placed_at: datetime
    cancelled_at: datetime | None
    lines: list[dict[str, Any]]
    refunds: list[dict[str, Any]]


async def product(database: Database, sku: str, now: datetime) -> Product:
    """By its own SKU or one of its variants'."""
    found = await database.read_one(_Product, "product", {"sku": _storable(sku)})
    if found is None:
        raise NotFound("product", sku)
    variants = [
        Variant(
            sku=variant["sku"],
            name=variant["name"],
            options=[option for option in variant["options"] if option is not None],
            prices=[
                Price(
                    price["currency"],
                    decimal_text(price["price"], price["currency"]),
                    shown(price["compare_price"], price["currency"]),
                )
                for price in variant["prices"]
            ],
            stock=msgspec.convert(variant["stock"], list[Stock]),
        )
        for variant in found.variants
    ]
    return Product(
        now, found.sku, found.handle, found.name, found.status, found.description, found.brand, found.category,
        found.tags, variants,
    )  # fmt: skip


async def categories(database: Database, now: datetime) -> Categories:
    found = await database.read(_Category, "categories", {})
    below: dict[int | None, list[_Category]] = defaultdict(list)
    for row in found:
        below[row.parent_id].append(row)

    def tree(parent: int | None) -> list[Category]:
        made = []
        for row in below[parent]:
            children = tree(row.id)
            made.append(Category(row.slug, row.name, row.products + sum(c.products for c in children), children))
        return made

    return Categories(now, tree(None))


async def customer(database: Database, id_: str, now: datetime) -> Customer:
    found = await database.read_one(_Customer, "customer", {"id": _storable(id_)})
    if found is None:
        raise NotFound("customer", id_)
    spending = [
        Spending(
            currency=row["currency"],
            orders=row["orders"],
            spent=decimal_text(row["spent"], row["currency"]),
            refunded=decimal_text(row["refunded"], row["currency"]),
            revenue=decimal_text(row["spent"] - row["refunded"], row["currency"]),
            first_order_at=datetime.fromisoformat(row["first_order_at"]),
            last_order_at=datetime.fromisoformat(row["last_order_at"]),
            segment=row["segment"],
            rfm_group=row["rfm_group"],
        )
        for row in found.spending
    ]
    return Customer(
        now, found.external_id, found.email, found.first_name, found.last_name, found.state, found.tags,
        found.created_at, spending, found.addresses,
    )  # fmt: skip


async def customer_orders(database: Database, id_: str, asked: Asked, now: datetime) -> Orders:
    """The latest first."""
    limit = asked["limit"]
    after = asked.after(datetime, int) or (None, None)
    # A round trip of its own: a customer without orders is told apart from none.
    known = await database.read_one(_Id, "customer_id", {"id": _storable(id_)})
    if known is None:
        raise NotFound("customer", id_)
    found = await database.read(_OrderHead, "customer_orders", {
        "customer": known.id, "after": after[0], "after_id": after[1], "limit": limit + 1,
    })  # fmt: skip
    page = found[:limit]
    orders = [
        OrderHead(
            row.number, row.financial_status, row.fulfillment_status, row.currency,
            decimal_text(row.total, row.currency), decimal_text(row.refunded, row.currency), row.placed_at,
        )
        for row in page
    ]  # fmt: skip
    more = asked.cursor(page[-1].placed_at, page[-1].id) if len(found) > limit else None
    return Orders(now, orders, more)


async def order(database: Database, number: str, now: datetime) -> Order:
    row = await database.read_one(_Order, "order", {"number": _storable(number)})
    if row is None:
        raise NotFound("order", number)
    money = {
        name: decimal_text(getattr(row, name), row.currency)
        for name in ("subtotal", "discount", "shipping", "tax", "total", "refunded")
    }
    lines = [
        Line(
            line["sku"], line["name"], line["quantity"], decimal_text(line["price"], row.currency),
            decimal_text(line["discount"], row.currency),
            decimal_text(line["price"] * line["quantity"] - line["discount"], row.currency),
            line["refunded_quantity"], decimal_text(line["refunded"], row.currency),
        )
        for line in row.lines
    ]  # fmt: skip
    refunds = [
        Refund(
            refund["number"], decimal_text(refund["amount"], row.currency), decimal_text(refund["other"], row.currency),
            refund["reason"], datetime.fromisoformat(refund["refunded_at"]),
        )
        for refund in row.refunds
    ]  # fmt: skip
    return Order(
        as_of=now,
        number=row.number,
        customer=row.customer,
        location=row.location,
        financial_status=row.financial_status,
        fulfillment_status=row.fulfillment_status,
        currency=row.currency,
        placed_at=row.placed_at,
        cancelled_at=row.cancelled_at,
        lines=lines,
        refunds=refunds,
        **money,
    )


def _storable(name: str) -> str:
    """PostgreSQL has no NUL in a text, so nothing there is called by one."""
    return name.replace("\0", "\ufffd").encode(errors="replace").decode()
