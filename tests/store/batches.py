"""Events with everything given, so that a test names only what it is about; and one journal's batches in a row."""

from __future__ import annotations

from typing import Any

from store.commit import Batch, Planner, Span
from store.event import Agent, Conversion, Custom, Error, Event, PageView, Record
from store.functions import Applied, Functions, Reply
from store.identity import Identity
from store.site import Site

SECRET = b"a secret for tests, 32 bytes lon"
IDENTITY = Identity(SECRET)
NOW = 1_795_439_000_000  # 2026-11-23T13:03:20Z, a Monday

_base = {"at": NOW, "user": "ann", "session": "", "agent": Agent("chrome", "windows", "desktop"), "dedup": 0}


def page_view(**fields: Any) -> PageView:
    page = {"url": "https://shop.example/", "referrer": "", "source": "", "channel": "direct", "title": "", "utm": {}}
    return PageView(**{**_base, **page, **fields})


def conversion(**fields: Any) -> Conversion:
    sale = {"conversion_type": "purchase", "minor": 1999, "currency": "USD", "properties": "{}", "trusted": False}
    return Conversion(**{**_base, **sale, **fields})


def error(**fields: Any) -> Error:
    return Error(**{**_base, "error_type": "TypeError", "message": "x is not a function", "context": "{}", **fields})


def custom(**fields: Any) -> Custom:
    return Custom(**{**_base, "name": "signup", "properties": "{}", "trusted": False, **fields})


class Writer:
    """Commits events of one journal, one batch after the other."""

    def __init__(self, functions: Functions, *sites: Site, journal: str = "j1", now: int = NOW) -> None:
        self.functions = functions
        self.planner = Planner({site.id: site for site in sites}, IDENTITY, 1)
        self.journal = journal
        self.now = now
        self.position = 0

    def plan(self, *events: Event, site: str = "demo", seen: frozenset[int] = frozenset()) -> Batch:
        span = Span(self.journal, 0, self.position, self.position + len(events))
        return self.planner.plan(span, [Record(site, list(events))], now=self.now, seen=seen)

    async def send(self, *events: Event, site: str = "demo", seen: frozenset[int] = frozenset()) -> Reply:
        reply = await self.functions.commit(self.plan(*events, site=site, seen=seen))
        if isinstance(reply, Applied):
            self.position += len(events)
        return reply
