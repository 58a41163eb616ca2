"""A program that uses umami-analytics: URL WEBSITE. What is not taken, the client raises."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

import umami

from tests.clients.scripts.story import perform, values

url, website = sys.argv[1:]
umami.set_url_base(url)
umami.set_website_id(website)
umami.set_hostname("shop.example")

UNSENDABLE = ("half", "nan", "inf", "minus_inf", "decimal", "moment", "day")  # the client's HTTP library refuses them


def page(address: str, referrer: str) -> str:
    parts = urlsplit(address)
    return told(umami.new_page_view("Page", hostname=parts.hostname, url=parts.path, referrer=referrer))


def track(name: str, data: dict[str, Any]) -> str:
    return told(umami.new_event(name, custom_data=data))


def sale(name: str, revenue: float, currency: str) -> str:
    return told(umami.new_revenue_event(revenue, currency, event_name=name))


def of(visitor: str, address: str) -> str:
    return told(umami.new_event("Of", distinct_id=visitor or None, ip_address=address))


def everything() -> str:
    return track("Values", {name: value for name, value in values().items() if name not in UNSENDABLE})


def many(first: int, count: int) -> list[str]:
    return [attempt(number) for number in range(first, first + count)]


def attempt(number: int) -> str:
    try:
        return track("Counted", {"number": number})
    except Exception as error:  # noqa: BLE001  # whatever it throws at its user, the test is to see
        return f"failed: {error}"


def told(reply: dict[str, Any]) -> str:
    assert set(reply) == {"cache", "sessionId", "visitId"}, reply
    return "ok"


perform({"page": page, "track": track, "sale": sale, "of": of, "values": everything, "many": many})
