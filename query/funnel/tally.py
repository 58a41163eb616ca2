"""Chains counted: for each step the users who did it, how long they took, and what their conversions were worth.

A tally says for which other periods it would be the same, so that it can be told again while nothing changes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from store import trail
from store.attributes import MASKS, SETS, SHIFTS

from .fold import END, TIME, Fold, Keys
from .match import Chains, Mask, Order, Rule, match
from .moments import Moments
from .steps import Steps

STEP_BYTES: Final = 500  # of what is counted for a step: some numbers, and the worth in a currency or two


class Worth(Struct, frozen=True):
    """Of one currency (its ISO 4217 number): how many conversions, and their sum in minor units."""

    money: int
    conversions: int
    minor: int


class Reached(Struct, frozen=True):
    """Of one step. The times, in ms, are from the step before; None for the first and where nobody got so far."""

    users: int
    median_ms: float | None
    p90_ms: float | None
    worth: list[Worth]


class Tally(Struct, frozen=True):
    """All that is counted by one rule; for each step all events of the period that match it, whoever's they are.

    `first` is the earliest time in the period, or one after it, and `latest` the latest of the whole fold.
    """

    reached: list[Reached]
    events: list[int]
    groups: list[tuple[str, list[Reached]]]
    rule: Rule
    first: int
    latest: int

    @property
    def nbytes(self) -> int:
        return STEP_BYTES * len(self.events) * (1 + len(self.groups))

    def holds_for(self, rule: Rule) -> bool:
        """Whether a rule with another period, and else the same, finds the same: no record lies between the two."""
        if not self.rule.since <= rule.since <= self.first:
            return False
        return rule.until == self.rule.until or min(rule.until, self.rule.until) > self.latest


def tally(fold: Fold, moments: Moments, rule: Rule, attribute: str | None = None) -> Tally:
    """`attribute`: by which the chains are counted in groups as well."""
    steps = moments.steps
    chains = match(moments, rule)
    counted, first = events(steps, fold, rule.since, rule.until)
    found = groups(fold, steps, chains, attribute) if attribute else []
    return Tally(
        reached=reached(fold, steps, chains, rule.order),
        events=counted,
        groups=[(key, reached(fold, steps, chains, rule.order, among)) for key, among in found],
        rule=rule,
        first=first,
        latest=fold.latest,
    )


def events(steps: Steps, fold: Fold, since: int, until: int) -> tuple[list[int], int]:
    """For each step how many events of the period match it; and the earliest of all times in or after the period."""
    into = ((fold.key[:-1] & TIME) - since).view(np.uint64)  # what is before it becomes later than anything
    outside = np.flatnonzero(into >= until - since)  # few: a fold is seldom much longer than the period
    own = np.array([np.count_nonzero(fold.pattern == p) for p in range(len(steps.patterns))])
    own -= np.bincount(fold.pattern.take(outside), minlength=len(own))
    return [int(own[steps.within[:, p]].sum()) for p in steps.of], since + int(into.min(initial=END))


def reached(fold: Fold, steps: Steps, chains: Chains, order: Order, among: Mask | None = None) -> list[Reached]:
    """For each step, of all chains or of those `among` selects."""
    found = []
    for step, at in enumerate(chains.at):
        waited = at - chains.at[step - 1].take(chains.went_on(step - 1)) if step else at[:0]
        worth = _values(fold, steps, chains, order, step)
        users = len(at)
        if among is not None:
            chosen = np.flatnonzero(among.take(chains.reached(step)))
            users = len(chosen)
            waited = waited.take(chosen) if step else waited
            worth = worth.take(chosen) if len(worth) else worth
        median, p90 = _percentiles(waited)
        found.append(Reached(users, median, p90, _sums(worth)))
    return found


def groups(fold: Fold, steps: Steps, chains: Chains, attribute: str) -> list[tuple[str, Mask]]:
    """The chains by an attribute of their first step's event, the most frequent value first."""
    if not len(chains.depth):
        return []
    first = _at_or_after(fold, _rows(fold, steps, steps.of[0]), chains.at[0])
    codes = (trail.attrs(first) >> SHIFTS[attribute]) & MASKS[attribute]
    members = SETS[attribute]
    found = [(code, codes == code) for code in np.unique(codes).tolist()]
    found.sort(key=lambda group: (-np.count_nonzero(group[1]), group[0]))
    # A code that this version does not know was written by a later one.
    return [(members[code] if code < len(members) else f"{code}", which) for code, which in found]


def _values(fold: Fold, steps: Steps, chains: Chains, order: Order, step: int) -> NDArray[np.uint64]:
    """What the step's event of each chain that did it was worth, packed; empty where the step has no value.

    Only conversions have one, and their steps are names: so of several events at one instant the step has the first
    that no earlier step of the same name has. For `any` it is counted from the chain's beginning instead.
    """
    pattern = steps.of[step]
    if not steps.patterns[pattern].startswith("conversion:"):
        return np.empty(0, np.uint64)
    same = [earlier for earlier in range(step) if steps.of[earlier] == pattern]
    rows = _rows(fold, steps, pattern)
    did = chains.reached(step)
    if order == "any":
        return _at_or_after(fold, rows, chains.origin.take(did), len(same))
    at = chains.at[step]
    before = np.zeros(len(at), dtype=np.int64)
    for earlier in same:
        before += chains.at[earlier].take(np.flatnonzero(chains.depth.take(chains.reached(earlier)) > step)) == at
    return _at_or_after(fold, rows, at, before)


def _rows(fold: Fold, steps: Steps, pattern: int) -> NDArray[np.int64]:
    """The records that the pattern holds."""
    inner = steps.within[:, pattern]
    if np.count_nonzero(inner) == 1:
        return np.flatnonzero(fold.pattern == pattern)
    return np.flatnonzero(inner.take(fold.pattern))


def _at_or_after(
    fold: Fold, rows: NDArray[np.int64], key: Keys, skipped: NDArray[np.int64] | int = 0
) -> NDArray[np.uint64]:
    """For each key what is packed in the first of the records at or after it, some of them skipped."""
    place = np.searchsorted(fold.key.take(rows), key) + skipped
    return fold.what.take(rows.take(place))


def _percentiles(waited: Keys) -> tuple[float | None, float | None]:
    """Median and 90th percentile, between neighbours linearly."""
    if not len(waited):
        return None, None
    # Sorted as a whole, with vector instructions, sooner than `np.percentile` parts it.
    waited = np.sort(waited)
    return _between(waited, 0.5), _between(waited, 0.9)


def _between(ascending: Keys, part: float) -> float:
    """As `np.percentile` rounds it, so from the nearer neighbour."""
    place = part * (len(ascending) - 1)
    before = int(place)
    low, high = int(ascending[before]), int(ascending[min(before + 1, len(ascending) - 1)])
    share = place - before
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)


def _sums(what: NDArray[np.uint64]) -> list[Worth]:
    money, value = trail.money(what), trail.value(what)
    found = []
    for code in np.unique(money).tolist():
        values = value[money == code]
        found.append(Worth(code, len(values), int(values.sum())))
    return found
