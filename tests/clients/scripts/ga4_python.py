"""A program that uses ga4mp: URL MEASUREMENT_ID. What is not taken, the client raises."""

from __future__ import annotations

import sys
from typing import Any

from ga4mp import GtagMP

from tests.clients.scripts.story import perform, values

url, measurement_id = sys.argv[1:]
ga = GtagMP(api_secret="not-looked-at", measurement_id=measurement_id, client_id="123.456")
ga._base_domain = f"{url}/mp/collect"
ga._validation_domain = f"{url}/debug/mp/collect"
ga.store.set_user_property("plan", "pro")

UNSENDABLE = ("decimal", "moment", "day")  # JSON has none of them


def page(address: str, referrer: str) -> str:
    return send(("page_view", {"page_location": address, "page_referrer": referrer, "page_title": "Page"}))


def track(name: str, data: dict[str, Any]) -> str:
    return send((name, data))


def sale(order: str, value: float, currency: str) -> str:
    items = [{"item_id": "hat", "price": value, "quantity": 1}]
    return send(("purchase", {"transaction_id": order, "value": value, "currency": currency, "items": items}))


def everything() -> str:
    return send(("values", {name: value for name, value in values().items() if name not in UNSENDABLE}))


def many(first: int, count: int) -> list[str]:
    """In batches of 25, as the client makes them."""
    try:
        return [send(*(("Counted", {"number": number}) for number in range(first, first + count)))] * count
    except Exception as error:  # noqa: BLE001  # whatever it throws at its user, the test is to see
        return [f"failed: {error}"] * count


def later(first: int, count: int) -> None:
    ga.send([event("Counted", {"number": number}) for number in range(first, first + count)], postpone=True)
    ga.postponed_send()


def validate(name: str, data: dict[str, Any]) -> None:
    ga.send([event(name, data)], validation_hit=True)


def send(*events: tuple[str, dict[str, Any]]) -> str:
    ga.send([event(*each) for each in events])
    return "ok"


def event(name: str, params: dict[str, Any]) -> dict[str, Any]:
    made = ga.create_new_event(name)
    made["params"] = params
    return dict(made)


perform(
    {
        "page": page, "track": track, "sale": sale, "values": everything, "many": many, "later": later,
        "validate": validate,
    }
)  # fmt: skip
