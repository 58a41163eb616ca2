"""A cache that is bounded in bytes: what has not been used for longest goes first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

ENTRY_BYTES = 512  # of the objects around an entry's data, so that many small ones are bounded too


class Lru(Generic[K, V]):
    def __init__(self, budget: int) -> None:
        """`budget` in bytes."""
        self._budget = budget
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.nbytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def get(self, key: K) -> V | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, nbytes: int) -> None:
        """What is larger than the whole budget is not kept."""
        self.drop(key)
        size = nbytes + ENTRY_BYTES
        if size > self._budget:
            return
        self._entries[key] = value, size
        self.nbytes += size
        while self.nbytes > self._budget:
            _, (_, freed) = self._entries.popitem(last=False)
            self.nbytes -= freed

    def drop(self, key: K) -> None:
        if entry := self._entries.pop(key, None):
            self.nbytes -= entry[1]
