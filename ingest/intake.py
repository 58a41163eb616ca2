"""What every way in has in common: from a sender's grant and decoded items to events that are safe.

    welcome -> within the key's rate -> time for it -> admitted -> journalled

How a request presents its key and its events, and how it is answered, is the business of `ingest.http` for our own
calls and of `ingest.dialects` for other products'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Final

from msgspec import Struct

from store.commit import Planner
from store.errors import RequestError
from store.event import Event, Record, encode
from store.keys import partition_of
from store.site import Grant

from .admit import Admission, Admitting, Context, admit
from .copies import Copies
from .errors import JournalClosed, NothingAccepted, OriginNotAllowed, Overloaded, RateLimited
from .forwarder import Forwarder
from .journal import Journal
from .limits import Limits
from .metrics import Metrics
from .overload import Overload
from .visitors import Salt

SLICE_S: Final = 0.005  # of admitting one request, before others have a turn
PLAIN_EVENTS: Final = 100  # of a request on the short way, which has no slices: 1 ms
COMMIT_WAIT_S: Final = 5.0  # with ack = "redis": how long a reply waits for a commit that is late

IMPORTANT: Final = ("conversion", "error")  # let in when other events are already turned away


class Sender(Struct, frozen=True):
    """What a request says of who sent it. address: for the cookieless id alone."""

    user_agent: str
    address: str


class Taken(Struct, frozen=True):
    """Events that are on their way to the disk: `durable` is done when they are there, or fails."""

    admission: Admission
    durable: asyncio.Future[int]


class Intake:
    """One worker's. `stopping` is set when it is to take no more."""

    def __init__(
        self,
        *,
        clock: Callable[[], int],
        planner: Planner,
        salt: Salt,
        limits: Limits,
        overload: Overload,
        journal: Journal,
        forwarder: Forwarder,
        copies: Copies,
        metrics: Metrics,
        ack_after_commit: bool,
    ) -> None:
        self.metrics = metrics
        self.stopping = False
        self._clock = clock
        self._planner = planner
        self._salt = salt
        self._limits = limits
        self._overload = overload
        self._journal = journal
        self._forwarder = forwarder
        self._copies = copies
        self._ack_after_commit = ack_after_commit

    def welcome(self, grant: Grant, origin: str | None) -> None:
        """Whether this sender may send now. Raises JournalClosed, OriginNotAllowed, RateLimited."""
        if self.stopping:
            raise JournalClosed
        if origin and grant.site.origins and origin not in grant.site.origins:
            raise OriginNotAllowed(f"the site does not take events from pages of {origin!r}")
        self._limits.check(grant, self._clock())

    @contextmanager
    def room(self, site: str, body_bytes: int) -> Iterator[None]:
        """Memory for a request whose body may become so long. Raises Overloaded."""
        self._overload.enter(site, body_bytes)
        try:
            yield
        finally:
            self._overload.leave(site, body_bytes)

    async def take(
        self,
        grant: Grant,
        items: list[object],
        sender: Sender,
        *,
        sent_at: object = None,
        implied: str | None = None,
    ) -> Admission:
        """Returns when the events are safe. Raises NothingAccepted, Overloaded and the journal's errors."""
        self._overload.check(grant.site.id, len(items), lambda: _is_important(items, implied))
        now = self._clock()
        admission = await _in_slices(items, self._context(grant, sender, now, sent_at, implied))
        if admission.rejections:
            for rejection in admission.rejections:
                self.metrics.rejected.labels(rejection.code).inc()
            self._copies.keep(grant.site.id, admission.rejections, items, now)
        self._limits.take(grant, len(items), now)
        if admission.events:
            await self._keep(grant.site.id, admission.events)
        elif not admission.duplicates:
            raise NothingAccepted(admission.rejections)
        self._overload.finished(len(items))
        return admission

    def take_plain(
        self, grant: Grant, items: list[object], sender: Sender, sent_at: object, implied: str | None
    ) -> Taken | None:
        """The same where nothing is out of the ordinary; None, and nothing has happened, where something is.

        `kept` is to be called when the events are durable. Raises RateLimited and the journal's errors.
        """
        if self.stopping or self._ack_after_commit or len(items) > PLAIN_EVENTS:
            return None
        # Also while others are turned away: were it only for quiet times, the first late turn of the loop would make
        # every request twice as dear, and the worker would stay overloaded by what it carried before.
        if not self._overload.passes(grant.site.id, lambda: _is_important(items, implied)):
            return None
        now = self._clock()
        self._limits.check(grant, now)
        admission = admit(items, self._context(grant, sender, now, sent_at, implied))
        if admission.rejections or not admission.events:
            return None
        record = Record(grant.site.id, admission.events)
        partition = partition_of(record.site, self._planner.partitions)
        durable = self._journal.append(partition, encode(record), len(record.events), record)
        self._overload.check(record.site, len(items), lambda: True)  # it passes
        self._limits.take(grant, len(items), now)
        return Taken(admission, durable)

    def kept(self, taken: Taken, seconds: float) -> None:
        self.metrics.count_accepted(taken.admission.events)
        self.metrics.ack_seconds.observe(seconds)
        self._overload.finished(taken.admission.accepted)

    def charge(self, grant: Grant) -> None:
        """For a body that could not be read: it counts as one event towards the key's rate."""
        self._limits.take(grant, 1, self._clock())

    def count(self, error: RequestError) -> None:
        self.metrics.refused.labels(error.code).inc()
        if isinstance(error, Overloaded):
            self.metrics.shed.labels(error.reason).inc()

    async def hold(self, error: RequestError) -> None:
        """Says when to try again and, where too much is sent, lets some time pass before saying it."""
        if error.retry_after is not None:
            error.retry_after = self._overload.retry_after(error.retry_after)
        if isinstance(error, Overloaded | RateLimited) and (hold_s := self._overload.hold()):
            try:
                await asyncio.sleep(hold_s)
            finally:
                self._overload.release()

    def _context(self, grant: Grant, sender: Sender, now: int, sent_at: object, implied: str | None) -> Context:
        return Context(
            site=grant.site,
            trusted=grant.kind == "server",
            now=now,
            sent_at=sent_at,
            user_agent=sender.user_agent,
            address=sender.address,
            salt=self._salt.of(now),
            identity=self._planner.identity,
            implied=implied,
        )

    async def _keep(self, site: str, events: list[Event]) -> None:
        """Returns when the events are safe."""
        partition = partition_of(site, self._planner.partitions)
        record = Record(site, events)
        seq = await self._journal.append(partition, encode(record), len(events), record)
        self.metrics.count_accepted(events)
        if self._ack_after_commit:
            # The events are safe whatever Redis does: a refusal now would only have them sent, and counted, again.
            with suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_WAIT_S):
                    await self._forwarder.applied(partition, seq)


async def _in_slices(items: list[object], context: Context) -> Admission:
    """Lets others have a turn in between: a large request takes 150 ms, one that means harm ten times as long."""
    admitting = Admitting(context)
    until = perf_counter() + SLICE_S
    for item in items:
        if perf_counter() > until:
            await asyncio.sleep(0)
            until = perf_counter() + SLICE_S
        admitting.add(item)
    return admitting.admission()


def _is_important(items: list[object], implied: str | None) -> bool:
    """A request goes by the most important event in it, for it is taken as a whole or not at all."""
    if implied is not None:
        return implied in IMPORTANT
    return any(isinstance(item, dict) and item.get("type") in IMPORTANT for item in items)
