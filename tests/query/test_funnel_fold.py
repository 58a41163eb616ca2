"""Folds against plain sorting, however they came to be."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from query.funnel import fold as folding
from query.funnel.fold import END, TIME, TIME_BITS, Fold, Records
from query.funnel.steps import Sieve
from store import trail
from store.buckets import HOUR_MS

Row = tuple[int, int, int, int]  # user, ms since the base, pattern, what

USERS = [0, 1, 5 << 32, 5 << 32 | 1, 5 << 32 | 1 << 16, 6 << 32, 2**64 - 1]  # some share their high half


def columns(rows: Sequence[Row]) -> Records:
    user, at, pattern, what = zip(*rows, strict=True) if rows else [()] * 4
    return Records(
        np.array(user, np.uint64), np.array(at, np.int64), np.array(pattern, np.uint8), np.array(what, np.uint64)
    )


def rows_of(fold: Fold) -> list[Row]:
    assert fold.key[-1] == END
    key = fold.key[:-1]
    user = fold.users[key >> TIME_BITS]
    return list(zip(user.tolist(), (key & TIME).tolist(), fold.pattern.tolist(), fold.what.tolist(), strict=True))


def some(rng: random.Random, count: int, until: int = 50) -> list[Row]:
    """In the order of a trail: that of time, but for what came late."""
    at = sorted(rng.randrange(until) for _ in range(count))
    for _ in range(count // 10):
        i, j = rng.randrange(count), rng.randrange(count)
        at[i], at[j] = at[j], at[i]
    return [(rng.choice(USERS), each, rng.randrange(3), number) for number, each in enumerate(at)]


def in_order(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row[:2])


@pytest.mark.parametrize("seed", range(20))
def test_a_fold_is_sorted_by_user_and_time_and_else_as_the_trail(seed: int) -> None:
    rng = random.Random(seed)
    rows = some(rng, rng.choice([0, 1, 2, 100, 1000]))
    fold = folding.build(columns(rows), 0)
    assert rows_of(fold) == in_order(rows)
    assert fold.users.tolist() == sorted({row[0] for row in rows})
    assert fold.latest == max((row[1] for row in rows), default=0)


@pytest.mark.parametrize("seed", range(20))
def test_extending_is_building_from_all(seed: int) -> None:
    rng = random.Random(seed)
    rows: list[Row] = []
    fold = folding.build(columns([]), 0)
    for _ in range(5):
        more = some(rng, rng.choice([0, 1, 10, 300]))
        rows += more
        fold = folding.extended(fold, folding.build(columns(more), 0))
        assert rows_of(fold) == in_order(rows)
        assert fold.users.tolist() == sorted({row[0] for row in rows})
        assert fold.latest == max((row[1] for row in rows), default=0)


@pytest.mark.parametrize("seed", range(10))
def test_letting_go_of_the_oldest(seed: int) -> None:
    rng = random.Random(seed)
    rows = some(rng, 200, until=4 * HOUR_MS)
    fold = folding.without_before(folding.build(columns(rows), 0), HOUR_MS)
    rest = [(user, at - HOUR_MS, pattern, what) for user, at, pattern, what in rows if at >= HOUR_MS]
    assert (fold.base, rows_of(fold)) == (HOUR_MS, in_order(rest))
    assert fold.users.tolist() == sorted({row[0] for row in rest})
    assert rows_of(folding.without_before(fold, 5 * HOUR_MS)) == []


def test_what_was_not_found_changes_nothing() -> None:
    fold = folding.build(columns([(1, 2, 0, 3)]), 0)
    assert folding.extended(fold, folding.build(columns([]), 0)) is fold


def test_users_who_differ_only_in_the_bits_that_make_room_for_places() -> None:
    rows = [(user, at, 0, at) for at, user in enumerate([3, 1, 2, 1, 0, 3, 2, 1 << 63 | 1, 1 << 63, 1 << 63 | 1])]
    assert rows_of(folding.build(columns(rows), 0)) == in_order(rows)


def test_records_come_out_of_their_hours_as_they_went_in() -> None:
    rng = random.Random(5)
    users = [rng.randrange(1 << 64) for _ in range(300)]
    rows = [
        (rng.choice(users), at, rng.randrange(4), at) for at in sorted(rng.randrange(3 * HOUR_MS) for _ in range(900))
    ]
    sieve = Sieve({0: 0, 1: 1, 2: 2})
    hours = [
        trail.words(b"".join(trail.pack(u, p, at, w, 0, 0) for u, at, p, w in rows if at // HOUR_MS == hour))
        for hour in range(3)
    ]
    found = folding.together([folding.records(sieve, words, hour) for hour, words in enumerate(hours)])
    fold = folding.build(found, 0)
    wanted = [(user, at, pattern, what << 24) for user, at, pattern, what in rows if pattern < 3]
    assert rows_of(fold) == in_order(wanted)
    assert fold.users.tolist() == sorted({row[0] for row in wanted})
    assert fold.latest == wanted[-1][1]
