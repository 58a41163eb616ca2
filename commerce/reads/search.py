"""Finding products: full text, filters, facets, and where no text matches a better spelling."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from store.errors import BadParameter
from store.money import decimal_text, exponent
from store.parameters import CURSOR, LIMIT, Asked, Parameter

from ..database import Database
from .filters import ids_of

SORTS: Final = {
    "relevance": "float8", "popular": "int8", "price": "int8", "-price": "int8", "newest": "timestamptz",
}  # fmt: skip
FACETS_OF: Final = (
    10_000  # hits that facets and relevance are worked out of: the most popular ones, where there are more
)
BANDS: Final = (25, 50, 100, 250, 500)  # major units at which a price band begins, after the one from 0
FACET_LIMIT: Final = 20  # values of a facet, the commonest

PARAMETERS: Final = (
    Parameter("q", 'Words to find; "a phrase", -without, or.'),
    Parameter("category", "Slug of a category; those below it count in."),
    Parameter("brand", "Slug of a brand."),
    Parameter("tag", "A tag, as it is written."),
    Parameter("min_price", "In the shop's currency.", "amount"),
    Parameter("max_price", "In the shop's currency.", "amount"),
    Parameter("in_stock", "Only what can be bought now, or only what cannot.", "flag"),
    Parameter("sort", "By default relevance where words are given, else popular.", "choice", tuple(SORTS)),
    LIMIT,
    CURSOR,
)

_WORD: Final = re.compile(r"[^\W\d_]{3,40}")


class Hit(Struct, frozen=True):
    sku: str
    handle: str
    name: str
    brand: str | None
    category: str | None
    min_price: str
    max_price: str
    in_stock: bool


class Count(Struct, frozen=True):
    value: str
    count: int


class Facets(Struct, frozen=True):
    """`exact` is false where there are more hits than were looked at; the counts are then of those."""

    exact: bool
    brand: list[Count]
    category: list[Count]
    price: list[Count]
    stock: list[Count]


class Found(Struct, frozen=True):
    """`total` and `facets` stand on the first page only; `total_exact` false: there are at least so many."""

    as_of: datetime
    currency: str
    products: list[Hit]
    total: int | None
    total_exact: bool
    facets: Facets | None
    suggestion: str | None
    next_cursor: str | None


class _Hit(Struct, frozen=True):
    product_id: int
    sort_key: Any
    sku: str
    handle: str
    name: str
    brand: str | None
    category: str | None
    min_price: int
    max_price: int
    in_stock: bool


class _Count(Struct, frozen=True):
    facet: str
    value: str
    count: int


class _Word(Struct, frozen=True):
    word: str
    better: str


async def search(database: Database, asked: Asked, now: datetime) -> Found:
    """A page, and with the first one what all hits have in common; each reads the index for itself."""
    if None not in (asked["min_price"], asked["max_price"]) and asked["min_price"] > asked["max_price"]:
        raise BadParameter("min_price", "must not be above max_price")
    sort = asked["sort"] or ("relevance" if asked["q"] else "popular")
    if sort == "relevance" and not asked["q"]:
        raise BadParameter("sort", "relevance needs q")
    key_type: type = {"float8": float, "int8": int, "timestamptz": datetime}[SORTS[sort]]
    after = asked.after(key_type, int)
    filters: dict[str, object] = {
        "q": asked["q"],
        "categories": await ids_of(database, "category", asked["category"]),
        "brands": await ids_of(database, "brand", asked["brand"]),
        "tag": asked["tag"],
        "min_price": asked["min_price"],
        "max_price": asked["max_price"],
        "in_stock": asked["in_stock"],
    }
    limit = asked["limit"]
    page_filters = {
        **filters, "after": after and after[0], "after_id": after and after[1], "limit": limit + 1, "most": FACETS_OF,
    }  # fmt: skip
    found = await database.read(_Hit, PAGE_OF[sort], page_filters)
    page, currency = found[:limit], database.currency
    total, facets, suggestion = None, None, None
    if after is None:
        bands = [band * 10 ** exponent(currency) for band in BANDS]
        counts = await database.read(_Count, "search_facets", {**filters, "bands": bands, "most": FACETS_OF + 1})
        total = next((row.count for row in counts if row.facet == "total"), 0)
        facets = _facets(counts, total <= FACETS_OF)
        if not total and asked["q"]:
            suggestion = await _suggestion(database, asked["q"])
    hits = [
        Hit(
            row.sku, row.handle, row.name, row.brand, row.category, decimal_text(row.min_price, currency),
            decimal_text(row.max_price, currency), row.in_stock,
        )
        for row in page
    ]  # fmt: skip
    more = asked.cursor(page[-1].sort_key, page[-1].product_id) if len(found) > limit else None
    exact = total is not None and total <= FACETS_OF
    return Found(now, currency, hits, total if exact or total is None else FACETS_OF, exact, facets, suggestion, more)


PAGE_OF: Final = {
    "relevance": "search_relevance",
    "popular": "search_popular",
    "price": "search_cheapest",
    "-price": "search_dearest",
    "newest": "search_newest",
}


def _facets(counts: list[_Count], exact: bool) -> Facets:
    def of(facet: str) -> list[Count]:
        found = [Count(row.value, row.count) for row in counts if row.facet == facet]
        return sorted(found, key=lambda count: (-count.count, count.value))[:FACET_LIMIT]

    bounds = [0, *BANDS]
    prices = {row.value: row.count for row in counts if row.facet == "price"}
    bands = [
        Count(f"{low}-{bounds[number + 1]}" if number + 1 < len(bounds) else f"{low}-", prices[str(number)])
        for number, low in enumerate(bounds)
        if str(number) in prices
    ]
    return Facets(exact, of("brand"), of("category"), bands, of("stock"))


async def _suggestion(database: Database, q: str) -> str | None:
    """The question with each word that no product has replaced by the likest one; None where none is like it."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(q)))
    found = await database.read(_Word, "search_suggestion", {"words": words})
    better = {row.word: row.better for row in found if row.better != row.word}
    if not better:
        return None
    return _WORD.sub(lambda match: better.get(match[0].lower(), match[0]), q)
