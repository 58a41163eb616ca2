"""Funnels: how many users went a sequence of steps, where they left, how long they took and what it was worth.

    GET, POST /v1/funnels    one round trip where little is new; else one more for each 32 MiB of trail that is

What the words mean is told in the answer itself (`semantics`) and defined in `query.funnel.match`. Rates are per cent,
never above 100, and null where they would divide by nothing; `data` repeats the numbers under the names of old.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from query.errors import TooManyFunnels
from query.folds import Folds
from query.funnel.match import Entry, Order, Rule
from query.funnel.question import FunnelQuestion
from query.funnel.steps import Steps
from query.funnel.tally import Reached, Tally, Worth, tally
from store.buckets import HOUR_MS
from store.keys import TTL_HOURS, SiteKeys
from store.money import currency_of, decimal_text
from store.site import Site

from .quality import iso

AT_ONCE: Final = 2  # funnels worked out at a time: each may need a gigabyte for a moment (`fold.MAX_RECORDS`)
WAITING: Final = 32  # more askers than these are sent away: they would wait for seconds

RULES: Final[Mapping[Order, str]] = {
    "ordered": "Each step at the same time as the one before it or later.",
    "strict": "Each step after the one before it, with no other event of any of the steps between.",
    "any": "All steps in any order; a step is reached when it and all before it in the list are done.",
}
ENTRIES: Final[Mapping[Entry, str]] = {
    "latest": "Of a user's deepest chains the one that begins latest is measured.",
    "first": "Of a user's deepest chains the one that begins first is measured.",
}
ALWAYS: Final = (
    "Per user, all events within the period and from the first to the last at most the window, inclusive.",
    "One event does one step, so a repeated step needs two events; equal times count as in order.",
    "From its beginning on the measured chain takes each step as early as it can.",
)


class DropOff(Struct, frozen=True):
    """Of those who reached the step before, who did not reach this one."""

    users: int
    rate: float | None


class Step(Struct, frozen=True):
    """`events` are all that match in the period, whether or not they are in a chain; the rest is of users' chains."""

    step: str
    users: int
    rate_from_previous: float | None
    rate_from_start: float | None
    drop_off: DropOff
    median_s: float | None
    p90_s: float | None
    value: dict[str, str]
    events: int | UnsetType = UNSET


class Group(Struct, frozen=True):
    key: str
    steps: list[Step]


class Breakdown(Struct, frozen=True):
    by: str
    groups: list[Group]


class Legacy(Struct, frozen=True):
    """`total_conversions` are the step's events, `conversion_rate` is from the step before, 0 where that had nobody."""

    total_conversions: int
    unique_users: int
    avg_value: dict[str, str]
    conversion_rate: float


class Semantics(Struct, frozen=True):
    order: Order
    entry: Entry
    window_s: float
    rules: list[str]


class Truncated(Struct, frozen=True):
    """`names`: a day had more step names than are kept, so a step with an asterisk may have missed some.

    `retention`: the period begins before what is kept for certain; older events are there if they came later.
    """

    names: bool
    retention: bool


class Quality(Struct, frozen=True, rename={"from_": "from"}):
    """`open`: the period reaches up to now, so the numbers still change."""

    as_of: str
    from_: str
    to: str
    open: bool
    exact: bool
    truncated: Truncated


class Funnel(Struct, frozen=True):
    funnel_steps: list[str]
    steps: list[Step]
    data: dict[str, Legacy]
    analysis_period: str
    generated_at: str
    timezone: str
    semantics: Semantics
    quality: Quality
    breakdown: Breakdown | UnsetType = UNSET


class Funnels:
    """Answers funnels, so many at a time."""

    def __init__(self, folds: Folds) -> None:
        self._folds = folds
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def answer(self, site: Site, keys: SiteKeys, question: FunnelQuestion, now: int) -> Funnel:
        steps = Steps(question.steps)
        period = question.period
        hours = range(period.start // HOUR_MS, (period.end - 1) // HOUR_MS + 1)
        async with self._in_turn():
            held = await self._folds.current(site, keys, steps, hours)
            rule = _rule(question, held.fold.base)
            found = held.told(rule, question.breakdown)
            if found is None:
                found = await asyncio.to_thread(tally, held.fold, held.moments, rule, question.breakdown)
                held.tell(found, question.breakdown)
            return await asyncio.to_thread(fold, site, question, found, names_cut_off=held.names_cut_off, now=now)

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING:
            raise TooManyFunnels
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turn.release()


def _rule(question: FunnelQuestion, base: int) -> Rule:
    return Rule(
        order=question.order,
        entry=question.entry,
        window=question.window,
        since=question.period.start - base,
        until=question.period.end - base,
    )


def fold(site: Site, question: FunnelQuestion, found: Tally, *, names_cut_off: bool, now: int) -> Funnel:
    steps, period = question.steps, question.period
    breakdown: Breakdown | UnsetType = UNSET
    if question.breakdown:
        breakdown = Breakdown(question.breakdown, [Group(key, _steps(steps, those)) for key, those in found.groups])
    truncated = Truncated(names=names_cut_off, retention=period.start < now - TTL_HOURS * 1000)
    return Funnel(
        funnel_steps=list(question.asked),
        steps=_steps(steps, found.reached, found.events),
        data=_legacy(question.asked, found.reached, found.events),
        analysis_period=question.spoken,
        generated_at=iso(site.tz, now),
        timezone=site.zone,
        semantics=Semantics(
            order=question.order,
            entry=question.entry,
            window_s=question.window / 1000,
            rules=[RULES[question.order], *ALWAYS, ENTRIES[question.entry]],
        ),
        quality=Quality(
            as_of=iso(site.tz, now),
            from_=iso(site.tz, period.start),
            to=iso(site.tz, period.end),
            open=period.end > now,
            exact=not (truncated.names or truncated.retention),
            truncated=truncated,
        ),
        breakdown=breakdown,
    )


def _steps(names: Sequence[str], numbers: Sequence[Reached], counted: Sequence[int] | None = None) -> list[Step]:
    found = []
    start = before = numbers[0].users
    for i, (name, each) in enumerate(zip(names, numbers, strict=True)):
        lost = before - each.users
        found.append(
            Step(
                step=name,
                users=each.users,
                rate_from_previous=_percent(each.users, before),
                rate_from_start=_percent(each.users, start),
                drop_off=DropOff(lost, _percent(lost, before)),
                median_s=_seconds(each.median_ms),
                p90_s=_seconds(each.p90_ms),
                value=_money({worth: Fraction(worth.minor) for worth in each.worth}),
                events=UNSET if counted is None else counted[i],
            )
        )
        before = each.users
    return found


def _legacy(asked: Sequence[str], numbers: Sequence[Reached], counted: Sequence[int]) -> dict[str, Legacy]:
    """By the step as it was asked for; the second of a name has #2 behind it."""
    found: dict[str, Legacy] = {}
    before = numbers[0].users
    for name, each, total in zip(asked, numbers, counted, strict=True):
        nth = 1
        while (key := name if nth == 1 else f"{name}#{nth}") in found:
            nth += 1
        found[key] = Legacy(
            total_conversions=total,
            unique_users=each.users,
            avg_value=_money({worth: Fraction(worth.minor, worth.conversions) for worth in each.worth}),
            conversion_rate=_percent(each.users, before) or 0.0,
        )
        before = each.users
    return found


def _money(amounts: Mapping[Worth, Fraction]) -> dict[str, str]:
    """In minor units, rounded half to even, as decimal text by currency."""
    named = ((currency_of(worth.money), amount) for worth, amount in amounts.items())
    return {currency: decimal_text(round(amount), currency) for currency, amount in named if currency}


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else round(ms / 1000, 3)
