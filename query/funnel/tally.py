"""Chains counted: for each step the users who did it, how long they took, and what their conversions were worth."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from store import trail
from store.attributes import MASKS, SETS, SHIFTS

from .fold import TIME, Fold, Keys
from .match import Chains, Mask, Order
from .steps import Steps


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


def events(steps: Steps, fold: Fold, since: int, until: int) -> list[int]:
    """For each step how many events of the period match it, whoever's they are."""
    time = fold.key[:-1] & TIME
    pattern = fold.pattern
    inside = (time >= since) & (time < until)
    if not inside.all():
        pattern = pattern.take(np.flatnonzero(inside))
    own = np.array([np.count_nonzero(pattern == p) for p in range(len(steps.patterns))])
    return [int(own[steps.within[:, p]].sum()) for p in steps.of]


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
    median, p90 = np.percentile(waited, (50, 90)).tolist()
    return median, p90


def _sums(what: NDArray[np.uint64]) -> list[Worth]:
    money, value = trail.money(what), trail.value(what)
    found = []
    for code in np.unique(money).tolist():
        values = value[money == code]
        found.append(Worth(code, len(values), int(values.sum())))
    return found
