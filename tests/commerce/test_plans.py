"""No production query scans a big table: read from its plan, on a generated shop.

With sequential scans priced out of the market, one that still appears has no index to go by. What is read by index is
counted too: a query may not touch more rows than an answer of its size needs.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, Final

import psycopg
import pytest
import pytest_asyncio

from commerce import snapshots
from commerce.check import run_check
from commerce.contract import READS, Question
from commerce.database import Database, query
from commerce.generate import Scale, generate
from store.parameters import Asked
from tests.commerce.shop import NOW

SCALE: Final = Scale(orders=12_000, lines=50_000, customers=3_000, products=1_500)
BIG: Final = {
    "orders", "order_items", "customers", "customer_stats", "products", "product_variants", "variant_prices", "stock",
    "inventory_transactions", "refunds", "refund_lines", "product_search", "product_views", "segment_members",
    *(f"product_performance_{days}" for days in snapshots.WINDOWS), "inventory_advice", "addresses", "incoming_stock",
    "search_words",
}  # fmt: skip
MOST_ROWS: Final = 2_500  # an answer of 50 with its parts; far below the smallest of what may not be scanned
COUNTS_ALL: Final = {  # answers that are about all products are allowed one pass over these
    "search_facets": {"product_search"},
    "search_relevance": {"product_search"},
}
BOOKING: Final = ("customers", "purchases", "refunds", "views", "waiting_of", "known_orders", "known_refunds", "fulfil")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def generated(fresh: Any, template: str) -> AsyncIterator[str]:
    async with fresh(template) as url:
        async with Database(url) as database:
            await generate(database, NOW, SCALE)
            await snapshots.rebuild(database, NOW)
        yield url


class Watched(Database):
    """Remembers what was asked."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []

    async def read(self, row: Any, name: str, parameters: Any, **identifiers: str) -> Any:
        self.asked.append((name, dict(parameters), identifiers))
        return await super().read(row, name, parameters, **identifiers)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


@asynccontextmanager
async def explaining(url: str) -> AsyncIterator[Any]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("SET enable_seqscan = off")
        await connection.execute("SET plan_cache_mode = force_custom_plan")
        yield connection
        await connection.rollback()


async def scans(connection: Any, name: str, parameters: Any, **identifiers: str) -> list[tuple[str, str, int]]:
    """(node, table, rows that it read) of every node that reads a table."""
    statement = b"EXPLAIN (ANALYZE, FORMAT JSON) " + query(name, **identifiers)
    ((plan,),) = await (await connection.execute(statement, parameters)).fetchall()
    return [
        (
            node["Node Type"], node["Relation Name"],
            round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]),
        )
        for node in nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
        if "Relation Name" in node
    ]  # fmt: skip


CASES: Final[list[tuple[str, dict[str, str], str]]] = [
    ("segments", {}, ""),
    ("segments", {"method": "rfm"}, ""),
    ("segment_customers", {}, "regular"),
    ("segment_customers", {}, "champions"),
    ("sales", {}, ""),
    *(("performance", {"days": "90", "sort": sort}, "") for sort in ("net", "units", "profit", "views", "conversion")),
    ("performance", {"category": "audio-10"}, ""),
    ("performance", {"brand": "brand-1"}, ""),
    ("inventory", {}, ""),
    ("inventory", {"status": "out_of_stock"}, ""),
    ("inventory", {"location": "east", "status": "ok"}, ""),
    ("low_stock", {}, ""),
    ("low_stock", {"location": "east"}, ""),
    ("search", {"q": "wireless headphones"}, ""),
    ("search", {"q": "hedfones lamp"}, ""),
    ("search", {"q": "headfonez"}, ""),
    *(("search", {"sort": sort}, "") for sort in ("popular", "price", "-price", "newest")),
    ("search", {"category": "audio", "brand": "brand-1", "min_price": "10", "tag": "oak"}, ""),
    ("product", {}, "P7"),
    ("product", {}, "P7-1"),
    ("categories", {}, ""),
    ("customer", {}, "c777"),
    ("customer_orders", {}, "c777"),
    ("order", {}, "G777"),
]


@pytest.mark.parametrize(("name", "given", "subject"), CASES, ids=str)
async def test_a_read_goes_by_index(generated: str, name: str, given: dict[str, str], subject: str) -> None:
    (read,) = (read for read in READS if read.name == name)
    async with Watched(generated) as database, explaining(generated) as connection:
        asked = Asked(name, read.parameters, given, "USD")
        answer: Any = await read.ask(Question(database, asked, subject, NOW))
        if cursor := getattr(answer, "next_cursor", None):
            following = Asked(name, read.parameters, {**given, "cursor": cursor}, "USD")
            await read.ask(Question(database, following, subject, NOW))
        assert database.asked
        for sql_name, parameters, identifiers in database.asked:
            for node, table, count in await scans(connection, sql_name, parameters, **identifiers):
                if table in COUNTS_ALL.get(sql_name, ()):
                    continue
                assert node != "Seq Scan" or table not in BIG, (sql_name, table)
                assert count <= MOST_ROWS or table not in BIG, (sql_name, node, table, count)


async def test_booking_goes_by_index(generated: str) -> None:
    arrays: dict[str, Any] = {
        "numbers": ["new-1"], "customers": ["c1"], "emails": ["new@example.org"], "first_names": [""],
        "last_names": [""], "currencies": ["USD"], "placed": [NOW], "locations": [None], "shipping": [0], "tax": [0],
        "fulfilled": [False], "line_numbers": ["new-1"], "skus": ["P1-0"], "quantities": [1], "discounts": [0],
        "prices": [None], "orders": ["G777"], "refunded": [NOW], "reasons": [""], "others": [0], "whole": [True],
        "restock": [True], "amounts": [None], "stream": "page_views", "consumer": "one", "ids": ["1-0"],
        "days": [NOW.date()], "handles": ["product-1"],
    }  # fmt: skip
    async with explaining(generated) as connection:
        for name in BOOKING:
            for node, table, count in await scans(connection, name, arrays):
                assert node != "Seq Scan" or table not in BIG, (name, table)
                assert count <= MOST_ROWS or table not in BIG, (name, node, table, count)


def test_every_query_that_serves_is_looked_at() -> None:
    """A new file of SQL is either explained above or known to read whole tables, for a reason."""
    whole = ("snapshot_", "generate_", "check_", "repair_", "put_", "stock_", "refresh_", "ids_of_", "search_")
    named = {path.name.removesuffix(".sql") for path in files("commerce").joinpath("sql").iterdir()}
    served = {name for name, _, _ in CASES} | set(BOOKING) | {"customer_id", "waiting_add", "waiting_settle"}
    assert {name for name in named - served if not name.startswith(whole)} == set()


async def test_a_generated_shop_is_sound(generated: str) -> None:
    async with Database(generated) as database:
        report = await run_check(database)
        assert report.sound, report
