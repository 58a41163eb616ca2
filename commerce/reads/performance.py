"""What products brought in over 30, 90 or 365 days."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from store.money import decimal_text, numeric_code
from store.parameters import CURRENCY, CURSOR, LIMIT, Asked, Parameter

from ..database import Database
from ..money import average, ratio, shown
from ..snapshots import WINDOWS
from .asof import as_of
from .filters import ids_of

COLUMN_OF: Final = {
    "net": "net",
    "units": "units",
    "profit": "profit_key",
    "views": "views",
    "conversion": "conversion_key",
}
PARAMETERS: Final = (
    Parameter("days", "The window, up to now.", "choice", tuple(str(days) for days in WINDOWS), WINDOWS[0]),
    Parameter("category", "Slug of a category; those below it count in."),
    Parameter("brand", "Slug of a brand."),
    Parameter("sort", "What the first has most of.", "choice", tuple(COLUMN_OF), "net"),
    CURRENCY,
    LIMIT,
    CURSOR,
)


class Product(Struct, frozen=True):
    """`net` is gross - discounts - refunds. `cost`, `profit`, `margin`: null where a cost at sale is not known.

    `conversion_rate` is orders / views of all currencies; null without views, or with fewer views than orders.
    `abc`: A brings the first 80 % of all net sales, B the next 15 %, C the rest.
    """

    sku: str
    name: str
    category: str | None
    brand: str | None
    units: int
    orders: int
    gross: str
    discounts: str
    refunds: str
    net: str
    average_price: str | None
    cost: str | None
    profit: str | None
    margin: float | None
    views: int
    conversion_rate: float | None
    rank: int
    rank_in_category: int
    abc: str


class Performance(Struct, frozen=True):
    as_of: datetime
    days: int
    currency: str
    products: list[Product]
    next_cursor: str | None


class _Row(Struct, frozen=True):
    product_id: int
    sort_key: int | float
    sku: str
    name: str
    category: str | None
    brand: str | None
    units: int
    orders: int
    gross: int
    discounts: int
    refunds: int
    net: int
    cost: int | None
    views: int
    conversion_key: float
    rank: int
    rank_in_category: int
    abc: str


async def performance(database: Database, asked: Asked) -> Performance:
    days, currency, limit, sort = asked["days"], asked["currency"], asked["limit"], asked["sort"]
    key_type = float if sort == "conversion" else int
    after = asked.after(key_type, int) or (None, None)
    categories = await ids_of(database, "category", asked["category"])
    brands = await ids_of(database, "brand", asked["brand"])
    snapshot = f"product_performance_{days}"
    at = await as_of(database, snapshot)
    found = await database.read(
        _Row,
        "performance",
        {
            "currency": numeric_code(currency), "categories": categories, "brands": brands, "after": after[0],
            "after_id": after[1], "limit": limit + 1,
        },
        snapshot=snapshot,
        sort=COLUMN_OF[sort],
        sort_type="float8" if key_type is float else "int8",
    )  # fmt: skip
    page = found[:limit]
    more = asked.cursor(page[-1].sort_key, page[-1].product_id) if len(found) > limit else None
    return Performance(at, days, currency, [_product(row, currency) for row in page], more)


def _product(row: _Row, currency: str) -> Product:
    profit = None if row.cost is None else row.net - row.cost
    return Product(
        sku=row.sku,
        name=row.name,
        category=row.category,
        brand=row.brand,
        units=row.units,
        orders=row.orders,
        gross=decimal_text(row.gross, currency),
        discounts=decimal_text(row.discounts, currency),
        refunds=decimal_text(row.refunds, currency),
        net=decimal_text(row.net, currency),
        average_price=average(row.gross - row.discounts, row.units, currency),
        cost=shown(row.cost, currency),
        profit=shown(profit, currency),
        margin=None if profit is None or row.net <= 0 else ratio(profit, row.net),
        views=row.views,
        conversion_rate=None if row.conversion_key < 0 else round(row.conversion_key, 4),
        rank=row.rank,
        rank_in_category=row.rank_in_category,
        abc=row.abc,
    )
