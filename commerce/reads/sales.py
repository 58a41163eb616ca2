"""Sales by month."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from msgspec import Struct

from store.money import decimal_text
from store.parameters import CURRENCY, Asked, Parameter

from ..database import Database
from .asof import as_of

PARAMETERS: Final = (
    CURRENCY,
    Parameter("months", "How many of the latest months with sales.", "whole", default=24, high=240),
)


class Month(Struct, frozen=True):
    """`sales` are totals of orders placed in it, `refunds` what was paid back in it, `revenue` the difference."""

    month: str
    orders: int
    customers: int
    new_customers: int
    sales: str
    refunds: str
    revenue: str


class Sales(Struct, frozen=True):
    as_of: datetime
    currency: str
    months: list[Month]


class _Month(Struct, frozen=True):
    month: date
    orders: int
    customers: int
    new_customers: int
    sales: int
    refunds: int


async def sales(database: Database, asked: Asked) -> Sales:
    currency = asked["currency"]
    at = await as_of(database, "sales_months")
    found = await database.read(_Month, "sales", {"currency": currency, "months": asked["months"]})
    months = [
        Month(
            f"{row.month:%Y-%m}", row.orders, row.customers, row.new_customers,
            decimal_text(row.sales, currency), decimal_text(row.refunds, currency),
            decimal_text(row.sales - row.refunds, currency),
        )
        for row in reversed(found)
    ]  # fmt: skip
    return Sales(at, currency, months)
