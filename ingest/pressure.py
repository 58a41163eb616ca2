"""Measures what `ingest.overload` decides by: how late the event loop is, and how full the journal.

A ping asks the loop for a turn every `PING_S` and notes how late it gets it. Their median counts, and of two readings
in a row the lesser: a single long turn (a large commit, a garbage collection) is no queue, and is over when a refusal
would reach its sender.
"""

from __future__ import annotations

import asyncio
from statistics import median
from time import perf_counter
from typing import Final

from .forwarder import Forwarder
from .journal import Journal
from .journal.journal import GROUP_BYTES
from .metrics import Metrics
from .overload import Overload, Reading

PING_S: Final = 0.01
READING_S: Final = 0.1
SMOOTHING: Final = 0.1  # weight of the newest rate into Redis: commits come in lumps
LEAST_APPLIED: Final = 100.0  # events a second; Redis may be away, and 6,000 events behind it are a minute then


class Pressure:
    """One worker's; `run` works until it is cancelled. late_s: of the loop, as a rule."""

    def __init__(self, overload: Overload, journal: Journal, forwarder: Forwarder, metrics: Metrics) -> None:
        self.late_s = 0.0
        self._overload = overload
        self._journal = journal
        self._forwarder = forwarder
        self._applied_a_second = 0.0
        metrics.gauge("hitstream_loop_late_seconds", "How late the event loop is, as a rule.", lambda: self.late_s)
        metrics.gauge(
            "hitstream_admitted_ratio", "Of the work that is asked for, how much is let in.",
            lambda: overload.admitted_share,
        )  # fmt: skip
        metrics.gauge(
            "hitstream_request_bytes", "Memory held for requests under way.", lambda: float(overload.held_bytes)
        )

    async def run(self) -> None:
        pings: list[float] = []
        late_before = 0.0
        last, applied = perf_counter(), self._applied()
        while True:
            due = perf_counter() + PING_S  # the loop's own clock stands still during a turn
            await asyncio.sleep(PING_S)
            now = perf_counter()
            pings.append(max(0.0, now - due))
            if now - last < READING_S:
                continue
            late = median(pings)
            self.late_s, late_before = min(late, late_before), late
            pings.clear()
            elapsed, last = now - last, now
            before, applied = applied, self._applied()
            self._applied_a_second += SMOOTHING * ((applied - before) / elapsed - self._applied_a_second)
            self._overload.measured(Reading(elapsed, self.late_s, self._journal_share(), self._drain_s()))

    def _applied(self) -> int:
        """Grows by what comes into Redis."""
        return self._journal.events - self._forwarder.behind

    def _journal_share(self) -> float:
        """Of the quota on disk, or of what may wait for it, whichever is nearer its end."""
        journal = self._journal
        pending = journal.pending_bytes
        return max((journal.size_bytes + pending) / journal.quota_bytes, pending / (2 * GROUP_BYTES))

    def _drain_s(self) -> float:
        return self._forwarder.behind / max(self._applied_a_second, LEAST_APPLIED)
