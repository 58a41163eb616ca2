"""The records that matter to a funnel, sorted by user and time: what every match begins with, kept between questions.

    users    the distinct users, ascending
    key      user's place in `users` << 38 | ms since `base`      one int64 orders by user, then by time
    pattern  the narrowest pattern of the event's step
    what     value, currency and attributes, packed as in the trail

38 bits of milliseconds are 8.7 years. A period and a window together are shorter by far, so the keys of two users lie
further apart than any window: a difference of keys within the window says both "in time" and "of the same user".

    built, n records      O(n log n): one sort of numbers, then repairs that are cheap where few are due
    extended by m         O(n + m log n): the n are copied, not compared
    bytes a record        17, and 8 a user
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from store import trail
from store.trail import Words

from . import runs
from .steps import Sieve

TIME_BITS: Final = 38
TIME: Final = np.int64((1 << TIME_BITS) - 1)
END: Final = np.iinfo(np.int64).max  # a key after every other, further away than any window
MAX_RECORDS: Final = 1 << 23  # working on each takes 100 bytes, 150 for order=any; and a sum of values fits in 64 bits

Keys = NDArray[np.int64]


class Records(Struct, frozen=True):
    """In the order of the trail. `at` is in ms since the fold's base."""

    user: NDArray[np.uint64]
    at: NDArray[np.int64]
    pattern: NDArray[np.uint8]
    what: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.pattern)


class Fold(Struct, frozen=True):
    """See the module. `key` has one entry more than the others: `END`. `latest` is the greatest time in it."""

    base: int
    users: NDArray[np.uint64]
    key: Keys
    pattern: NDArray[np.uint8]
    what: NDArray[np.uint64]
    latest: int

    def __len__(self) -> int:
        return len(self.pattern)

    @property
    def nbytes(self) -> int:
        return self.users.nbytes + self.key.nbytes + self.pattern.nbytes + self.what.nbytes


def records(sieve: Sieve, words: Words, since_base: int) -> Records:
    """Those of an hour's records that are of a pattern. `since_base`: hours.

    6 ns each of the words, and 12 each that is found.
    """
    words, pattern = sieve.sifted(words)
    columns = trail.Columns(words, since_base)
    return Records(columns.user, columns.at, pattern, columns.what)


def together(parts: Sequence[Records]) -> Records:
    """As one; `parts` in the order they were read in."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Records(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.uint64))
    return Records(
        np.concatenate([part.user for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.pattern for part in parts]),
        np.concatenate([part.what for part in parts]),
    )


def build(found: Records, base: int) -> Fold:
    order, user = _by_user(found.user)
    first = runs.begins(user)
    key = _keys(first, found.at.take(order))
    if (key[1:] < key[:-1]).any():  # events that came late; timsort finds the runs that are in order
        late = np.argsort(key[:-1], kind="stable")
        key[:-1] = key.take(late)
        order = order.take(late)
    users = user.take(np.flatnonzero(first))
    latest = int(found.at.max(initial=0))
    return Fold(base, users, key, found.pattern.take(order), found.what.take(order), latest)


def extended(fold: Fold, new: Fold) -> Fold:
    """Both as one, of the same base; `new` was read later."""
    if not len(new):
        return fold
    if not len(fold):
        return new
    unknown = np.setdiff1d(new.users, fold.users, assume_unique=True)
    users, key = fold.users, fold.key[:-1]
    if len(unknown):
        users = np.insert(users, np.searchsorted(users, unknown), unknown)
        moved_by = np.searchsorted(unknown, fold.users) << TIME_BITS
        key = key + moved_by.take(key >> TIME_BITS)
    place = np.searchsorted(users, new.users).take(new.key[:-1] >> TIME_BITS)
    new_key = (place << TIME_BITS) | (new.key[:-1] & TIME)
    at = np.searchsorted(key, new_key, side="right")  # after its equals: they stand before it in the trail
    return Fold(
        base=fold.base,
        users=users,
        key=np.insert(np.append(key, END), at, new_key),
        pattern=np.insert(fold.pattern, at, new.pattern),
        what=np.insert(fold.what, at, new.what),
        latest=max(fold.latest, new.latest),
    )


def without_before(fold: Fold, base: int) -> Fold:
    """Without what is earlier than `base` (epoch ms), from which the times are then counted."""
    since = base - fold.base
    rows = np.flatnonzero((fold.key[:-1] & TIME) >= since)
    key = fold.key.take(rows) - since
    place = key >> TIME_BITS
    first = runs.begins(place)
    users = fold.users.take(place.take(np.flatnonzero(first)))
    latest = max(fold.latest - since, 0)
    return Fold(base, users, _keys(first, key & TIME), fold.pattern.take(rows), fold.what.take(rows), latest)


def _keys(first: NDArray[np.bool_], at: NDArray[np.int64]) -> Keys:
    """Users are numbered by where their runs begin; `END` is put behind."""
    keys = np.empty(len(first) + 1, dtype=np.int64)
    np.subtract(runs.counted(first), 1, out=keys[:-1])
    keys[:-1] <<= TIME_BITS
    keys[:-1] |= at
    keys[-1] = END
    return keys


def _by_user(user: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.uint64]]:
    """The stable order by user, and the users in it.

    The lowest bits of each make room for its place, so that sorting these numbers, which numpy does with vector
    instructions, sorts the places too: 10 ms a million, where a stable sort of places takes 90. Users who share all the
    other bits (40 or more: one pair in a million users) are then put right.
    """
    low = np.uint64((1 << len(user).bit_length()) - 1)
    packed = user & ~low
    packed |= np.arange(len(user), dtype=np.uint64)
    packed.sort()
    packed &= low
    order = packed.view(np.intp)
    ordered = user.take(order)
    if (ordered[1:] < ordered[:-1]).any():
        order = order.take(np.argsort(ordered, kind="stable"))
        ordered = user.take(order)
    return order, ordered
