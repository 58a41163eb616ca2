"""Reading trails: only what is new, a bounded portion at a time, and what was read last kept for other questions.

A trail is only appended to, so whoever knows its first n records asks for what follows. One round trip suffices where
little is new:

    GETRANGE   every hour from its last known record on, each up to an equal share of PORTION
    STRLEN     the hours that have more, so that there is an end to read to
    GETRANGE   the rest of them, a PORTION at a time

All that is read was there when `Trails.begin` returned; what comes meanwhile is for the next reading.

When Redis lost data and the journals refilled it, a trail may be another than was known, and as long or longer. So the
last known record is read again and compared, byte for byte; where it is not in its place, the trail is read anew. What
this cannot see: a trail that lost other records for good and yet has an identical one (user, millisecond, step, value)
at the very same place. That the records before it may stand in another order matters to nobody.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from redis.asyncio import Redis

from store import trail
from store.keys import SiteKeys
from store.trail import RECORD_BYTES, Piece, Words

from .lru import Lru
from .reading import read

PORTION: Final = 32 << 20  # bytes that Redis has to hold for us at once, beside what it stores
COMMANDS: Final = 1_000  # in one pipeline: packing them takes some milliseconds of the event loop


class Changed(Exception):
    """An hour's trail does not go on where a mark says that it should: what was made of it is void."""


class Mark(Struct, frozen=True):
    """How much of an hour is known to someone: so many records, and which is the last of them."""

    count: int
    last: bytes


class Trails:
    """`budget`: bytes of records to keep, for questions with other steps."""

    def __init__(self, redis: Redis, budget: int) -> None:
        self._redis = redis
        self._kept: Lru[str, Words] = Lru(budget)

    async def begin(self, keys: SiteKeys, hours: Sequence[int], marks: Mapping[int, Mark]) -> Reading:
        """Reads the hours (UTC, since the epoch) from the marks on. Raises `Changed` and `StoreUnavailable`."""
        reading = Reading(self._redis, self._kept)
        for first in range(0, len(hours), COMMANDS):
            await reading.begin(
                [self._hour(hour, keys.trail(hour), marks.get(hour)) for hour in hours[first : first + COMMANDS]]
            )
        return reading

    def _hour(self, hour: int, key: str, mark: Mark | None) -> _Hour:
        kept = self._kept.get(key)
        if kept is not None and mark and (len(kept) < mark.count or kept[mark.count - 1].tobytes() != mark.last):
            kept = None  # it is older than what the asker knows
        return _Hour(hour, key, mark, kept)


class Reading:
    """One reading of some hours: `waves` gives all records after the marks, and then `marks` are the new ones."""

    def __init__(self, redis: Redis, kept: Lru[str, Words]) -> None:
        self._redis = redis
        self._kept = kept
        self._hours: list[_Hour] = []
        self._rest: list[tuple[_Hour, int]] = []

    @property
    def marks(self) -> dict[int, Mark]:
        return {each.hour: Mark(each.count, each.last) for each in self._hours if each.count}

    @property
    def has_news(self) -> bool:
        """Whether `waves` will give any records."""
        return bool(self._rest) or any(each.has_news for each in self._hours)

    async def begin(self, hours: Sequence[_Hour]) -> None:
        """Of each of the hours what is new, up to its share of a portion."""
        self._hours += hours
        share = PORTION // len(hours) // RECORD_BYTES
        commands = [_range(each, max(each.count - 1, 0), max(each.count - 1, 0) + share) for each in hours]
        longer = []
        for each, reply in zip(hours, await read(self._redis, commands), strict=True):
            found = trail.words(reply)
            if not each.goes_on_with(found):
                self._kept.drop(each.key)
                each.forget()
                longer.append(each)
                continue
            each.add(found[1:] if each.count else found)
            if len(found) == share:
                longer.append(each)
            else:
                self._keep(each)
        if longer:
            lengths = await read(self._redis, [("STRLEN", each.key) for each in longer])
            for each, length in zip(longer, lengths, strict=True):
                end = length // RECORD_BYTES
                if end > each.count:
                    self._rest.append((each, end))
                else:
                    self._keep(each)

    async def waves(self) -> AsyncIterator[list[Piece]]:
        """Some records at a time, each hour's in the order of its trail. Raises as `Trails.begin`."""
        yield [piece for each in self._hours for piece in each.fresh()]
        for portion in _portions(self._rest):
            replies = await read(self._redis, [_range(*part) for part in portion])
            for (each, first, last), reply in zip(portion, replies, strict=True):
                found = trail.words(reply)
                if len(found) != last - first:
                    raise Changed
                each.add(found)
            yield [piece for each, _, _ in portion for piece in each.fresh()]
        for each, _ in self._rest:
            self._keep(each)

    def _keep(self, hour: _Hour) -> None:
        if hour.parts:
            whole = hour.parts[0] if len(hour.parts) == 1 else np.concatenate(hour.parts)
            self._kept.put(hour.key, whole, whole.nbytes)


class _Hour:
    """One hour while it is read: `count` records are known, the last of them `last`.

    `parts` are its records from the first on; None where reading began at a mark.
    """

    def __init__(self, hour: int, key: str, mark: Mark | None, kept: Words | None) -> None:
        self.hour = hour
        self.key = key
        self.mark = mark
        self.count, self.last = (mark.count, mark.last) if mark else (0, b"")
        self.parts: list[Words] | None = None if mark else []
        self._fresh: list[Words] = []
        if kept is not None:
            self.count, self.last = len(kept), kept[-1].tobytes()
            self.parts = [kept]
            self._fresh = [kept] if mark is None else [kept[mark.count :]]

    @property
    def has_news(self) -> bool:
        return any(len(part) for part in self._fresh)

    def goes_on_with(self, found: Words) -> bool:
        """Whether the last known record is the first of those found. Raises `Changed` where somebody relies on it."""
        if not self.count or (len(found) and found[0].tobytes() == self.last):
            return True
        if self.mark:
            raise Changed
        return False

    def forget(self) -> None:
        self.count, self.last = 0, b""
        self.parts, self._fresh = [], []

    def add(self, found: Words) -> None:
        if len(found):
            self.count, self.last = self.count + len(found), found[-1].tobytes()
            self._fresh.append(found)
            if self.parts is not None:
                self.parts.append(found)

    def fresh(self) -> list[Piece]:
        """What nobody has got yet."""
        fresh, self._fresh = self._fresh, []
        return [(self.hour, part) for part in fresh if len(part)]


def _range(hour: _Hour, first: int, last: int) -> tuple[str, str, int, int]:
    return "GETRANGE", hour.key, first * RECORD_BYTES, last * RECORD_BYTES - 1


def _portions(rest: Iterable[tuple[_Hour, int]]) -> Iterator[list[tuple[_Hour, int, int]]]:
    """The records that are missing up to the end of each hour, so many at a time as make a portion."""
    portion: list[tuple[_Hour, int, int]] = []
    room = PORTION // RECORD_BYTES
    for hour, end in rest:
        first = hour.count
        while first < end:
            last = min(end, first + room)
            portion.append((hour, first, last))
            room -= last - first
            first = last
            if not room or len(portion) == COMMANDS:
                yield portion
                portion, room = [], PORTION // RECORD_BYTES
    if portion:
        yield portion
