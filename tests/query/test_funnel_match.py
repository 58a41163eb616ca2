"""The matcher against a brute-force oracle, and small cases whose outcome is plain to see."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import get_args

import numpy as np
import pytest

from query.funnel import fold as folding
from query.funnel import tally
from query.funnel.fold import TIME, TIME_BITS
from query.funnel.match import Entry, Order, Rule, match
from query.funnel.moments import moments
from query.funnel.steps import Steps
from tests.query.funnel_oracle import Did, Went, matches, went

NAMES = ["conversion:a", "conversion:b", "event:c", "page:/x", "page:/x/1", "page:/x/2", "page:/y"]
STEPS = [*NAMES, "page:/*", "page:/x*", "page:/x/*"]


def found(
    users: Sequence[Sequence[Did]],
    names: Sequence[str],
    order: Order,
    entry: Entry,
    window: int,
    since: int,
    until: int,
) -> list[Went | None]:
    """What the matcher makes of it, user by user."""
    steps = Steps(names)
    codes = steps.hashes(enumerate(NAMES), {name: NAMES.index(name) for name in steps.exact()})
    rows = [
        (number, event.at, codes[code], (event.value & 0xFF_FFFF_FFFF) << 24)
        for number, events in enumerate(users)
        for event in events
        if (code := NAMES.index(event.name)) in codes
    ]
    user, at, pattern, what = (np.array(column) for column in zip(*rows, strict=True)) if rows else [np.empty(0)] * 4
    fold = folding.build(
        folding.Records(user.astype(np.uint64), at.astype(np.int64), pattern.astype(np.uint8), what.astype(np.uint64)),
        0,
    )
    rule = Rule(order=order, entry=entry, window=window, since=since, until=until)
    chains = match(moments(steps, fold), rule)
    outcome: list[Went | None] = [None] * len(users)
    values = [tally._values(fold, steps, chains, order, step) for step in range(len(steps))]
    places = (chains.origin >> TIME_BITS).tolist()
    for i, (place, depth, origin) in enumerate(zip(places, chains.depth.tolist(), chains.origin.tolist(), strict=True)):
        nth = [int(np.count_nonzero(chains.depth[:i] > step)) for step in range(depth)]
        keys = [int(chains.at[step][nth[step]]) for step in range(depth)]
        assert {key >> TIME_BITS for key in keys} == {place}
        worth = tuple(
            int(values[step][nth[step]].view(np.int64)) >> 24 if len(values[step]) else None for step in range(depth)
        )
        outcome[int(fold.users[place])] = Went(depth, origin & int(TIME), tuple(key & int(TIME) for key in keys), worth)
    return outcome


@pytest.mark.parametrize("order", get_args(Order))
def test_every_user_goes_as_far_as_the_definition_says(order: Order) -> None:
    seed = int(os.environ.get("FUNNEL_SEED") or random.SystemRandom().randrange(1 << 32))
    rng = random.Random(seed)
    for _ in range(300):
        names = rng.choices(rng.sample(STEPS, rng.randint(1, 4)), k=rng.randint(1, 5))
        usual = [name for name in NAMES if any(matches(step, name) for step in names)]
        clock = rng.choice([2, 6, 20])
        users = [
            [
                Did(rng.randrange(clock), rng.choice(usual if rng.random() < 0.9 else NAMES), rng.randrange(-9, 99))
                for _ in range(rng.randint(0, 6))
            ]
            for _ in range(40)
        ]
        entry = rng.choice(get_args(Entry))
        window = rng.randrange(clock + 1)
        since, until = rng.choice([(0, clock), (0, clock), (rng.randrange(clock), rng.randrange(clock + 1))])
        outcome = found(users, names, order, entry, window, since, until)
        for events, got in zip(users, outcome, strict=True):
            expected = went(events, names, order, entry, window, since, until)
            assert got == expected, (
                f"FUNNEL_SEED={seed}: {names} {order=} {entry=} {window=} {since=} {until=} {events}"
            )
