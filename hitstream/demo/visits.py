"""One visit to the demo shop, from where somebody came to where they left, as the events that its pages would send.

Pages, names of events and the order's form are those of `hitstream.demo.shop`; so a funnel over made-up visits also
counts the clicks of whoever tries the pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any, Final

from msgspec import Struct

from .goods import FREE_FROM, SHIPPING, Item, items
from .personas import Persona
from .shop.catalogue import CURRENCY
from .shop.rendering import PREFIX

Event = dict[str, Any]
Timed = tuple[int, Event]  # epoch ms

EVENTS_A_VISIT: Final = 4.5  # on average; a test holds both to it
ORDERS_A_VISIT: Final = 0.06
DAY_MS: Final = 86_400_000
REFUNDED: Final = 0.05  # of orders

# Where people come from: the referrer, what the landing page's URL carries, how often, and how many buy, to the others.
_SOURCES: Final = (
    ("", "", 30, 1.0),
    ("https://www.google.com/", "", 26, 1.1),
    ("https://duckduckgo.com/", "", 5, 1.2),
    ("https://www.instagram.com/", "?utm_source=instagram&utm_medium=social&utm_campaign=kiln-diary", 11, 0.5),
    ("https://www.pinterest.com/pin/48132/", "", 7, 0.6),
    ("", "?utm_source=newsletter&utm_medium=email&utm_campaign=spring-firing", 8, 2.4),
    ("https://www.google.com/", "?utm_source=google&utm_medium=cpc&utm_campaign=teapots", 6, 1.6),
    ("https://news.ycombinator.com/item?id=4242", "", 2, 0.2),
    ("https://tea-and-time.example/best-cups", "", 3, 1.8),
    ("https://slow-kitchen.example/2026/stoneware", "", 2, 1.4),
)
_FAULTS: Final = (
    ("TypeError", "Cannot read properties of undefined (reading 'price')", 5),
    ("NetworkError", "The basket could not be kept: failed to fetch", 4),
    ("ImageError", "An image did not load", 3),
    ("RangeError", "Invalid time value", 1),
)
_TITLES: Final = {
    "/": "Kettle & Fog", "/journal": "Journal", "/journal/water": "Journal", "/journal/clay": "Journal",
    "/basket": "Your basket", "/checkout": "Checkout", "/thanks": "Thank you", "/cellar": "Nothing here",
}  # fmt: skip


class Visitor(Struct, frozen=True):
    """A persona, known by the name that the shop knows, or somebody new, known by a browser's."""

    persona: Persona
    signed_in: bool
    browser: str

    @property
    def identity(self) -> Event:
        return {"user_id": self.persona.id} if self.signed_in else {"anonymous_id": self.browser}


class Shop(Struct, frozen=True):
    """origin: in front of every page's path. run: begins every order's number. books: whether orders carry what the
    shop's database books, for which the events need a server key."""

    origin: str
    run: str
    books: bool


def visit(draw: Random, shop: Shop, visitor: Visitor, at: int, number: int, trouble: float) -> list[Timed]:
    """Its events in order of time; a refund, days later, is the last. `trouble`: 0, up to 1 in an incident."""
    return list(_Visit(draw, shop, visitor, at, number, trouble).events())


class _Visit:
    def __init__(self, draw: Random, shop: Shop, visitor: Visitor, at: int, number: int, trouble: float) -> None:
        self._draw = draw
        self._shop = shop
        self._visitor = visitor
        self._at = at
        self._number = number
        self._trouble = trouble
        self._referrer, self._query, _, self._eager = draw.choices(_SOURCES, [source[2] for source in _SOURCES])[0]
        self._seen = 0
        self._basket: dict[Item, int] = {}

    def events(self) -> Iterator[Timed]:
        draw = self._draw
        place = draw.choices(("home", "product", "journal", "lost"), (44, 36, 18, 2))[0]
        while place != "away":
            match place:
                case "home":
                    yield from self._page("/")
                    place = draw.choices(("product", "journal", "away"), (60, 10, 30))[0]
                case "journal":
                    yield from self._page(draw.choice(("/journal", "/journal/water", "/journal/clay")))
                    if draw.random() < 0.03:
                        yield self._event({"type": "conversion", "conversion_type": "newsletter", "currency": CURRENCY})
                    place = draw.choices(("journal", "home", "product", "away"), (25, 15, 20, 40))[0]
                case "lost":
                    yield from self._page("/cellar")
                    yield self._event({"type": "event", "name": "404", "properties": {"path": f"{PREFIX}/cellar"}})
                    place = draw.choices(("home", "away"), (40, 60))[0]
                case "product":
                    yield from self._product()
                    tempted = "basket" if self._basket else "away"
                    place = draw.choices(("product", "home", tempted), (45, 8, 47))[0]
                case "basket":
                    yield from self._page("/basket")
                    place = draw.choices(("checkout", "product", "away"), (55, 15, 30))[0]
                case "checkout":
                    yield from self._checkout()
                    place = "away"

    def _product(self) -> Iterator[Timed]:
        draw = self._draw
        found = items()
        item = draw.choices(found, [item.liked for item in found])[0]
        yield from self._page(f"/products/{item.handle}", item.name)
        yield self._event({"type": "event", "name": "view_product", "properties": {"product": item.handle}})
        if draw.random() < min(0.5, 0.05 * self._eager * self._visitor.persona.keen):
            self._basket[item] = self._basket.get(item, 0) + draw.choices((1, 2, 4), (70, 22, 8))[0]
            properties = {"product": item.handle, "price": str(item.price)}
            self._pass(self._draw.lognormvariate(2.5, 0.8))  # reads first
            yield self._event({"type": "event", "name": "add_to_basket", "properties": properties})

    def _checkout(self) -> Iterator[Timed]:
        yield from self._page("/checkout")
        if self._draw.random() < 0.02 + 0.6 * self._trouble:
            context = {"page": f"{PREFIX}/checkout", "basket": len(self._basket)}
            fault = {"error_type": "PaymentError", "error_message": "The bank did not answer in time"}
            yield self._event({"type": "error", **fault, "context": context})
            if self._draw.random() < 0.7:
                return
        if self._draw.random() < 0.75:
            order = self._order()
            self._pass(self._draw.lognormvariate(3.4, 0.6))  # looks for the card
            yield self._event(order)
            yield from self._page("/thanks")
            if self._draw.random() < REFUNDED:
                yield self._refund(order)

    def _order(self) -> Event:
        goods = sum((item.price * pieces for item, pieces in self._basket.items()), Decimal())
        shipping = Decimal() if goods >= FREE_FROM else SHIPPING
        properties: Event = {
            "items": [{"handle": item.handle, "pieces": pieces} for item, pieces in self._basket.items()]
        }
        if self._shop.books:
            persona = self._visitor.persona
            properties["order"] = {
                "number": f"KF-{self._shop.run}-{self._number}",
                "customer": {
                    "id": persona.id,
                    "email": persona.email,
                    "first_name": persona.first_name,
                    "last_name": persona.last_name,
                },
                "lines": [
                    {"sku": self._draw.choice(item.skus), "quantity": pieces} for item, pieces in self._basket.items()
                ],
                "shipping": str(shipping),
                "fulfilled": self._draw.random() < 0.8,
            }
        return {
            "type": "conversion",
            "conversion_type": "purchase",
            "value": str(goods + shipping),
            "currency": CURRENCY,
            "properties": properties,
        }

    def _refund(self, order: Event) -> Timed:
        at = self._at + int(self._draw.uniform(0.2, 2.5) * DAY_MS)
        properties: Event = {"reason": self._draw.choice(("broke on its way", "the wrong colour", "a present, twice"))}
        if self._shop.books:
            number = order["properties"]["order"]["number"]
            properties = {"order": {"number": number, "refund": f"{number}-R", **properties}}
        refund = {"conversion_type": "refund", "value": order["value"], "currency": CURRENCY, "properties": properties}
        return at, {"type": "conversion", **refund, **self._visitor.identity, "timestamp": at}

    def _page(self, path: str, title: str = "") -> Iterator[Timed]:
        """A view after a while of reading the one before, and now and then an error on it."""
        if self._seen:
            self._pass(self._draw.lognormvariate(3.1, 0.9))
        view = {
            "type": "page_view",
            "page_url": f"{self._shop.origin}{PREFIX}{path}{'' if self._seen else self._query}",
            "title": f"{title or _TITLES[path]} · Kettle & Fog",
            "user_agent": self._visitor.persona.user_agent,
        }
        if not self._seen and self._referrer:
            view["referrer"] = self._referrer
        self._seen += 1
        yield self._event(view)
        if self._draw.random() < 0.008 + 0.05 * self._trouble:
            type_, message, _ = self._draw.choices(_FAULTS, [fault[2] for fault in _FAULTS])[0]
            context = {"page": f"{PREFIX}{path}"}
            yield self._event({"type": "error", "error_type": type_, "error_message": message, "context": context})

    def _event(self, event: Event) -> Timed:
        self._pass(self._draw.uniform(0.2, 2))
        return self._at, {**event, **self._visitor.identity, "timestamp": self._at}

    def _pass(self, seconds: float) -> None:
        """Nobody reads for longer than ten minutes, so a visit stays one."""
        self._at += int(min(600.0, seconds) * 1000)
