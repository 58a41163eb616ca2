"""What is asked wrongly gets a problem that names the parameter; what cannot be answered says so."""

from __future__ import annotations

from typing import Any

import pytest

from commerce import snapshots
from commerce.contract import PREFIX, READS
from commerce.database import Database
from commerce.openapi import paths, schemas
from tests.commerce.asking import asking
from tests.commerce.shop import NOW, furnish, product, project, purchase, stocked


@pytest.mark.parametrize(
    ("path", "parameters", "name", "why"),
    [
        ("/segments", {"method": "magic"}, "method", "unknown 'magic'; the known ones are thresholds, rfm"),
        ("/segments", {"currency": "dollar"}, "currency", "must be an ISO 4217 code"),
        ("/segments", {"x": "1"}, "x", "unknown parameter; the known ones are method, currency"),
        ("/segments/vip/customers", {"limit": "0"}, "limit", "must be a whole number from 1 to 200"),
        ("/segments/vip/customers", {"limit": "1e2"}, "limit", "must be a whole number"),
        ("/segments/vip/customers", {"cursor": "!!"}, "cursor", "is not one that an answer gave"),
        ("/segments/vip/customers", {"cursor": "W10"}, "cursor", "is not one that an answer gave"),
        ("/sales", {"months": "241"}, "months", "from 1 to 240"),
        ("/products/performance", {"days": "31"}, "days", "unknown '31'; the known ones are 30, 90, 365"),
        ("/products/performance", {"sort": "luck"}, "sort", "unknown 'luck'"),
        ("/products/performance", {"category": "none"}, "category", "there is no category 'none'"),
        ("/products/performance", {"brand": "none"}, "brand", "there is no brand 'none'"),
        ("/inventory/recommendations", {"status": "gone"}, "status", "unknown 'gone'"),
        ("/inventory/recommendations", {"location": "moon"}, "location", "there is no location 'moon'"),
        ("/variants/low-stock", {"status": "ok"}, "status", "unknown parameter"),
        ("/products", {"min_price": "cheap"}, "min_price", "must be a decimal number"),
        ("/products", {"min_price": "1.001"}, "min_price", "at most 2 digits"),
        ("/products", {"min_price": "-1"}, "min_price", "must not be below zero"),
        ("/products", {"max_price": "9" * 30}, "max_price", "nor beyond"),
        ("/products", {"min_price": "2", "max_price": "1"}, "min_price", "must not be above max_price"),
        ("/products", {"in_stock": "yes"}, "in_stock", "must be true or false"),
        ("/products", {"sort": "relevance"}, "sort", "relevance needs q"),
        ("/products", {"q": " "}, "q", "must be 1 to 200 printable characters"),
        ("/products", {"q": "x" * 201}, "q", "must be 1 to 200"),
        ("/products", {"q": "a\0b"}, "q", "printable"),
        ("/products/A", {"q": "x"}, "q", "this call takes none"),
        ("/categories", {"limit": "1"}, "limit", "this call takes none"),
    ],
)
async def test_refuses(database: Database, path: str, parameters: dict[str, str], name: str, why: str) -> None:
    async with asking(database) as shop:
        parameter, message = await shop.refused(path, **parameters)
        assert parameter == name
        assert why in message


async def test_a_parameter_given_twice(database: Database) -> None:
    async with asking(database) as shop:
        assert await shop.refused("/products?q=a&q=b") == ("q", "q: given more than once")


async def test_a_cursor_belongs_to_its_list(database: Database) -> None:
    await stocked(database, product("A"), product("B"), product("C"))
    async with asking(database) as shop:
        cursor = (await shop.get("/products", limit=1))["next_cursor"]
        assert len((await shop.get("/products", limit=2, cursor=cursor))["products"]) == 2
        for other in ({"sort": "price"}, {"in_stock": "true"}):
            assert await shop.refused("/products", cursor=cursor, **other) == (
                "cursor", "cursor: belongs to a list with other filters",
            )  # fmt: skip
        assert (await shop.refused("/products", cursor=cursor[:-3]))[0] == "cursor"


async def test_before_the_first_snapshot_nothing_is_said_to_be_nothing(database: Database) -> None:
    async with asking(database) as shop:
        for path in (
            "/segments",
            "/products/performance",
            "/inventory/recommendations",
            "/variants/low-stock",
            "/sales",
        ):
            assert (await shop.get(path, 503))["code"] == "shop_unavailable"
        assert (await shop.get("/products"))["total"] == 0
    await snapshots.rebuild(database, NOW)
    async with asking(database) as shop:
        assert (await shop.get("/segments"))["total"]["customers"] == 0
        assert (await shop.get("/products/performance"))["products"] == []


async def test_another_sites_key_sees_nothing(database: Database) -> None:
    async with asking(database) as shop:
        assert (await shop.get("/products", 404, site="other"))["code"] == "no_shop"


async def test_a_database_that_is_away_is_a_503() -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1") as away, asking(away) as shop:
        assert (await shop.get("/categories", 503))["code"] == "shop_unavailable"


async def test_answers_fit_the_openapi_document(database: Database) -> None:
    await furnish(database)
    await project(database, purchase("1", ("A", 1)))
    await snapshots.rebuild(database, NOW)
    known = schemas()
    subjects = {"name": "new", "sku": "A", "id": "ann", "number": "1"}
    async with asking(database) as shop:
        for read in READS:
            operation = paths()[PREFIX + read.path]["get"]
            names = [one["name"] for one in operation["parameters"] if one["in"] == "query"]
            assert names == [parameter.name for parameter in read.parameters]
            answer: dict[str, Any] = await shop.get(read.path.format(**subjects))
            ref = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
            schema = known[ref.removeprefix("#/components/schemas/")]
            assert set(answer) == set(schema["properties"]), read.name
    text = str(paths()) + str(known)
    for part in text.split("#/components/schemas/")[1:]:
        assert part.split("'")[0] in known
