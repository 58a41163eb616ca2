"""Orders and refunds as the stream carries them: entry fields in, exact structs or a reason out. Pure.

A server sends them as conversions with `properties.order` (docs/commerce.md shows both):

    purchase  {"number", "lines": [{"sku", "quantity", "discount"?}], "customer"?: {"id"?, "email"?, ...}, "currency"?,
               "placed_at"?, "location"?, "shipping"?, "tax"?, "fulfilled"?}
    refund    {"number", "refund", "lines"?: [{"sku", "quantity"?, "amount"?}], "other"?, "restock"?, "reason"?}

Prices and costs are not read from here, whatever else the object holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from store.money import InvalidAmount, UnknownCurrency, exponent, minor_units

MAX_LINES: Final = 500
MAX_QUANTITY: Final = 1_000_000
MAX_MINOR: Final = 10**15  # a thousand such amounts still fit a BIGINT

Amount = str | int | float


class Refused(Exception):
    """The entry can never become an order; the text says why."""


class Line(Struct, frozen=True):
    """`discount` is of the whole line, minor units. `price` (a unit's) is only given for history that the catalogue
    no longer knows the price of; None: the catalogue's."""

    sku: str
    quantity: int
    discount: int = 0
    price: int | None = None


class Order(Struct, frozen=True):
    number: str
    customer: str
    currency: str
    placed_at: datetime
    lines: tuple[Line, ...]
    email: str | None = None
    first_name: str = ""
    last_name: str = ""
    location: str | None = None
    shipping: int = 0
    tax: int = 0
    fulfilled: bool = False


class RefundLine(Struct, frozen=True):
    """`amount` in minor units; None: the share of what was paid for these units."""

    sku: str
    quantity: int
    amount: int | None = None


class Refund(Struct, frozen=True):
    """Without lines it gives everything back that is left. `other` is of shipping and tax.

    `currency` is that of the amounts; None where there are none.
    """

    number: str
    order: str
    refunded_at: datetime
    lines: tuple[RefundLine, ...] = ()
    other: int = 0
    restock: bool = True
    reason: str = ""
    currency: str | None = None

    @property
    def whole(self) -> bool:
        return not self.lines and not self.other


class _Customer(Struct, frozen=True):
    id: str | int | None = None
    email: str | None = None
    first_name: str = ""
    last_name: str = ""


class _Line(Struct, frozen=True):
    sku: str
    quantity: int = 1
    discount: Amount = 0
    amount: Amount | None = None


class _Order(Struct, frozen=True):
    number: str | int
    lines: list[_Line] = []
    customer: _Customer = _Customer()
    currency: str | None = None
    placed_at: datetime | None = None
    location: str | None = None
    shipping: Amount = 0
    tax: Amount = 0
    fulfilled: bool = False
    refund: str | int | None = None
    other: Amount = 0
    restock: bool = True
    reason: str = ""


class _Properties(Struct, frozen=True):
    order: _Order | None = None


_decoder = msgspec.json.Decoder(_Properties)


def read(fields: Mapping[str, str], site: str) -> Order | Refund | None:
    """What an entry of the conversions stream asks the shop of `site` for; None where it is none of its business.

    Raises `Refused`.
    """
    kind = fields.get("conversion_type")
    if (
        fields.get("site") != site
        or kind not in ("purchase", "refund")
        or '"order"' not in fields.get("properties", "")
    ):
        return None
    if fields.get("trusted") != "1":
        raise Refused("it was not sent with a server key")
    try:
        order = _decoder.decode(fields["properties"]).order
    except msgspec.DecodeError as error:
        raise Refused(f"properties: {error}") from error
    if order is None:
        return None
    at = datetime.fromtimestamp(int(fields["timestamp"]) / 1000, UTC)
    currency = order.currency or fields["currency"]
    try:
        exponent(currency)
    except UnknownCurrency as error:
        raise Refused(f"order.currency: {error}") from error
    return _purchase(order, fields, currency, at) if kind == "purchase" else _refund(order, currency, at)


def _purchase(order: _Order, fields: Mapping[str, str], currency: str, at: datetime) -> Order:
    if not order.lines:
        raise Refused("order.lines: must not be empty")
    if order.placed_at and order.placed_at.tzinfo is None:
        raise Refused("order.placed_at: must say its offset from UTC")
    lines: dict[str, Line] = {}
    for line in order.lines[: MAX_LINES + 1]:
        sku = _name(line.sku, "order.lines.sku", 100)
        before = lines.get(sku, Line(sku, 0))
        quantity = _quantity(line.quantity, 1) + before.quantity
        discount = _amount(line.discount, currency, "order.lines.discount") + before.discount
        lines[sku] = Line(sku, quantity, discount)
    if len(order.lines) > MAX_LINES:
        raise Refused(f"order.lines: must be at most {MAX_LINES}")
    customer = order.customer
    return Order(
        number=_name(str(order.number), "order.number", 100),
        customer=_name(str(customer.id if customer.id is not None else fields["user_id"]), "order.customer.id", 128),
        currency=currency,
        placed_at=order.placed_at or at,
        lines=tuple(lines.values()),
        email=_email(customer.email),
        first_name=_words(customer.first_name, 100),
        last_name=_words(customer.last_name, 100),
        location=None if order.location is None else _name(order.location, "order.location", 100),
        shipping=_amount(order.shipping, currency, "order.shipping"),
        tax=_amount(order.tax, currency, "order.tax"),
        fulfilled=order.fulfilled,
    )


def _refund(order: _Order, currency: str, at: datetime) -> Refund:
    if order.refund is None:
        raise Refused("order.refund: required: the refund's own number, which makes it count once")
    lines: dict[str, RefundLine] = {}
    for line in order.lines:
        sku = _name(line.sku, "order.lines.sku", 100)
        if sku in lines:
            raise Refused(f"order.lines: {sku} stands in it twice")
        amount = None if line.amount is None else _amount(line.amount, currency, "order.lines.amount")
        quantity = _quantity(line.quantity, 0)
        if not quantity and not amount:
            raise Refused(f"order.lines: {sku} gives back neither goods nor money")
        lines[sku] = RefundLine(sku, quantity, amount)
    if len(order.lines) > MAX_LINES:
        raise Refused(f"order.lines: must be at most {MAX_LINES}")
    other = _amount(order.other, currency, "order.other")
    return Refund(
        number=_name(str(order.refund), "order.refund", 100),
        order=_name(str(order.number), "order.number", 100),
        refunded_at=at,
        lines=tuple(lines.values()),
        other=other,
        restock=order.restock,
        reason=_words(order.reason, 500),
        currency=currency if other or any(line.amount is not None for line in lines.values()) else None,
    )


def _name(text: str, field: str, longest: int) -> str:
    text = text.strip()
    if not text or len(text) > longest or not text.isprintable():
        raise Refused(f"{field}: must be 1 to {longest} printable characters")
    return text


def _words(text: str, longest: int) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()[:longest]


def _email(text: str | None) -> str | None:
    """One that is none is left out: an order is worth more than its customer's address."""
    text = (text or "").strip().lower()
    return text if "@" in text and 3 <= len(text) <= 254 and text.isprintable() else None


def _quantity(quantity: int, least: int) -> int:
    if not least <= quantity <= MAX_QUANTITY:
        raise Refused(f"order.lines.quantity: must be {least} to {MAX_QUANTITY}")
    return quantity


def _amount(value: Amount, currency: str, field: str) -> int:
    try:
        minor = minor_units(value, currency)
    except InvalidAmount as error:
        raise Refused(f"{field}: {error}") from error
    if not 0 <= minor <= MAX_MINOR:
        raise Refused(f"{field}: must be from 0 to {MAX_MINOR} minor units")
    return minor
