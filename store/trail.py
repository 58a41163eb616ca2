"""The trail: who did what when, 24 bytes an event, from which funnels are answered.

One Redis string per site and UTC hour, only ever appended to. A record is three little-endian 64-bit words:

    word 0   63..0  user    64-bit hash of the user (`store.identity`)
    word 1   63..24 step    40-bit hash of the step's name
             23..0  ms      milliseconds into the hour (22 bits are needed)
    word 2   63..24 value   minor units, 40 bits signed: at most 5.49e11 either way
             23..14 money   ISO 4217 numeric code of the currency, 0 where there is no value
             13..0  attrs   agent and channel (`store.attributes`)

Records of one hour stand in the order of their commits, which is not quite the order of time: a reader sorts.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .buckets import HOUR_MS

RECORD_BYTES: Final = 24
VALUE_LIMIT: Final = 1 << 39  # |value| must stay below it; admit refuses what does not fit

Words = NDArray[np.uint64]  # records, shape (n, 3)
Piece = tuple[int, Words]  # an hour of a trail, and some of its records

_words = Struct("<QQQ")


def hour(at: int) -> int:
    """The UTC hour of the trail that the instant `at` (epoch ms) belongs to: hours since the epoch."""
    return at // HOUR_MS


def pack(user: int, step: int, at: int, value: int, money: int, attrs: int) -> bytes:
    """One record. `at` is epoch ms; which hour it is in is the key's business."""
    return _words.pack(user, step << 24 | at % HOUR_MS, (value & 0xFF_FFFF_FFFF) << 24 | money << 14 | attrs)


class Columns:
    """Records unpacked, a column at a time, each worked out when it is asked for: equally long arrays.

    user uint64 · step uint64 · at int64 (epoch ms) · value int64 (minor units) · money uint16 · attrs uint16
    """

    __slots__ = ("_hour_of", "_words")

    def __init__(self, words: Words, hour_of: NDArray[np.int64] | int) -> None:
        """`words`: shape (n, 3). `hour_of`: the UTC hour of all records, or of each."""
        self._words = words
        self._hour_of = hour_of

    @property
    def user(self) -> NDArray[np.uint64]:
        return self._words[:, 0]

    @property
    def step(self) -> NDArray[np.uint64]:
        return self._words[:, 1] >> np.uint64(24)

    @property
    def at(self) -> NDArray[np.int64]:
        within = (self._words[:, 1] & np.uint64(0xFF_FFFF)).view(np.int64)
        return within + np.int64(HOUR_MS) * self._hour_of

    @property
    def what(self) -> NDArray[np.uint64]:
        """Value, money and attrs still packed, as `value`, `money` and `attrs` take them."""
        return self._words[:, 2]

    @property
    def value(self) -> NDArray[np.int64]:
        return value(self.what)

    @property
    def money(self) -> NDArray[np.uint16]:
        return money(self.what)

    @property
    def attrs(self) -> NDArray[np.uint16]:
        return attrs(self.what)


def value(what: NDArray[np.uint64]) -> NDArray[np.int64]:
    return what.view(np.int64) >> np.int64(24)  # arithmetic: the sign comes along


def money(what: NDArray[np.uint64]) -> NDArray[np.uint16]:
    return ((what >> np.uint64(14)) & np.uint64(0x3FF)).astype(np.uint16)


def attrs(what: NDArray[np.uint64]) -> NDArray[np.uint16]:
    return (what & np.uint64(0x3FFF)).astype(np.uint16)


def middle_bits(words: Words) -> NDArray[np.uint16]:
    """Bits 23..8 of the records' step hashes: a view, and so the cheapest way to tell most steps apart."""
    return words.view("<u2")[:, 6]


def words(data: bytes) -> Words:
    """The bytes of a trail as an array of shape (n, 3), without a copy; a torn last record is left off."""
    whole = len(data) - len(data) % RECORD_BYTES
    return np.frombuffer(data, dtype="<u8", count=whole // 8).reshape(-1, 3)
