"""The names of the steps that a site has used, by their hashes: what `page:/blog/*` is looked up in.

A day's dictionary only grows, so one that has as many names as before is not read again (nor is one that Redis lost
and got back with as many others, until it grows). Whoever reads the names after a trail has every name in it, for a
commit writes both at once; unless the dictionary is full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from msgspec import Struct
from redis.asyncio import Redis

from store.keys import SiteKeys

from .lru import Lru
from .reading import read

FULL: Final = 20_000  # names a day, then no more are written; as in functions.lua
NAME_BYTES: Final = 200  # a short name, its hash and their places in a dictionary


class Names(Struct, frozen=True):
    """`cut_off`: whether a day had more names than its dictionary holds."""

    days: list[dict[int, str]]
    cut_off: bool

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return chain.from_iterable(day.items() for day in self.days)


NO_NAMES: Final = Names([], False)


class StepNames:
    def __init__(self, redis: Redis, budget: int) -> None:
        self._redis = redis
        self._kept: Lru[str, dict[int, str]] = Lru(budget)

    async def of(self, keys: SiteKeys, days: Iterable[int]) -> Names:
        """Of these days (UTC, since the epoch). Raises `StoreUnavailable`."""
        wanted = [keys.steps(day) for day in days]
        lengths = await read(self._redis, [("HLEN", key) for key in wanted])
        kept = {key: self._kept.get(key) or {} for key in wanted}
        grown = [key for key, length in zip(wanted, lengths, strict=True) if length != len(kept[key])]
        if grown:  # a second round trip: a dictionary of 20,000 names is only worth reading when it has changed
            for key, found in zip(grown, await read(self._redis, [("HGETALL", key) for key in grown]), strict=True):
                kept[key] = {int.from_bytes(field, "little"): name.decode() for field, name in found.items()}
                self._kept.put(key, kept[key], len(kept[key]) * NAME_BYTES)
        return Names(list(kept.values()), any(length >= FULL for length in lengths))
