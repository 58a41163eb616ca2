"""Customers by what they spent and how often (`thresholds`), or by recency, frequency and monetary value (`rfm`)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from store.money import decimal_text
from store.parameters import CURRENCY, CURSOR, LIMIT, Asked, Parameter

from ..database import Database
from ..errors import NotFound
from ..money import average, ratio
from .asof import as_of

SEGMENTS: Final = ("vip", "premium", "regular", "new", "dormant", "prospect")
RFM_GROUPS: Final = (
    "champions", "loyal", "potential_loyal", "newcomers", "need_attention", "about_to_sleep", "at_risk",
    "hibernating", "lost",
)  # fmt: skip

PARAMETERS: Final = (
    Parameter("method", "How customers are divided.", "choice", ("thresholds", "rfm"), "thresholds"),
    CURRENCY,
)
MEMBER_PARAMETERS: Final = (CURRENCY, LIMIT, CURSOR)


class Segment(Struct, frozen=True):
    """`revenue` is less refunds; `average_order_value` is revenue / orders; `repeat_rate` is of those who ordered."""

    name: str
    customers: int
    orders: int
    revenue: str
    average_order_value: str | None
    median_days_since_last_order: float | None
    share_of_revenue: float | None
    repeat_rate: float | None


class Segments(Struct, frozen=True):
    as_of: datetime
    method: str
    currency: str
    segments: list[Segment]
    total: Segment


class Member(Struct, frozen=True):
    id: str
    email: str | None
    segment: str
    rfm_group: str | None
    orders: int
    revenue: str
    last_order_at: datetime | None


class Members(Struct, frozen=True):
    as_of: datetime
    name: str
    currency: str
    customers: list[Member]
    next_cursor: str | None


class _Segment(Struct, frozen=True):
    segment: str
    customers: int
    repeat_customers: int
    orders: int
    revenue: int
    median_days: float | None


class _Member(Struct, frozen=True):
    customer_id: int
    external_id: str
    email: str | None
    segment: str
    rfm_group: str | None
    orders: int
    revenue: int
    last_order_at: datetime | None


async def segments(database: Database, asked: Asked) -> Segments:
    method, currency = asked["method"], asked["currency"]
    at = await as_of(database, "segment_summary")
    found = await database.read(_Segment, "segments", {"method": method, "currency": currency})
    by_name = {row.segment: row for row in found}
    revenue = sum(row.revenue for row in found)

    def shown(name: str, row: _Segment) -> Segment:
        buyers = row.customers if row.orders else 0
        return Segment(
            name=name,
            customers=row.customers,
            orders=row.orders,
            revenue=decimal_text(row.revenue, currency),
            average_order_value=average(row.revenue, row.orders, currency),
            median_days_since_last_order=None if row.median_days is None else round(row.median_days, 2),
            share_of_revenue=ratio(row.revenue, revenue),
            repeat_rate=ratio(row.repeat_customers, buyers),
        )

    names = SEGMENTS if method == "thresholds" else RFM_GROUPS
    none = _Segment("", 0, 0, 0, 0, None)
    listed = [shown(name, by_name.get(name, none)) for name in names]
    buyers = [row for row in found if row.orders]
    total = _Segment(
        "total",
        sum(row.customers for row in buyers),
        sum(row.repeat_customers for row in found),
        sum(row.orders for row in found),
        revenue,
        None,
    )
    return Segments(at, method, currency, listed, shown("total", total))


async def members(database: Database, name: str, asked: Asked) -> Members:
    """Those who brought most first. Raises `NotFound` where no method knows the name."""
    if name not in SEGMENTS and name not in RFM_GROUPS:
        raise NotFound("segment", name)
    currency, limit = asked["currency"], asked["limit"]
    after = asked.after(int, int) or (None, None)
    at = await as_of(database, "segment_members")
    found = await database.read(
        _Member,
        "segment_customers",
        {"name": name, "currency": currency, "after": after[0], "after_id": after[1], "limit": limit + 1},
        column="segment" if name in SEGMENTS else "rfm_group",
    )
    page = found[:limit]
    customers = [
        Member(
            row.external_id, row.email, row.segment, row.rfm_group, row.orders,
            decimal_text(row.revenue, currency), row.last_order_at,
        )
        for row in page
    ]  # fmt: skip
    more = asked.cursor(page[-1].revenue, page[-1].customer_id) if len(found) > limit else None
    return Members(at, name, currency, customers, more)
