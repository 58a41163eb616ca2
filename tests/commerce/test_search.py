"""Finding products by words, filters and facets; and what is asked again in a better spelling."""

from __future__ import annotations

from typing import Any

import pytest

from commerce import catalogue, snapshots
from commerce.catalogue import Brand, Category, Price, Product, Variant
from commerce.database import Database
from tests.commerce.asking import asking
from tests.commerce.shop import NOW, do, furnish, product, project, purchase, stocked


async def fill(database: Database) -> None:
    await furnish(database)
    await catalogue.put_brands(database, [Brand("headphone-house", "Headphone House")])
    await catalogue.put_categories(database, [Category("in-ear", "In-ear", "headphones")])
    await stocked(
        database,
        product("HP-77-X", 9900, name="Studio Cans", category="in-ear", description="Closed headphones for studios"),
        product("T-1", 300, name="Cable", brand="headphone-house", tags=("spare part", "audio")),
    )
    await catalogue.put_products(
        database, [product("D-1", name="Drafted Headphones", status="draft"), product("Z-0", name="Zebra Lamp")]
    )


def skus(answer: Any) -> list[str]:
    return [hit["sku"] for hit in answer["products"]]


@pytest.mark.parametrize(
    ("parameters", "want"),
    [
        ({"q": "headphone"}, ["A", "T-1", "HP-77-X"]),  # in the name, in the brand, in the description
        ({"q": "hp-77-x"}, ["HP-77-X"]),
        ({"q": "headphones -studio"}, ["A", "T-1"]),
        ({"q": '"wireless headphones"'}, ["A"]),
        ({"q": "sock or lamp", "sort": "price"}, ["C", "Z-0"]),
        ({"q": "the"}, []),  # a stop word asks for nothing
        ({"q": "'); DROP TABLE products --"}, []),
        ({"category": "audio", "sort": "price"}, ["A", "B", "HP-77-X"]),
        ({"category": "headphones", "sort": "-price"}, ["HP-77-X", "A"]),
        ({"brand": "acme"}, ["A"]),
        ({"tag": "spare part"}, ["T-1"]),
        ({"min_price": "10", "max_price": "20", "sort": "-price"}, ["B", "Z-0", "A"]),
        ({"min_price": "98.99"}, ["HP-77-X"]),
        ({"in_stock": "false"}, ["Z-0"]),
        ({"sort": "newest"}, ["Z-0", "T-1", "HP-77-X", "C", "B", "A"]),
    ],
)
async def test_finds(database: Database, parameters: Any, want: list[str]) -> None:
    await fill(database)
    async with asking(database) as shop:
        answer = await shop.get("/products", **parameters)
        assert skus(answer) == want
        assert (answer["total"], answer["total_exact"]) == (len(want), True)


async def test_facets_and_total(database: Database) -> None:
    await fill(database)
    async with asking(database) as shop:
        answer = await shop.get("/products", limit=1)
        assert answer["total"] == 6
        assert answer["facets"] == {
            "exact": True,
            "brand": [{"value": name, "count": 1} for name in ("acme", "headphone-house", "zenith")],
            "category": [{"value": name, "count": 1} for name in ("audio", "headphones", "in-ear")],
            "price": [{"value": "0-25", "count": 5}, {"value": "50-100", "count": 1}],
            "stock": [{"value": "in_stock", "count": 5}, {"value": "out_of_stock", "count": 1}],
        }
        second = await shop.get("/products", limit=1, cursor=answer["next_cursor"])
        assert (second["total"], second["facets"]) == (None, None)


async def test_what_sells_is_popular_and_what_sold_out_is_out_of_stock(database: Database) -> None:
    await fill(database)
    await project(database, purchase("1", ("C", 100), ("B", 9)))
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        assert skus(await shop.get("/products"))[:2] == ["C", "B"]
        assert sorted(skus(await shop.get("/products", in_stock="false"))) == ["C", "Z-0"]


@pytest.mark.parametrize(
    ("q", "suggestion"),
    [
        ("headfones", "headphones"),
        ("Wireles headfones!", "wireless headphones!"),
        ("zebbra", "zebra"),
        ("xylophone", None),
        ("123", None),
    ],
)
async def test_a_better_spelling_where_nothing_is_found(database: Database, q: str, suggestion: str | None) -> None:
    await fill(database)
    async with asking(database) as shop:
        answer = await shop.get("/products", q=q)
        assert (answer["products"], answer["total"], answer["suggestion"]) == ([], 0, suggestion)
        if suggestion:
            assert (await shop.get("/products", q=suggestion))["total"] > 0


@pytest.mark.parametrize("sort", ["relevance", "popular", "price", "-price", "newest"])
async def test_pages_leave_none_out_and_show_none_twice(database: Database, sort: str) -> None:
    await stocked(database, *(product(f"L{n}", 100 + n // 4, name="Lamp") for n in range(11)))
    async with asking(database) as shop:
        given: dict[str, Any] = {"sort": sort, "limit": 3} | ({"q": "lamp"} if sort == "relevance" else {})
        whole = skus(await shop.get("/products", **{**given, "limit": 50}))
        paged = [hit["sku"] for hit in await shop.pages("/products", "products", **given)]
        assert paged == whole
        assert sorted(paged) == sorted(f"L{n}" for n in range(11))


async def test_prices_in_another_currency_are_not_compared(database: Database) -> None:
    only_yen = Product("Y", "y", "Yen Lamp", (Variant("Y", (Price("JPY", 900),)),))
    await catalogue.put_products(database, [only_yen, product("U", name="Dollar Lamp")])
    async with asking(database) as shop:
        assert skus(await shop.get("/products", q="lamp")) == ["U"]


async def test_what_is_no_longer_sold_is_no_longer_found(database: Database) -> None:
    await fill(database)
    await catalogue.put_products(database, [product("A", name="Wireless Headphones", status="archived")])
    async with asking(database) as shop:
        assert "A" not in skus(await shop.get("/products", q="headphones"))
    await do(database, "DELETE FROM products WHERE sku = 'B'")
    async with asking(database) as shop:
        assert "B" not in skus(await shop.get("/products"))
