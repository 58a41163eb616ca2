"""Folds kept between questions: a funnel that is asked again only reads and sorts what is new.

A fold is kept by site, steps and first hour, with a mark for each hour of how far it was read. A question takes over
the fold that began with its own first hour or a little earlier, as that of a period which moves on with the clock
does. Folds never change: each reading makes a new one, so questions at the same time do not disturb each other.

With a fold is kept what was counted in it: until a record of its steps comes, or one leaves the period, the same
question is only read for. A fold that changed begins without.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace
from redis.asyncio import Redis

from store.buckets import HOUR_MS
from store.identity import Identity
from store.keys import SiteKeys
from store.site import Site
from store.trail import Piece

from .errors import FunnelTooLarge, StoreUnavailable
from .funnel.fold import MAX_RECORDS, Fold, Records, build, extended, records, together, without_before
from .funnel.match import Entry, Order, Rule
from .funnel.moments import Moments, moments
from .funnel.steps import Sieve, Steps
from .funnel.tally import Tally
from .lru import Lru
from .step_names import NO_NAMES, StepNames
from .trails import Changed, Mark, Reading, Trails

TRAIL_BYTES: Final = 128 << 20  # of raw records: 5.6 M
FOLD_BYTES: Final = 128 << 20  # of sorted ones: about 7 M
NAME_BYTES: Final = 16 << 20
TALLY_BYTES: Final = 64 << 10  # beside each fold: of some ten questions that differ in window or order
ITEM_BYTES: Final = 200  # of a mark or a hash in its dictionary

ATTEMPTS: Final = 3  # at reading trails that keep changing, as while the journals refill an empty Redis
HOURS_A_DAY: Final = 24
WASTE: Final = 8  # a fold may be longer than the period by an eighth before its oldest records are let go


Key = tuple[str, tuple[str, ...], int]  # a site, the steps, and the first hour
Counting = tuple[Order, Entry, int, str | None]  # a rule without its period, and the attribute of a breakdown


class Held(Struct, frozen=True):
    """A fold, how far each hour was read into it, which step hashes were looked for, and what was counted in it lately.

    `names_cut_off`: whether there may be more of them than could be known.
    """

    fold: Fold
    moments: Moments
    marks: Mapping[int, Mark]
    codes: dict[int, int]
    names_cut_off: bool
    tallies: Lru[Counting, Tally] = field(default_factory=lambda: Lru(TALLY_BYTES))

    @property
    def nbytes(self) -> int:
        small = TALLY_BYTES + ITEM_BYTES * (len(self.marks) + len(self.codes))
        return self.fold.nbytes + self.moments.nbytes + small

    def told(self, rule: Rule, attribute: str | None) -> Tally | None:
        """What was counted by the rule already, or by one whose period has the same records."""
        found = self.tallies.get(_counting(rule, attribute))
        return found if found and found.holds_for(rule) else None

    def tell(self, found: Tally, attribute: str | None) -> None:
        self.tallies.put(_counting(found.rule, attribute), found, found.nbytes)

    def is_outgrown(self, hours: range) -> bool:
        return hours.start - self.fold.base // HOUR_MS > len(hours) // WASTE


class Folds:
    def __init__(
        self, redis: Redis, identity: Identity, *, trail_bytes: int = TRAIL_BYTES, fold_bytes: int = FOLD_BYTES
    ) -> None:
        self._identity = identity
        self._trails = Trails(redis, trail_bytes)
        self._names = StepNames(redis, NAME_BYTES)
        self._kept: Lru[Key, Held] = Lru(fold_bytes)

    async def current(self, site: Site, keys: SiteKeys, steps: Steps, hours: range) -> Held:
        """With every record of the hours that is there now. Raises `StoreUnavailable` and `FunnelTooLarge`."""
        held = self._suiting(site, steps, hours) or _nothing(steps, hours)
        for _ in range(ATTEMPTS):
            try:
                held = await self._brought_up(site, keys, steps, hours, held)
            except Changed:
                self._kept.drop(_key(site, held))
                held = _nothing(steps, hours)
            else:
                self._kept.put(_key(site, held), held, held.nbytes)
                return held
        raise StoreUnavailable

    def _suiting(self, site: Site, steps: Steps, hours: range) -> Held | None:
        """What is kept of the same steps, from the first of the hours on or from the nearest before it."""
        for first in range(hours.start, hours.start - len(hours) // 2 - 1, -1):
            if held := self._kept.get((site.id, steps.names, first)):
                return held
        return None

    async def _brought_up(self, site: Site, keys: SiteKeys, steps: Steps, hours: range, held: Held) -> Held:
        reading = await self._trails.begin(keys, hours, held.marks)
        names = NO_NAMES
        if steps.has_prefixes:  # read after the trail, so that every name in that is known
            days = range(hours.start // HOURS_A_DAY, (hours.stop - 1) // HOURS_A_DAY + 1)
            names = await self._names.of(keys, days)
        exact = {name: self._identity.step(site.id, name) for name in steps.exact()}
        codes = await asyncio.to_thread(steps.hashes, names, exact) if names.days else steps.hashes((), exact)
        if held.marks and names.cut_off and not codes.keys() <= held.codes.keys():
            raise Changed  # a name that a full dictionary lacks has become known, and may be in what was read before
        if not reading.has_news and not held.is_outgrown(hours):
            return replace(held, codes={**held.codes, **codes}, names_cut_off=names.cut_off)
        sieve = Sieve({**held.codes, **codes})
        found = await _sifted(sieve, reading, held.fold)
        fold, made = await asyncio.to_thread(_extended, held, found, hours)
        marks = {**held.marks, **reading.marks}
        if fold is held.fold:  # nothing new is of a step
            return replace(held, marks=marks, codes={**held.codes, **codes}, names_cut_off=names.cut_off)
        if held.is_outgrown(hours):
            marks = {hour: mark for hour, mark in marks.items() if hour >= hours.start}
        else:
            codes = {**held.codes, **codes}
        return Held(fold, made, marks, codes, names.cut_off)


def _key(site: Site, held: Held) -> Key:
    return site.id, held.moments.steps.names, held.fold.base // HOUR_MS


def _counting(rule: Rule, attribute: str | None) -> Counting:
    return rule.order, rule.entry, rule.window, attribute


def _nothing(steps: Steps, hours: range) -> Held:
    base = hours.start * HOUR_MS
    fold = build(together([]), base)
    return Held(fold, moments(steps, fold), {}, {}, names_cut_off=False)


async def _sifted(sieve: Sieve, reading: Reading, held: Fold) -> list[Records]:
    """The records that matter. One wave is sifted beside the event loop while the next is read.

    `held`: those that there are already.
    """
    found: list[Records] = []
    sifting: asyncio.Task[list[Records]] | None = None
    try:
        async for wave in reading.waves():
            if sifting:
                found += await sifting
                _bound(held, found)
            sifting = asyncio.create_task(asyncio.to_thread(_sift, sieve, wave, held.base), name="sift a trail")
        if sifting:
            found += await sifting
            _bound(held, found)
    finally:
        if sifting and not sifting.done():
            await asyncio.wait([sifting])
    return found


def _bound(held: Fold, found: Sequence[Records]) -> None:
    if len(held) + sum(map(len, found)) > MAX_RECORDS:
        raise FunnelTooLarge(MAX_RECORDS)


def _sift(sieve: Sieve, wave: Sequence[Piece], base: int) -> list[Records]:
    return [records(sieve, words, hour - base // HOUR_MS) for hour, words in wave]


def _extended(held: Held, found: Sequence[Records], hours: range) -> tuple[Fold, Moments]:
    """What was held and what was found, together."""
    fold = extended(held.fold, build(together(found), held.fold.base))
    if held.is_outgrown(hours):
        fold = without_before(fold, hours.start * HOUR_MS)
    return fold, held.moments if fold is held.fold else moments(held.moments.steps, fold)
