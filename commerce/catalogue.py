"""What the shop sells, put in from outside: brands, categories, products with their variants and prices, and stock.

Every call may be repeated: a thing is known by its slug, SKU or reference, and is changed where it is there already.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from .database import Database, columns, run


class Brand(Struct, frozen=True):
    slug: str
    name: str


class Category(Struct, frozen=True):
    """`parent` is a slug that stands before it in the same call or is known already."""

    slug: str
    name: str
    parent: str | None = None
    sort_order: int = 0


class Price(Struct, frozen=True):
    """Minor units. `cost` None: not known."""

    currency: str
    price: int
    cost: int | None = None
    compare_price: int | None = None


class Variant(Struct, frozen=True):
    sku: str
    prices: tuple[Price, ...]
    name: str = ""
    options: tuple[str | None, str | None, str | None] = (None, None, None)
    track_inventory: bool = True
    lead_days: float = 7
    lead_days_sd: float = 2
    pack_size: int = 1


class Product(Struct, frozen=True):
    sku: str
    handle: str
    name: str
    variants: tuple[Variant, ...]
    description: str = ""
    category: str | None = None
    brand: str | None = None
    tags: tuple[str, ...] = ()
    status: str = "active"


class Move(Struct, frozen=True):
    """A change of stock. `quantity` is positive for what arrives."""

    sku: str
    location: str
    quantity: int
    at: datetime


async def put_brands(database: Database, brands: Sequence[Brand]) -> None:
    async with database.transaction() as connection:
        await run(connection, "put_brands", columns(brands, slugs="slug", names="name"))


async def put_categories(database: Database, categories: Sequence[Category]) -> None:
    """One by one, so that a child finds its parent. psycopg's CheckViolation where one would stand below itself."""
    async with database.transaction() as connection:
        for category in categories:
            await run(connection, "put_category", {
                "slug": category.slug, "name": category.name, "parent": category.parent,
                "sort_order": category.sort_order,
            })  # fmt: skip


async def put_products(database: Database, products: Sequence[Product]) -> None:
    """Also what they are searched by."""
    variants = [(product.sku, variant) for product in products for variant in product.variants]
    prices = [(variant.sku, price) for _, variant in variants for price in variant.prices]
    async with database.transaction() as connection:
        await run(connection, "put_products", {
            **columns(products, skus="sku", handles="handle", names="name", descriptions="description",
                      categories="category", brands="brand", statuses="status"),
            "tags": ["\x1f".join(product.tags) for product in products],
        })  # fmt: skip
        await run(connection, "put_variants", {
            "products": [product for product, _ in variants],
            **columns([variant for _, variant in variants], skus="sku", names="name", tracked="track_inventory",
                      lead_days="lead_days", lead_days_sd="lead_days_sd", pack_sizes="pack_size"),
            **{f"options{n + 1}": [variant.options[n] for _, variant in variants] for n in range(3)},
        })  # fmt: skip
        await run(connection, "put_prices", {
            "skus": [sku for sku, _ in prices],
            **columns([price for _, price in prices], currencies="currency", prices="price", costs="cost",
                      compare_prices="compare_price"),
        })  # fmt: skip
        await run(connection, "refresh_search", {
            "skus": [product.sku for product in products], "currency": database.currency,
        })  # fmt: skip
        await run(connection, "refresh_words", {})


async def put_location(database: Database, code: str, name: str) -> None:
    async with database.transaction() as connection:
        await run(connection, "put_location", {"code": code, "name": name})


async def receive(database: Database, reference: str, moves: Sequence[Move]) -> int:
    """Goods that arrived; what was announced under the reference is no longer awaited. How many rows were new."""
    return await _move(database, "receipt", reference, "", moves)


async def adjust(database: Database, reference: str, reason: str, moves: Sequence[Move]) -> int:
    """Goods counted, lost or broken."""
    return await _move(database, "adjustment", reference, reason, moves)


async def announce(database: Database, reference: str, moves: Sequence[Move]) -> int:
    """Goods bought in; `at` is when they are expected."""
    async with database.transaction() as connection:
        return await run(connection, "stock_announce", {
            "reference": reference,
            **columns(moves, skus="sku", locations="location", quantities="quantity", expected="at"),
        })  # fmt: skip


async def transfer(database: Database, reference: str, source: str, target: str, moves: Sequence[Move]) -> int:
    """Goods from one location to another: a pair of ledger rows, or nothing. The moves' own location is not read."""
    async with database.transaction() as connection:
        moved = await run(connection, "stock_transfer", {
            "reference": reference, "source": source, "target": target,
            **columns(moves, skus="sku", quantities="quantity", at="at"),
        })  # fmt: skip
        await run(connection, "search_stock", columns(moves, skus="sku"))
    return moved


async def fulfil(database: Database, numbers: Sequence[str]) -> int:
    """Orders that were shipped: their goods are no longer committed. How many were not shipped before."""
    async with database.transaction() as connection:
        return await run(connection, "fulfil", {"numbers": list(numbers)})


async def _move(database: Database, kind: str, reference: str, reason: str, moves: Sequence[Move]) -> int:
    async with database.transaction() as connection:
        moved = await run(connection, "stock_move", {
            "kind": kind, "reference": reference, "reason": reason,
            **columns(moves, skus="sku", locations="location", quantities="quantity", at="at"),
        })  # fmt: skip
        await run(connection, "search_stock", columns(moves, skus="sku"))
    return moved
