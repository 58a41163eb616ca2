"""The demo shop's catalogue as the shop's database has it: what its pages sell, in kinds, at a cost, in stock. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from msgspec import Struct

from commerce.catalogue import Brand, Category, Move, Price, Variant
from commerce.catalogue import Product as Listed

from .shop.catalogue import CURRENCY, PRODUCTS

MAIN: Final = "main"  # the location that every shop has
HARBOUR: Final = "harbour"
SHIPPING: Final = Decimal("4.90")
FREE_FROM: Final = Decimal(60)

BRANDS: Final = (Brand("kettle-and-fog", "Kettle & Fog"), Brand("hill-and-leaf", "Hill & Leaf"))
CATEGORIES: Final = (
    Category("table", "Table", sort_order=1),
    Category("pots", "Pots", "table", 1),
    Category("cups", "Cups and bowls", "table", 2),
    Category("cloths", "Cloths", "table", 3),
    Category("tea", "Tea", sort_order=2),
)


class _Trade(Struct, frozen=True):
    """What no page tells. `share`: of the price, that it costs. `liked`: how often it is bought, against the others."""

    category: str
    brand: str
    options: tuple[str, ...]
    tags: tuple[str, ...]
    share: Decimal
    lead_days: float
    pack: int
    liked: float


_OTHER: Final = _Trade("table", "kettle-and-fog", ("standard",), (), Decimal("0.5"), 10, 1, 0.5)
_TRADES: Final = {
    "morning-pot": _Trade(
        "pots", "kettle-and-fog", ("clay", "sea", "fog"), ("stoneware", "pot"), Decimal("0.42"), 21, 2, 0.8
    ),
    "harbour-cup": _Trade(
        "cups", "kettle-and-fog", ("grey", "sea", "sand", "night"), ("stoneware", "cup"), Decimal("0.36"), 18, 6, 2.2
    ),
    "fog-bowl": _Trade("cups", "kettle-and-fog", ("small", "wide"), ("stoneware", "bowl"), Decimal("0.38"), 18, 4, 1.2),
    "first-flush": _Trade("tea", "hill-and-leaf", ("bag", "tin"), ("green", "spring"), Decimal("0.55"), 6, 12, 1.8),
    "smoked-leaf": _Trade("tea", "hill-and-leaf", ("bag", "tin"), ("black", "smoked"), Decimal("0.52"), 6, 12, 1.1),
    "linen-cloth": _Trade("cloths", "kettle-and-fog", ("white", "blue"), ("linen",), Decimal("0.45"), 9, 10, 0.9),
}


class Item(Struct, frozen=True):
    """One product with what its visitors and orders need."""

    handle: str
    name: str
    price: Decimal
    skus: tuple[str, ...]
    liked: float


def items() -> tuple[Item, ...]:
    return tuple(
        Item(
            product.handle,
            product.name,
            Decimal(product.price),
            tuple(f"{product.handle}-{option}" for option in _trade(product.handle).options),
            _trade(product.handle).liked,
        )
        for product in PRODUCTS
    )


def listed(currency: str = CURRENCY) -> tuple[Listed, ...]:
    """What `commerce.catalogue.put_products` takes; priced in the shop's `currency` too, by which it is searched."""
    found = []
    for product in PRODUCTS:
        trade = _trade(product.handle)
        minor = int(Decimal(product.price) * 100)
        prices = tuple(Price(each, minor, int(minor * trade.share)) for each in sorted({CURRENCY, currency}))
        variants = tuple(
            Variant(
                sku=f"{product.handle}-{option}",
                name=option,
                options=(option, None, None),
                prices=prices,
                lead_days=trade.lead_days,
                lead_days_sd=trade.lead_days / 4,
                pack_size=trade.pack,
            )
            for option in trade.options
        )
        found.append(
            Listed(
                sku=product.handle,
                handle=product.handle,
                name=product.name,
                description=f"{product.line} {product.text}",
                variants=variants,
                category=trade.category,
                brand=trade.brand,
                tags=trade.tags,
            )
        )
    return tuple(found)


def first_stock(draw: Random, orders_per_day: float, since: datetime) -> dict[str, Sequence[Move]]:
    """Receipts by their reference: some goods will last for months, some are about to run out."""
    likings = sum(item.liked for item in items())
    receipts = []
    for item in items():
        daily = orders_per_day * 1.8 * item.liked / likings / len(item.skus)
        for sku in item.skus:
            days = draw.choice((4, 9, 20, 45, 60, 120))
            for location, share in ((MAIN, 0.75), (HARBOUR, 0.25)):
                receipts.append(Move(sku, location, max(3, round(daily * days * share)), since))
    return {"demo-opening": receipts}


def incoming(draw: Random, orders_per_day: float, now: datetime) -> dict[str, Sequence[Move]]:
    """What is bought in, by its reference: half of the goods, due within two weeks."""
    expected = []
    for item in items():
        for sku in item.skus:
            if draw.random() < 0.5:
                due = now + timedelta(days=draw.randint(2, 14))
                expected.append(Move(sku, MAIN, max(6, round(orders_per_day * draw.uniform(0.5, 2))), due))
    return {"demo-bought-in": expected}


def _trade(handle: str) -> _Trade:
    return _TRADES.get(handle, _OTHER)
