"""A small shop, and the stream entries that its servers send: what the tests of commerce tell their stories with."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry
from psycopg import AsyncConnection

from commerce import catalogue
from commerce.catalogue import Brand, Category, Move, Price, Product, Variant
from commerce.database import Database
from commerce.metrics import Metrics
from commerce.projector import Projector
from store.consumer import StreamEntry
from store.money import decimal_text

SITE = "demo"
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)

_ids = itertools.count(1)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def entry(kind: str, order: object, at: datetime = NOW, **fields: str) -> StreamEntry:
    """An entry of the conversions stream, as a server key's conversion becomes one."""
    given = {
        "site": SITE, "user_id": "visitor", "conversion_type": kind, "value": "0.00", "currency": "USD",
        "timestamp": str(int(at.timestamp() * 1000)), "date": at.date().isoformat(), "hour": str(at.hour),
        "properties": json.dumps({"order": order}), "session_id": "", "trusted": "1",
    }  # fmt: skip
    return StreamEntry(f"{next(_ids)}-0", {**given, **fields})


def purchase(
    number: str, *lines: tuple[str, int] | tuple[str, int, str], customer: str = "ann", at: datetime = NOW, **order: Any
) -> StreamEntry:
    """Lines are (SKU, quantity) or (SKU, quantity, discount)."""
    listed = [dict(zip(("sku", "quantity", "discount"), line, strict=False)) for line in lines]
    return entry("purchase", {"number": number, "customer": {"id": customer}, "lines": listed, **order}, at)


def refund(number: str, order: str, *lines: tuple[str, int], at: datetime = NOW, **rest: Any) -> StreamEntry:
    listed = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
    return entry("refund", {"number": order, "refund": number, **({"lines": listed} if lines else {}), **rest}, at)


def product(sku: str, price: int = 1000, cost: int | None = 400, **rest: Any) -> Product:
    """One with a single variant of the same SKU, in USD."""
    variant: dict[str, Any] = {
        name: rest.pop(name) for name in ("track_inventory", "lead_days", "lead_days_sd", "pack_size") if name in rest
    }
    prices = rest.pop("prices", (Price("USD", price, cost),))
    rest.setdefault("name", f"Product {sku}")
    return Product(sku, rest.pop("handle", sku.lower()), variants=(Variant(sku, prices, **variant),), **rest)


async def stocked(database: Database, *products: Product, quantity: int = 100, at: datetime | None = None) -> None:
    """Puts products in, with so many of each at the main location since `at` (by default 200 days ago)."""
    await catalogue.put_products(database, products)
    if quantity:
        skus = [variant.sku for each in products for variant in each.variants]
        moves = [Move(sku, "main", quantity, at or ago(200)) for sku in skus]
        await catalogue.receive(database, f"first-{skus[0]}", moves)


async def furnish(database: Database) -> None:
    """Two brands, three categories (one below another), and three products that cost 10.00, 20.00 and 5.00 USD."""
    await catalogue.put_brands(database, [Brand("acme", "Acme"), Brand("zenith", "Zenith")])
    await catalogue.put_categories(
        database, [Category("audio", "Audio"), Category("headphones", "Headphones", "audio"), Category("home", "Home")]
    )
    await stocked(
        database,
        product("A", 1000, 400, category="headphones", brand="acme", name="Wireless Headphones"),
        product("B", 2000, None, category="audio", brand="zenith", name="Loud Speaker"),
        product("C", 500, 100, name="Odd Sock", prices=(Price("USD", 500, 100), Price("JPY", 700, 300))),
    )


def projector(database: Database) -> Projector:
    return Projector(database, SITE, Metrics(CollectorRegistry()))


async def project(database: Database, *entries: StreamEntry) -> list[str]:
    """Applies them as one batch; the reasons of those that were refused."""
    return [poison.reason for poison in await projector(database).apply(entries)]


async def ask(database: Database, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Rows of a query of the test's own."""
    async with await AsyncConnection.connect(database.url) as connection:
        return await (await connection.execute(statement.encode(), parameters)).fetchall()


async def do(database: Database, statement: str, *parameters: object) -> None:
    async with await AsyncConnection.connect(database.url, autocommit=True) as connection:
        await connection.execute(statement.encode(), parameters)


def text(minor: int, currency: str = "USD") -> str:
    return decimal_text(minor, currency)


async def tables(database: Database, names: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in some tables, to compare before with after."""
    return {name: await ask(database, f"SELECT * FROM {name} ORDER BY 1, 2") for name in names}
