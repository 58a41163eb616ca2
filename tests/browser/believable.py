"""Two weeks of a small company's site, for pictures: the same each time but for the clock."""

from __future__ import annotations

from collections.abc import Iterator
from math import pi, sin
from random import Random
from typing import Any, Final

HOUR_MS: Final = 3_600_000
DAYS: Final = 15
VIEWS_AN_HOUR: Final = 60
RECENT_HOURS: Final = 50  # of which more is made, since all of it is seen

SITE: Final = "https://lumen.example"
PAGES: Final = {
    "/": ("Lumen", 30), "/pricing": ("Pricing", 17), "/blog/counting-once": ("Counting once", 15),
    "/docs/quick-start": ("Quick start", 12), "/features": ("Features", 10),
    "/blog/why-fdatasync": ("Why fdatasync", 8),
    "/about": ("About us", 5), "/customers": ("Customers", 4), "/careers": ("Careers", 2),
}  # fmt: skip
REFERRERS: Final = {
    "https://www.google.com/": 30, "": 24, "https://news.ycombinator.com/": 13, "https://github.com/": 11,
    "https://duckduckgo.com/": 7, "https://www.linkedin.com/": 6, "https://newsletter.example/": 5,
    "https://lobste.rs/": 3,
}  # fmt: skip
EVENTS: Final = {"signup": 5, "add_to_cart": 12, "search": 10, "video_play": 4, "newsletter": 3, "invite_sent": 2}
CONVERSIONS: Final = {"purchase": 11, "trial": 6, "demo_request": 2}
ERRORS: Final = {
    ("TypeError", "Cannot read properties of undefined (reading 'total')"): 5,
    ("NetworkError", "Failed to fetch"): 3,
    ("ChunkLoadError", "Loading chunk 41 failed"): 1,
}


def past(now: int) -> Iterator[dict[str, Any]]:
    """From two weeks ago to now, with its days and nights."""
    random = Random(11)
    for hour in range(DAYS * 24):
        rhythm = 1.15 + sin((hour + 6) / 24 * 2 * pi)
        amount = VIEWS_AN_HOUR * rhythm * random.uniform(0.88, 1.12) * (9 if hour < RECENT_HOURS else 1)
        if hour >= 24:
            amount *= 0.86  # business grows
        for _ in range(round(amount)):
            yield event(random, now - hour * HOUR_MS - random.randrange(HOUR_MS))


def present(now: int) -> list[dict[str, Any]]:
    """The last two minutes, oldest first."""
    random = Random(5)
    times = sorted(now - random.randrange(120_000) for _ in range(36))
    return [event(random, at) for at in times]


def event(random: Random, at: int) -> dict[str, Any]:
    common = {"user_id": f"u-{int(1_000 + min(random.paretovariate(0.7), 3_000) * 2.3)}", "timestamp": at}
    kind = random.choices(("page_view", "event", "conversion", "error"), (76, 15, 7.6, 1.4))[0]
    if kind == "page_view":
        path = pick(random, {path: weight for path, (_, weight) in PAGES.items()})
        shown = {"page_url": SITE + path, "title": PAGES[path][0], "referrer": pick(random, REFERRERS)}
        return {"type": kind, **common, **shown}
    if kind == "event":
        return {"type": kind, **common, "name": pick(random, EVENTS)}
    if kind == "error":
        error_type, message = pick(random, ERRORS)
        return {"type": kind, **common, "error_type": error_type, "error_message": message}
    type_ = pick(random, CONVERSIONS)
    value = f"{random.lognormvariate(3.5, 0.6):.2f}" if type_ == "purchase" else "0"
    return {"type": kind, **common, "conversion_type": type_, "value": value, "currency": "EUR"}


def pick(random: Random, weights: dict[Any, int]) -> Any:
    return random.choices(list(weights), list(weights.values()))[0]
