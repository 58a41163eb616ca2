"""Folds kept between questions: a funnel that is asked again only reads and sorts what is new.

A fold is kept by site, steps and first hour, with a mark for each hour of how far it was read. A question takes over
the fold that began with its own first hour or a little earlier, as that of a period which moves on with the clock
does. Folds never change: each reading makes a new one, so questions at the same time do not disturb each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from redis.asyncio import Redis

from store.buckets import HOUR_MS
from store.identity import Identity
from store.keys import SiteKeys
from store.site import Site
from store.trail import Piece

from .errors import FunnelTooLarge, StoreUnavailable
from .funnel.fold import MAX_RECORDS, Fold, extended, gathered, without_before
from .funnel.moments import Moments, moments
from .funnel.steps import Sieve, Steps
from .lru import Lru
from .step_names import NO_NAMES, StepNames
from .trails import Changed, Mark, Reading, Trails

TRAIL_BYTES: Final = 128 << 20  # of raw records: 5.6 M
FOLD_BYTES: Final = 128 << 20  # of sorted ones: about 7 M
NAME_BYTES: Final = 16 << 20
ITEM_BYTES: Final = 200  # of a mark or a hash in its dictionary

ATTEMPTS: Final = 3  # at reading trails that keep changing, as while the journals refill an empty Redis
HOURS_A_DAY: Final = 24
WASTE: Final = 8  # a fold may be longer than the period by an eighth before its oldest records are let go


Key = tuple[str, tuple[str, ...], int]  # a site, the steps, and the first hour


class Held(Struct, frozen=True):
    """A fold, how far each hour was read into it, and which step hashes were looked for.

    `names_cut_off`: whether there may be more of them than could be known.
    """

    fold: Fold
    moments: Moments
    marks: Mapping[int, Mark]
    codes: dict[int, int]
    names_cut_off: bool

    @property
    def nbytes(self) -> int:
        return self.fold.nbytes + self.moments.nbytes + ITEM_BYTES * (len(self.marks) + len(self.codes))

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
        found = await _sifted(sieve, reading, len(held.fold))
        fold, made = await asyncio.to_thread(_extended, held, sieve, found, hours)
        marks = {**held.marks, **reading.marks}
        if held.is_outgrown(hours):
            marks = {hour: mark for hour, mark in marks.items() if hour >= hours.start}
        else:
            codes = {**held.codes, **codes}
        return Held(fold, made, marks, codes, names.cut_off)


def _key(site: Site, held: Held) -> Key:
    return site.id, held.moments.steps.names, held.fold.base // HOUR_MS


def _nothing(steps: Steps, hours: range) -> Held:
    base = hours.start * HOUR_MS
    fold = gathered(Sieve({}), (), base)
    return Held(fold, moments(steps, fold), {}, {}, names_cut_off=False)


async def _sifted(sieve: Sieve, reading: Reading, before: int) -> list[Piece]:
    """The records that may matter. One wave is sifted beside the event loop while the next is read.

    `before`: how many there are already.
    """
    found: list[Piece] = []
    sifting: asyncio.Task[list[Piece]] | None = None
    try:
        async for wave in reading.waves():
            if sifting:
                found += await sifting
                _bound(before, found)
            sifting = asyncio.create_task(asyncio.to_thread(_sift, sieve, wave), name="sift a trail")
        if sifting:
            found += await sifting
            _bound(before, found)
    finally:
        if sifting and not sifting.done():
            await asyncio.wait([sifting])
    return found


def _bound(before: int, found: Sequence[Piece]) -> None:
    if before + sum(len(candidates) for _, candidates in found) > MAX_RECORDS:
        raise FunnelTooLarge(MAX_RECORDS)


def _sift(sieve: Sieve, wave: Sequence[Piece]) -> list[Piece]:
    return [(hour, sieve.candidates(words)) for hour, words in wave]


def _extended(held: Held, sieve: Sieve, found: Sequence[Piece], hours: range) -> tuple[Fold, Moments]:
    """What was held and what was found, together."""
    fold = extended(held.fold, gathered(sieve, found, held.fold.base))
    if held.is_outgrown(hours):
        fold = without_before(fold, hours.start * HOUR_MS)
    return fold, held.moments if fold is held.fold else moments(held.moments.steps, fold)
