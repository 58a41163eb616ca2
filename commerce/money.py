"""Sums of money as an answer shows them: decimal text, an average rounded to the minor unit. Pure."""

from __future__ import annotations

from store.money import decimal_text


def shown(minor: int | None, currency: str) -> str | None:
    """None stays None: an unknown cost is not a cost of nothing."""
    return None if minor is None else decimal_text(minor, currency)


def average(total: int, count: int, currency: str) -> str | None:
    """total / count to the nearest minor unit, halves to the even one; None where there is nothing to divide by."""
    if count == 0:
        return None
    quotient, rest = divmod(total, count)
    up = 2 * rest > count or (2 * rest == count and quotient % 2 == 1)
    return decimal_text(quotient + up, currency)


def ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
