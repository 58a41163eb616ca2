"""Each user's chain: how many steps they went, and when they went each.

A chain of depth d is d distinct events of one user, the i-th matching step i, the last at most `window` ms after the
first, all within the period, and

    ordered   their times do not decrease
    strict    and, events of one instant standing in whichever order helps, no other event of any step stands between
    any       or: in any order; the first is then the earliest of them

Of a user's deepest chains those are kept that begin latest (`entry=latest`) or earliest (`first`), and of these the one
whose second step is earliest, then whose third is, and so on. For `any` the time of a step is when it and all steps
before it were done.

Every method walks forward from all beginnings at once, a few passes over arrays a step. That suffices, because from a
given beginning it is never worse to take a step earlier (`ordered`: each step at the first moment after; `any`: each
pattern's n-th event after), or there is no choice (`strict`: the next moment). Within a moment as many steps are taken
as its events can fill (`Moments.reach`).

The usual method, as in ClickHouse's windowFunnel, goes through a user's events and keeps for each step the latest
beginning that got so far. It finds the same depths, but one event after the other, which numpy cannot do fast.

    time    O(n * steps), n the records of all steps; ordered: a pass over n and a few over the chains still alive
    memory  a few arrays of n
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from . import runs
from .fold import TIME, TIME_BITS, Keys
from .moments import Moments

Order = Literal["ordered", "strict", "any"]
Entry = Literal["latest", "first"]

Places = NDArray[np.int64]  # of moments, or of chains
Mask = NDArray[np.bool_]


class Rule(Struct, frozen=True):
    """`since` and `until` bound the period, [since, until), in ms since the fold's base; `window` is in ms."""

    order: Order
    entry: Entry
    window: int
    since: int
    until: int


class Chains(Struct, frozen=True):
    """One chain a user who did the first step, by ascending user.

    depth   steps done, 1 or more
    origin  key of the event that the window is counted from: of step 1, but for `any` of the earliest
    at      for each step the keys at which the chains with that depth did it
    """

    depth: NDArray[np.uint8]
    origin: Keys
    at: list[Keys]

    def reached(self, step: int) -> Places:
        """The chains that did the step (counted from 0)."""
        return np.flatnonzero(self.depth > step)

    def went_on(self, step: int) -> Places:
        """Of the chains that did the step, those that did the next: places in `at[step]`."""
        return np.flatnonzero(self.depth.take(self.reached(step)) > step + 1)


def match(moments: Moments, rule: Rule) -> Chains:
    return {"ordered": _ordered, "strict": _strict, "any": _any}[rule.order](moments, rule)


# -- ordered ----------------------------------------------------------------------------------------------------------


def _ordered(m: Moments, rule: Rule) -> Chains:
    begin = _within(m, rule, np.flatnonzero(m.of_step(0)))
    first = m.key.take(begin)
    users = first >> TIME_BITS
    at, origin = begin, first
    done = m.reach[:, 0].take(m.kind.take(at)) if m.several else None
    levels = []
    for step in range(1, len(m.steps)):
        following = _following(m, step, at)
        if done is not None:
            following = np.where(done > step, at, following)
        if step == 1:
            who = _last_of_each(following, done)
            following, origin = following.take(who), origin.take(who)
            if done is not None:
                done = done.take(who)
        alive = np.flatnonzero(_alive(m, rule, origin, following))
        who, at, origin = who.take(alive), following.take(alive), origin.take(alive)
        if done is not None:
            done = done.take(alive)
            done = np.where(done > step, done, m.reach[:, step].take(m.kind.take(at)))
        levels.append((who, at))
    chosen, depth = _choose(users, [np.arange(len(begin)), *(who for who, _ in levels)], rule.entry)
    places = [begin.take(chosen), *_of_chosen(levels, chosen, len(begin))]
    if rule.entry == "first":
        places[0] = _earliest_begin(m, rule, begin, depth, places)
    return Chains(depth, m.key.take(places[0]), [m.key.take(place) for place in places])


def _following(m: Moments, step: int, at: Places) -> Places:
    """For each of the moments the first after it that holds the step; where there is none, the place of `END`."""
    holds = m.of_step(step)
    spots = np.append(np.flatnonzero(holds), len(m))
    return spots.take(runs.counted(holds).take(at))


def _last_of_each(following: Places, done: NDArray[np.uint8] | None) -> Places:
    """Of beginnings whose second step would be the same only the last: the others' windows end sooner.

    Beginnings that did several steps in their own moment stand for themselves.
    """
    last = runs.ends(following)
    if done is not None:
        last[:-1] |= done[1:] > 1
    return np.flatnonzero(last)


def _earliest_begin(
    m: Moments, rule: Rule, begin: Places, depth: NDArray[np.uint8], places: Sequence[Places]
) -> Places:
    """Where the chosen chains begin if they begin as early as their last step allows.

    `_last_of_each` kept only the last of the beginnings that share all further steps. An earlier one outside of these
    would go at least as far, and would have been chosen itself.
    """
    last = np.empty(len(depth), dtype=np.int64)
    for step, place in enumerate(places):
        last[depth > step] = place
    return begin.take(np.searchsorted(m.key.take(begin), m.key.take(last) - rule.window))


# -- strict -----------------------------------------------------------------------------------------------------------


def _strict(m: Moments, rule: Rule) -> Chains:
    begin, taken = _beginnings(m, rule)
    went, _ = _walk(m, rule, begin, taken, keep=False)
    levels = [np.flatnonzero(went > step) for step in range(len(m.steps))]
    chosen, depth = _choose(m.key.take(begin) >> TIME_BITS, levels, rule.entry)
    begin, taken = begin.take(chosen), taken.take(chosen)
    _, at = _walk(m, rule, begin, taken, keep=True)
    places = [place.take(np.flatnonzero(depth > step)) for step, place in enumerate(at)]
    return Chains(depth, m.key.take(begin), [m.key.take(place) for place in places])


def _beginnings(m: Moments, rule: Rule) -> tuple[Places, NDArray[np.int64]]:
    """Every way to begin: a moment, and how many steps are taken in it.

    Where it can take several, fewer may be right: the rest of its events then stand before the chain. Ways with the
    same moment follow each other so that `_choose` comes upon the one with the most steps.
    """
    begin = _within(m, rule, np.flatnonzero(m.of_step(0)))
    most = m.reach[:, 0].take(m.kind.take(begin)).astype(np.int64)
    if not m.several:
        return begin, most
    ways = np.repeat(begin, most)
    nth = np.arange(len(ways)) - np.repeat(np.cumsum(most) - most, most)
    return ways, (nth + 1 if rule.entry == "latest" else np.repeat(most, most) - nth)


def _walk(
    m: Moments, rule: Rule, begin: Places, taken: NDArray[np.int64], *, keep: bool
) -> tuple[NDArray[np.int64], list[Places]]:
    """How many steps are done from each beginning, and, if they are to be kept, at which moments."""
    depth = taken.copy()
    at = [begin.copy() for _ in m.steps.names] if keep else []
    who = np.arange(len(begin))
    here = begin
    for _ in m.steps.names:
        here = here + 1
        alive = np.flatnonzero(_alive(m, rule, m.key.take(begin.take(who)), here))
        who, here = who.take(alive), here.take(alive)
        before, kind = depth.take(who), m.kind.take(here)
        after = m.reach[kind, before].astype(np.int64)
        depth[who] = after
        for step in range(1, len(at)):
            rows = np.flatnonzero((before <= step) & (step < after))
            at[step][who.take(rows)] = here.take(rows)
        # A chain goes on only past a moment of which nothing is left over.
        whole = np.flatnonzero((after > before) & (after - before == m.size.take(kind)))
        who, here = who.take(whole), here.take(whole)
    return depth, at


# -- any --------------------------------------------------------------------------------------------------------------


def _any(m: Moments, rule: Rule) -> Chains:
    begin = _within(m, rule, np.arange(len(m)))
    first = m.key.take(begin)
    lowest = m.holds.argmax(axis=1).take(m.kind.take(begin))  # the first step that a moment holds
    who, done, origin = np.arange(len(begin)), begin, first
    levels = []
    occurrences: dict[int, tuple[Places, Places]] = {}
    for step in range(len(m.steps)):
        for pattern in np.flatnonzero(m.steps.within[m.steps.of[step]]).tolist():
            if pattern not in occurrences:
                occurrences[pattern] = _occurrences(m, pattern, begin)
            spots, before = occurrences[pattern]
            needed = sum(bool(m.steps.within[m.steps.of[earlier], pattern]) for earlier in range(step + 1))
            done = np.maximum(done, spots.take(before.take(who) + needed - 1, mode="clip"))
        alive = np.flatnonzero(_alive(m, rule, origin, done))
        who, done, origin = who.take(alive), done.take(alive), origin.take(alive)
        levels.append((who, done))
    # A chain begins with an event of one of its own steps.
    begun = [who.take(np.flatnonzero(lowest.take(who) <= step)) for step, (who, _) in enumerate(levels)]
    chosen, depth = _choose(first >> TIME_BITS, begun, rule.entry)
    places = _of_chosen(levels, chosen, len(begin))
    return Chains(depth, first.take(chosen), [m.key.take(place) for place in places])


def _occurrences(m: Moments, pattern: int, begin: Places) -> tuple[Places, Places]:
    """The moment of each event of the pattern, `END`'s place behind; and how many come before each beginning."""
    events: NDArray[Any]
    if m.several:
        events = m.events[:, pattern].take(m.kind)
        spots = np.repeat(np.arange(len(m)), events)
    else:
        events = m.of_pattern(pattern)
        spots = np.flatnonzero(events)
    return np.append(spots, len(m)), (np.cumsum(events, dtype=np.int64) - events).take(begin)


# -- all of them ------------------------------------------------------------------------------------------------------


def _within(m: Moments, rule: Rule, places: Places) -> Places:
    """Those of the moments that are in the period."""
    time = m.key.take(places) & TIME
    inside = (time >= rule.since) & (time < rule.until)
    return places if inside.all() else places.take(np.flatnonzero(inside))


def _alive(m: Moments, rule: Rule, origin: Keys, at: Places) -> Mask:
    """Whether a chain from `origin` may go on to the moment: it is the same user's, in the window and in the period."""
    key = m.key.take(at)
    alive = key - origin <= rule.window
    if m.latest >= rule.until:
        alive &= (key & TIME) < rule.until
    return alive


def _choose(users: Places, levels: Sequence[Places], entry: Entry) -> tuple[Places, NDArray[np.uint8]]:
    """The last or first of each user's deepest chains, by ascending user, and how deep they are.

    `users` are the chains' users, ascending; `levels` for each step the chains that did it, likewise.
    """
    count = int(users[-1]) + 1 if len(users) else 0
    chosen = np.zeros(count, dtype=np.int64)
    depth = np.zeros(count, dtype=np.uint8)
    for step, who in enumerate(levels):  # who got further is overwritten
        user = users.take(who)
        edge = np.flatnonzero(runs.ends(user) if entry == "latest" else runs.begins(user))
        user = user.take(edge)
        chosen[user] = who.take(edge)
        depth[user] = step + 1
    there = np.flatnonzero(depth)
    return chosen.take(there), depth.take(there)


def _of_chosen(levels: Sequence[tuple[Places, Places]], chosen: Places, count: int) -> list[Places]:
    """For each step the moments of those of the chosen chains that did it. `count`: of all chains."""
    kept = np.zeros(count, dtype=np.bool_)
    kept[chosen] = True
    return [at.take(np.flatnonzero(kept.take(who))) for who, at in levels]
