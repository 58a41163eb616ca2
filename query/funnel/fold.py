"""The records that matter to a funnel, sorted by user and time: what every match begins with, kept between questions.

    users    the distinct users, ascending
    key      user's place in `users` << 38 | ms since `base`      one int64 orders by user, then by time
    pattern  the narrowest pattern of the event's step
    what     value, currency and attributes, packed as in the trail

38 bits of milliseconds are 8.7 years. A period and a window together are shorter by far, so the keys of two users lie
further apart than any window: a difference of keys within the window says both "in time" and "of the same user".

    gathered, n records   O(n): a radix sort of the users' high halves, then repairs that are cheap where few are due
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
from store.buckets import HOUR_MS
from store.trail import Piece

from . import runs
from .steps import Sieve

TIME_BITS: Final = 38
TIME: Final = np.int64((1 << TIME_BITS) - 1)
END: Final = np.iinfo(np.int64).max  # a key after every other, further away than any window
MAX_RECORDS: Final = 1 << 23  # working on each takes 90 bytes, 135 for order=any; and a sum of values fits in 64 bits

HAND: Final = 1 << 17  # records whose arrays fit into a processor's own cache: 10 M events are sorted twice as fast

Keys = NDArray[np.int64]


class Records(Struct, frozen=True):
    """In the order of the trail. `at` is in ms since the fold's base."""

    user: NDArray[np.uint64]
    at: NDArray[np.int64]
    pattern: NDArray[np.uint8]
    what: NDArray[np.uint64]


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


def records(sieve: Sieve, pieces: Sequence[Piece], base: int) -> Records:
    """Those of the candidates that are of a pattern; `pieces` in the order they were read in."""
    if not pieces:
        return Records(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.uint64))
    words = np.concatenate([candidates for _, candidates in pieces])
    since_base = np.repeat([hour - base // HOUR_MS for hour, _ in pieces], [len(found) for _, found in pieces])
    pattern, wanted = sieve.patterns(words)
    if not wanted.all():
        rows = np.flatnonzero(wanted)
        words, since_base, pattern = words.take(rows, axis=0), since_base.take(rows), pattern.take(rows)
    columns = trail.Columns(words, since_base)
    return Records(columns.user, columns.at, pattern, columns.what)


def gathered(sieve: Sieve, pieces: Sequence[Piece], base: int) -> Fold:
    """The fold of candidates (`Sieve.candidates`): many are dealt out by user, and each hand is sorted by itself."""
    count = sum(len(candidates) for _, candidates in pieces)
    bits = min(count // HAND, 255).bit_length()
    hands = _dealt(pieces, bits) if bits else [pieces]
    return _joined([build(records(sieve, hand, base), base) for hand in hands])


def build(found: Records, base: int) -> Fold:
    order = _by_user(found.user)
    user = found.user.take(order)
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
    keys[:-1] = np.cumsum(first, dtype=np.int32)  # three times as fast as in 64 bits
    keys[:-1] -= 1
    keys[:-1] <<= TIME_BITS
    keys[:-1] |= at
    keys[-1] = END
    return keys


def _dealt(pieces: Sequence[Piece], bits: int) -> list[list[Piece]]:
    """The pieces divided by the highest bits of the user, so that who is in one hand is before all in the next."""
    hands: list[list[Piece]] = [[] for _ in range(1 << bits)]
    for hour, candidates in pieces:
        hand = candidates.view("u1")[:, 7] >> np.uint8(8 - bits)
        rows = candidates.take(np.argsort(hand, kind="stable"), axis=0)
        ends = np.cumsum(np.bincount(hand, minlength=len(hands))).tolist()
        for taken, first, end in zip(hands, [0, *ends], ends, strict=False):
            if end > first:
                taken.append((hour, rows[first:end]))
    return hands


def _joined(folds: Sequence[Fold]) -> Fold:
    if len(folds) == 1:
        return folds[0]
    before = np.cumsum([0, *(len(fold.users) for fold in folds)]) << TIME_BITS
    return Fold(
        base=folds[0].base,
        users=np.concatenate([fold.users for fold in folds]),
        key=np.append(np.concatenate([fold.key[:-1] + place for fold, place in zip(folds, before, strict=False)]), END),
        pattern=np.concatenate([fold.pattern for fold in folds]),
        what=np.concatenate([fold.what for fold in folds]),
        latest=max(fold.latest for fold in folds),
    )


def _by_user(user: NDArray[np.uint64]) -> NDArray[np.intp]:
    """The stable order by user.

    numpy sorts 16-bit numbers by radix, in linear time, so two such passes sort by the high 32 bits: 23 ms a million,
    where one sort by all 64 takes 90. Users who share their high half (one pair in 100,000 users) are then put right.
    """
    halves = np.ascontiguousarray(user).view("<u2")
    order = np.argsort(halves[2::4], kind="stable")
    order = order.take(np.argsort(halves[3::4].take(order), kind="stable"))
    ordered = user.take(order)
    if (ordered[1:] < ordered[:-1]).any():
        order = order.take(np.argsort(ordered, kind="stable"))
    return order
