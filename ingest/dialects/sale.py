"""A sale among other products' events: which they are, and what each brought.

`Order Completed` is the name that the catalogues of Segment, RudderStack and PostHog give it; any other event that has
a `revenue` is one too, as their own revenue reports have it. An amount that is below zero, and `Order Refunded`, is
money given back. An amount or currency that cannot be read stays in the properties, and the sale counts without one:
that it happened is known, and to refuse it would lose that too.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, Final

from store.money import CURRENCIES, InvalidAmount, minor_units
from store.trail import VALUE_LIMIT

from ..admit import DEFAULT_CURRENCY, REFUND
from .fitting import beside

REVENUE: Final = "revenue"
# Where each event of the catalogue says what it brought, the likeliest first.
_AMOUNTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Order Completed": (REVENUE, "total", "value"),
    "Order Refunded": ("total", REVENUE, "value"),
}
_REFUNDED: Final = "Order Refunded"
_LONGEST: Final = 64  # characters of an amount


def sale(name: object, properties: dict[str, Any]) -> dict[str, Any] | None:
    """The fields of a conversion, what is no field among its properties; None where the event is no sale."""
    if not isinstance(name, str):
        return None
    known = name in _AMOUNTS
    field, amount = _amount(_AMOUNTS.get(name, (REVENUE,)), properties)
    if not known and amount is None:
        return None
    rest = dict(properties)
    currency = rest.get("currency")
    code = currency.strip().upper() if isinstance(currency, str) else ""
    item: dict[str, Any] = {"type": "conversion", "conversion_type": name}
    readable = currency is None or code in CURRENCIES
    if amount is not None and readable and _fits(amount, code or DEFAULT_CURRENCY):
        item["value"] = amount
        del rest[field]
        if code:
            item["currency"] = code
        rest.pop("currency", None)
        if amount < 0:
            item["conversion_type"] = REFUND
    if name == _REFUNDED:
        item["conversion_type"] = REFUND
    if item["conversion_type"] == REFUND and name != REFUND:
        rest = beside(rest, {"event": name})
    return {**item, "properties": rest}


def _amount(fields: tuple[str, ...], properties: Mapping[str, Any]) -> tuple[str, int | float | None]:
    """The first of the fields that is a number, or text that is one."""
    for field in fields:
        value = properties.get(field)
        if isinstance(value, str) and len(value) <= _LONGEST:
            try:
                value = float(Decimal(value.strip()))
            except (InvalidOperation, ValueError, OverflowError):
                continue
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            return field, value
    return "", None


def _fits(amount: float, currency: str) -> bool:
    try:
        return abs(minor_units(amount, currency)) < VALUE_LIMIT
    except InvalidAmount:
        return False
