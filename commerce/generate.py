"""A made-up shop of any size, by COPY: what the bench measures, the plans are read on, and `hitstream demo` shows.

What is skewed in life is skewed here: few products sell most (Zipf), few customers buy most (gamma), sales grow over
two years, some variants sell out. The same seed makes the same shop. Into an empty, migrated database only; its user
must be a superuser (foreign keys are not checked row by row, and what is derived is checked by `commerce.check`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from msgspec import Struct
from psycopg import AsyncConnection

from .database import Database, rows, run

DAYS: Final = 730
CHUNK: Final = 100_000  # rows formatted at once

ADJECTIVES: Final = (
    "wireless", "portable", "compact", "classic", "modern", "vintage", "light", "heavy", "soft", "bright", "quiet",
    "smart", "slim", "wide", "folding", "robust", "elegant", "simple", "premium", "everyday", "travel", "outdoor",
    "indoor", "summer", "winter", "organic", "recycled", "waterproof", "rechargeable", "magnetic",
)  # fmt: skip
NOUNS: Final = (
    "headphones", "speaker", "lamp", "chair", "table", "backpack", "bottle", "jacket", "shoes", "sweater", "kettle",
    "toaster", "blender", "camera", "tripod", "keyboard", "mouse", "monitor", "charger", "cable", "pillow",
    "blanket", "curtain", "mirror", "clock", "watch", "wallet", "umbrella", "tent", "stove", "knife", "pan",
    "teapot", "mug", "plate", "bowl", "basket", "shelf", "drawer", "ladder", "hammer", "drill", "saw", "brush",
    "soap", "candle", "vase", "frame", "notebook", "pen",
)  # fmt: skip
MATERIALS: Final = (
    "cotton", "leather", "steel", "oak", "bamboo", "glass", "ceramic", "wool", "linen", "aluminium", "copper",
    "cork", "felt", "rubber",
)  # fmt: skip
COLOURS: Final = ("black", "white", "blue")
ROOTS: Final = ("audio", "kitchen", "garden", "office", "clothing", "travel", "sports", "lighting", "tools", "bath")


class Scale(Struct, frozen=True):
    """How large the shop is. Each product has three variants."""

    orders: int = 1_000_000
    lines: int = 5_000_000
    customers: int = 200_000
    products: int = 50_000
    seed: int = 7


class _Index(Struct, frozen=True):
    name: str
    definition: str


async def generate(database: Database, now: datetime, scale: Scale) -> None:
    """Fills the database with a shop whose last order was placed just before `now`."""
    random = np.random.default_rng(scale.seed)
    async with database.transaction() as connection:
        await connection.execute(b"SET LOCAL session_replication_role = replica")
        await connection.execute(b"SET LOCAL synchronous_commit = off")
        await connection.execute(b"SET LOCAL statement_timeout = 0")
        indexes = await rows(connection, _Index, "generate_indexes", {})
        for index in indexes:
            await connection.execute(f'DROP INDEX "{index.name}"'.encode())
        await _catalogue(connection, random, now, scale)
        await _customers(connection, random, now, scale)
        await _orders(connection, random, now, scale)
        for index in indexes:
            await connection.execute(index.definition.encode())
        for name in ("generate_refunds", "repair_orders", "generate_ledger", "generate_receipts", "generate_views"):
            await run(connection, name, {"now": now})
        for name in ("repair_stock", "repair_committed", "repair_customers", "generate_sequences"):
            await run(connection, name, {})
    async with database.transaction() as connection:
        await connection.execute(b"SET LOCAL statement_timeout = 0")
        await run(connection, "refresh_search", {"skus": None, "currency": database.currency})
        await run(connection, "refresh_words", {})
        await connection.execute(b"ANALYZE")


async def _catalogue(connection: AsyncConnection, random: np.random.Generator, now: datetime, scale: Scale) -> None:
    brands = [(n + 1, f"{MATERIALS[n % 14].title()} {n}", f"brand-{n}") for n in range(200)]
    await _copy(connection, "brands (id, name, slug)", brands)
    categories: list[tuple[Any, ...]] = [(n + 1, None, root.title(), root) for n, root in enumerate(ROOTS)]
    categories += [
        (len(ROOTS) + n + 1, n % 10 + 1, f"{ROOTS[n % 10].title()} {n // 10}", f"{ROOTS[n % 10]}-{n}")
        for n in range(110)
    ]
    await _copy(connection, "categories (id, parent_id, name, slug)", categories)
    await _copy(connection, "locations (id, code, name)", [(2, "east", "East")])

    count = scale.products
    words = [random.integers(0, len(of), count).tolist() for of in (ADJECTIVES, MATERIALS, NOUNS, ADJECTIVES, NOUNS)]
    category = random.integers(11, 121, count).tolist()
    brand = (random.zipf(1.3, count) % 200 + 1).tolist()
    born = random.uniform(0, DAYS, count).tolist()
    await _copy(
        connection,
        "products (id, sku, handle, name, description, category_id, brand_id, tags, created_at)",
        (
            (
                n + 1, f"P{n + 1}", f"product-{n + 1}",
                f"{ADJECTIVES[a]} {MATERIALS[m]} {NOUNS[o]}".title(),
                f"A {ADJECTIVES[b]} thing of {MATERIALS[m]}, made to go with any {NOUNS[p]} at home",
                None if n % 50 == 0 else category[n], brand[n], f"{{{MATERIALS[m]},{ADJECTIVES[b]}}}",
                now - timedelta(days=DAYS - born[n] / 2),
            )
            for n, (a, m, o, b, p) in enumerate(zip(*words, strict=True))
        ),
    )  # fmt: skip
    variants = 3 * count
    lead = random.integers(2, 30, variants).tolist()
    pack = random.choice([1, 6, 12], variants).tolist()
    await _copy(
        connection,
        "product_variants (id, product_id, sku, name, option1, lead_days, lead_days_sd, pack_size, position)",
        (
            (
                n + 1,
                n // 3 + 1,
                f"P{n // 3 + 1}-{n % 3}",
                COLOURS[n % 3],
                COLOURS[n % 3],
                lead[n],
                lead[n] / 4,
                pack[n],
                n % 3,
            )
            for n in range(variants)
        ),
    )
    price = np.clip(random.lognormal(8, 1, variants), 99, 500_000).astype(int)
    cost = (price * random.uniform(0.3, 0.7, variants)).astype(int).tolist()
    unknown = (random.random(variants) < 0.03).tolist()
    await _copy(
        connection,
        "variant_prices (variant_id, currency, price, cost)",
        (
            (n + 1, currency, p * share // 10, None if unknown[n] else cost[n] * share // 10)
            for n, p in enumerate(price.tolist())
            for currency, share in (("USD", 10), ("EUR", 9))
        ),
    )


async def _customers(connection: AsyncConnection, random: np.random.Generator, now: datetime, scale: Scale) -> None:
    since = random.uniform(0, DAYS, scale.customers).tolist()
    await _copy(
        connection,
        "customers (id, external_id, email, created_at)",
        ((n + 1, f"c{n + 1}", f"c{n + 1}@example.org", now - timedelta(days=since[n])) for n in range(scale.customers)),
    )


async def _orders(connection: AsyncConnection, random: np.random.Generator, now: datetime, scale: Scale) -> None:
    """Lines come with what decides them; what follows (prices, names, sums) is looked up where it stands."""
    keen = random.gamma(0.5, size=scale.customers)
    keen[: scale.customers // 20] = 0  # those who never order
    customer = random.choice(scale.customers, scale.orders, p=keen / keen.sum()) + 1
    # Growing: twice as many a day at the end as at the beginning.
    age = np.sort(DAYS * (2 - np.sqrt(1 + 3 * random.random(scale.orders))))[::-1]
    euro = random.random(scale.orders) < 0.05
    east = random.random(scale.orders) < 0.2

    variants = 3 * scale.products
    weight = 1 / np.arange(1, variants + 1)
    popular = random.permutation(variants) + 1
    extra = scale.lines // 20  # to be cut: the same variant twice in an order
    of = random.integers(1, scale.orders + 1, scale.lines + extra - scale.orders)
    of = np.concatenate([np.arange(1, scale.orders + 1), of])
    variant = popular[random.choice(variants, of.size, p=weight / weight.sum())]
    pairs = np.unique(of.astype(np.int64) << 32 | variant)
    surplus = max(pairs.size - scale.lines, 0)
    first = np.concatenate([[True], pairs[1:] >> 32 != pairs[:-1] >> 32])
    spare = random.permutation(np.flatnonzero(~first))[:surplus]  # every order keeps its first line
    pairs = np.delete(pairs, spare)
    quantity = np.minimum(random.zipf(2.5, pairs.size), 20)
    discount = np.where(random.random(pairs.size) < 0.15, 10, 0)

    await connection.execute(b"CREATE TEMP TABLE given_orders (id bigint, customer_id bigint, location_id bigint, "
                             b"currency text, placed_at timestamptz) ON COMMIT DROP")  # fmt: skip
    await connection.execute(b"CREATE TEMP TABLE given_lines (order_id bigint, variant_id bigint, quantity integer, "
                             b"discount integer) ON COMMIT DROP")  # fmt: skip
    await _copy(
        connection,
        "given_orders",
        (
            (n + 1, c, 2 if e else 1, "EUR" if f else "USD", now - timedelta(days=a))
            for n, (c, e, f, a) in enumerate(
                zip(customer.tolist(), east.tolist(), euro.tolist(), age.tolist(), strict=True)
            )
        ),
    )
    columns = (pairs >> 32, pairs & 0xFFFFFFFF, quantity, discount)
    await _copy(connection, "given_lines", zip(*(column.tolist() for column in columns), strict=True))
    await connection.execute(b"ANALYZE given_orders, given_lines, product_variants, variant_prices, products")
    await run(connection, "generate_lines", {})
    await run(connection, "generate_orders", {"now": now})


async def _copy(connection: AsyncConnection, target: str, given: Iterable[Sequence[object]]) -> None:
    async with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN".encode()) as copy:
        for text in _texts(given):
            await copy.write(text)


def _texts(given: Iterable[Sequence[object]]) -> Iterator[str]:
    lines = []
    for row in given:
        lines.append("\t".join(["\\N" if value is None else str(value) for value in row]))
        if len(lines) == CHUNK:
            yield "\n".join(lines) + "\n"
            lines.clear()
    if lines:
        yield "\n".join(lines) + "\n"
