"""An amount of money as other products' clients send it. One that cannot be read is no reason to lose the event: it
stays among the properties then, and the event counts without it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from store.money import CURRENCIES, InvalidAmount, minor_units
from store.trail import VALUE_LIMIT

from ..admit import DEFAULT_CURRENCY

_LONGEST: Final = 64  # characters of an amount


def worth(amount: object, currency: object = None, *, refund: bool = False) -> dict[str, Any] | None:
    """`value`, and `currency` where one is named; None for what is no amount, or below zero and no refund.

    A number is rounded to the currency's smallest coin, as it comes out of a client's own sums.
    """
    code = currency.strip().upper() if isinstance(currency, str) else ""
    if isinstance(amount, bool) or (code and code not in CURRENCIES) or not (code or currency in (None, "")):
        return None
    try:
        value = float(Decimal(amount.strip())) if isinstance(amount, str) and len(amount) <= _LONGEST else amount
        if not isinstance(value, int | float) or (value < 0 and not refund):
            return None
        if abs(minor_units(value, code or DEFAULT_CURRENCY)) >= VALUE_LIMIT:
            return None
    except (InvalidAmount, InvalidOperation, OverflowError, ValueError):
        return None
    return {"value": value, "currency": code} if code else {"value": value}
