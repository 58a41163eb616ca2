"""Who is let in when there is more to do than the worker can: decisions from measured figures, and nothing else.

    runs out   measured as                       then
    time       how late the event loop is        work a second is cut until it is late no more, and shared among sites
    disk       the journal's share of its quota  the last tenth of it is kept for conversions and errors
    memory     the bodies that are under way     a site may hold as much as is still free, so a flood gets half of it

Sharing is max-min fair: a site that asks for less than its share gets all of it, what it leaves goes to the others.
Each site has a budget, refilled at its share. A page view or custom event needs one above zero; a request that holds a
conversion or an error may also run up a debt of `DEBT_S`, which page views then wait for to be paid off. So
conversions pass while page views are already turned away, and yet no site is served beyond its share for long.

The event loop's lateness is the signal, not the number of requests in flight: a batch of 5,000 events takes a thousand
times what a single one does, and the loop also pays for forwarding, queries and what is refused. A slow disk is no
overload: acknowledgements wait for it, and share its syncs; what waits is bounded by the journal.

Costs: 1.4 us for a request that passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import Final

from msgspec import Struct

from .errors import Overloaded

REQUEST_WORK: Final = 4.0  # what a request costs beside its events, in events: 120 us and 28 us, measured
DEBT_S: Final = 1.0
SAVED_S: Final = 0.2  # of its share that a site may save up: longer than the loop is late, so none is lost to waiting
JOURNAL_SHARE: Final = 0.9  # from there on the journal is kept for conversions and errors

SMOOTHING: Final = 0.3  # weight of the newest reading: one turn of a late loop is as long as the time between two
CUT: Final = 0.85  # of what is being done, at least so much is let in, however late the loop
RISE: Final = 1.05  # a reading, while the loop is late by less than it may be ...
QUICK_RISE: Final = 1.15  # ... and by less than half of that

REQUEST_BYTES: Final = 4096  # of memory, beside the body
HELD: Final = 4_000  # refusals that may be held back, each some 6 KiB of memory
REFUSAL_S: Final = 90e-6  # what one costs: more than half of what a single event does
REFUSAL_SHARE: Final = 0.15  # of a worker's time, that refusals may take
HOLD_S: Final = 2.0  # at most

RETRY_LEAST_S: Final = 1.0
RETRY_LONGEST_S: Final = 60.0


class Reading(Struct, frozen=True):
    """What was measured since the last one. late_s: how late the event loop is, as a rule. journal_share: used, of its
    quota. drain_s: how long what is journalled needs into Redis."""

    elapsed_s: float
    late_s: float
    journal_share: float
    drain_s: float


class _Account(Struct):
    """A site's. asked: work since the last reading. demand: the same a second, smoothed. budget: work that it may do
    at once; below zero a debt. held_bytes: of bodies under way."""

    asked: float = 0.0
    demand: float = 0.0
    budget: float = 0.0
    held_bytes: int = 0


class Overload:
    """One worker's. `late_s`: how late the event loop may be; 0: whatever it is. `draw`: random, in [0, 1)."""

    def __init__(self, late_s: float, memory_bytes: int, draw: Callable[[], float]) -> None:
        self.capacity = inf  # work a second that is let in; without bound while nothing is turned away
        self.held_bytes = 0
        self._late_s = late_s
        self._memory_bytes = memory_bytes
        self._draw = draw
        self._level = inf  # each site's share of the capacity
        self._journal_is_short = False
        self._wait_s = 0.0
        self._done = 0.0  # since the last reading
        self._done_a_second = 0.0
        self._accounts: dict[str, _Account] = {}
        self._held = 0

    @property
    def admitted_share(self) -> float:
        """Of the work that is asked for, how much is let in."""
        demand = sum(account.demand for account in self._accounts.values())
        return min(1.0, self.capacity / demand) if demand else 1.0

    def enter(self, site: str, body_bytes: int) -> None:
        """Before a body is read; `leave` with the same must follow. Raises Overloaded where nothing could pass."""
        account = self._account(site)
        size = REQUEST_BYTES + body_bytes
        if account.held_bytes + size > self._memory_bytes - self.held_bytes:
            raise self._refusal("memory")
        if account.budget <= -DEBT_S * self._level:
            account.asked += REQUEST_WORK + 1
            raise self._refusal("time")
        account.held_bytes += size
        self.held_bytes += size

    def leave(self, site: str, body_bytes: int) -> None:
        size = REQUEST_BYTES + body_bytes
        self._accounts[site].held_bytes -= size
        self.held_bytes -= size

    def check(self, site: str, events: int, is_important: Callable[[], bool]) -> None:
        """When the events of a request are known; `is_important` is asked only if it matters. Raises Overloaded."""
        account = self._account(site)
        work = REQUEST_WORK + events
        account.asked += work
        if reason := self._what_is_short(account, is_important):
            raise self._refusal(reason)
        if self._level != inf:
            account.budget -= work

    def passes(self, site: str, is_important: Callable[[], bool]) -> bool:
        """What `check` would say now, and nothing is counted."""
        return not self._what_is_short(self._account(site), is_important)

    def finished(self, events: int) -> None:
        """When a request that `check` has let in is served."""
        self._done += REQUEST_WORK + events

    def measured(self, reading: Reading) -> None:
        """Learns how things stand; to be called about ten times a second."""
        self._journal_is_short = reading.journal_share >= JOURNAL_SHARE
        for site, account in [*self._accounts.items()]:
            account.demand = _smoothed(account.demand, account.asked / reading.elapsed_s)
            account.asked = 0.0
            if account.demand < 1 and not account.held_bytes:
                del self._accounts[site]
        newest = self._done / reading.elapsed_s
        self._done_a_second = _smoothed(self._done_a_second, newest)
        self._done = 0.0
        demands = [account.demand for account in self._accounts.values()]
        demand = sum(demands)
        # After a quiet time the smoothed one would cut far too deep.
        done = max(newest, self._done_a_second) if newest else 0.0
        self.capacity = next_capacity(self.capacity, demand, done, reading.late_s, self._late_s)
        self._level = level(demands, self.capacity)
        for account in self._accounts.values():
            refilled = account.budget + self._level * reading.elapsed_s
            account.budget = min(refilled, self._level * SAVED_S) if self._level != inf else 0.0
        excess = demand / self.capacity if self.capacity != inf else 0.0
        self._wait_s = min(max(excess, reading.drain_s), RETRY_LONGEST_S)

    def retry_after(self, least_s: float) -> float:
        """Seconds: longer, the more is waiting or asked for, and drawn from a range as wide as it is long, so that
        those who were turned away together do not come back together."""
        return max(least_s, self._wait_s) * (1 + self._draw())

    def hold(self) -> float:
        """For how many seconds to hold a refusal back; then `release` must follow. 0: there are too many already.

        The more are held, the longer, so that what comes back over their connections takes a bounded share of the time.
        """
        if self._held >= HELD:
            return 0.0
        self._held += 1
        return min(HOLD_S, self._held * REFUSAL_S / REFUSAL_SHARE)

    def release(self) -> None:
        self._held -= 1

    def _account(self, site: str) -> _Account:
        account = self._accounts.get(site)
        if account is None:
            account = self._accounts[site] = _Account(budget=0.0 if self._level == inf else self._level * SAVED_S)
        return account

    def _what_is_short(self, account: _Account, is_important: Callable[[], bool]) -> str:
        """'' where nothing is."""
        if self._journal_is_short and not is_important():
            return "journal"
        if self._level == inf or account.budget > 0:
            return ""
        return "time" if account.budget <= -DEBT_S * self._level or not is_important() else ""

    def _refusal(self, reason: str) -> Overloaded:
        return Overloaded(reason, RETRY_LEAST_S)


def next_capacity(capacity: float, demand: float, done: float, late_s: float, may_be_late_s: float) -> float:
    """Work a second to let in from now on. All are work a second; infinite is: whatever comes.

    A cut goes by what is being done, not by the last cut: what was let in before keeps the loop late for a while. Where
    nothing was done, something has stood still, which no cut would cure.
    """
    if not may_be_late_s:
        return inf
    if not done and late_s > may_be_late_s:
        return capacity
    if late_s > may_be_late_s:
        return max(REQUEST_WORK, min(capacity, done * max(CUT, may_be_late_s / late_s)))
    risen = capacity * (RISE if late_s > may_be_late_s / 2 else QUICK_RISE)
    return risen if risen < 2 * demand else inf


def level(demands: Iterable[float], capacity: float) -> float:
    """What each may have at most, such that all together have the capacity: water in vessels of different height.

    Infinite where there is enough for all.
    """
    left = capacity
    ordered = sorted(demands)
    for place, demand in enumerate(ordered):
        share = left / (len(ordered) - place)
        if demand > share:
            return share
        left -= demand
    return inf if capacity == inf else capacity


def _smoothed(before: float, newest: float) -> float:
    return before + SMOOTHING * (newest - before)
