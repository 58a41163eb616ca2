"""What a batch of events changes in Redis, worked out in memory: a pure function from records to one `Batch`.

Every structure is touched once a batch, not once an event: counters arrive as sums, users as sets, leaderboards as one
increment a member, the trail as one piece a site and hour. Only stream entries stay one an event. `functions.lua`
applies the batch atomically and knows no more of events than their sums.

    records -> one _Minute a site and minute (counts, users, boards, revenue)   -> folded into hours and days
            -> stream rows, trail pieces, step names, activity lines, bursts    -> sections of the batch
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from . import activity, attributes, keys, trail
from .activity import Act
from .buckets import DAY_MS, MINUTE_MS, Bucket, bucket
from .event import SIGNS, Agent, Conversion, Custom, Error, Event, PageView, Record
from .identity import Identity
from .keys import PartitionKeys, SiteKeys
from .money import decimal_text, numeric_code
from .site import Site

SLOT_MS: Final = 1_800_000  # of open sessions; as in functions.lua
IDLE_MS: Final = 1_800_000  # a pause longer than this ends a session; as in functions.lua
MERGE_FROM: Final = 100  # users: merging a HyperLogLog costs Redis about as much as adding so many to it
DEDUP_BUCKETS: Final = 1 << 24  # the bucket number that an id is sent with; functions.lua takes it modulo the level's

METRIC_OF: Final = {PageView: "page_views", Conversion: "conversions", Error: "errors", Custom: "events"}

FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "page_views": (
        "site", "user_id", "page_url", "referrer", "user_agent", "session_id", "timestamp", "date", "hour", "title",
        "properties",
    ),
    "user_events": (
        "site", "user_id", "name", "properties", "session_id", "timestamp", "date", "hour", "trusted",
    ),
    "conversions": (
        "site", "user_id", "conversion_type", "value", "currency", "timestamp", "date", "hour", "properties",
        "session_id", "trusted",
    ),
    "errors": (
        "site", "user_id", "error_type", "error_message", "timestamp", "date", "hour", "context",
    ),
}  # fmt: skip
"""What an entry of each stream holds, in this order."""


class Batch(Struct, frozen=True):
    """One call of `commit`. `ids` are the hashes it asks about, in the order that a `Seen` reply counts them in."""

    keys: tuple[str, str, str, str, str]
    sections: bytes
    ids: tuple[int, ...]
    events: int
    duplicates: int


class Span(Struct, frozen=True):
    """Which part of which journal a batch carries: events (previous, last] of one partition."""

    journal: str
    partition: int
    previous: int
    last: int


class Planner:
    """Plans the batches of a deployment: holds what is the same for all of them, and caches of hashes."""

    def __init__(self, sites: Mapping[str, Site], identity: Identity, partitions: int) -> None:
        self.sites = sites
        self.partitions = partitions
        self.identity = identity
        # A visitor, a session and a page come again within minutes: looked up they cost a tenth of hashing them.
        self.user = lru_cache(maxsize=32_768)(identity.user)
        self.visit = lru_cache(maxsize=32_768)(identity.visit)
        self.step = lru_cache(maxsize=32_768)(identity.step)

    def plan(self, span: Span, records: Iterable[Record], *, now: int, seen: frozenset[int] = frozenset()) -> Batch:
        """The batch that applies `records`.

        `now` (epoch ms) only chooses the deduplication generation. Events whose id is in `seen` were counted before
        and are left out; of several with one id in the batch the first is taken.
        """
        batch = _Building(self, now)
        for record in records:
            site = batch.site(record.site)
            for event in record.events:
                if not event.dedup or batch.is_new(event.dedup, seen):
                    site.add(event)
        return batch.finish(span)


class _Minute:
    """The sums of one site and minute."""

    __slots__ = ("boards", "bucket", "buyers", "counts", "revenue", "users")

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.counts: dict[str, int] = defaultdict(int)
        self.users: dict[str, set[str]] = defaultdict(set)
        self.boards: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.revenue: dict[str, int] = defaultdict(int)
        self.buyers: set[str] = set()


class _SiteBatch:
    """What the batch does to one site."""

    def __init__(self, planner: Planner, site: str) -> None:
        self.site = planner.sites.get(site) or Site(site)  # a site that left the configuration keeps its events
        self.keys = SiteKeys(site, planner.partitions)
        self.events = 0
        self.minutes: dict[int, _Minute] = {}
        self.rows: dict[str, list[str | int]] = defaultdict(list)
        self.trails: dict[int, list[bytes]] = defaultdict(list)
        self.steps: dict[int, dict[int, str]] = defaultdict(dict)
        self.activity: dict[tuple[int, int], list[str]] = defaultdict(list)
        self.visits: dict[str, list[int]] = defaultdict(list)  # by session, the times of what was done ...
        self.signs: dict[str, list[int]] = defaultdict(list)  # ... and of `store.event.SIGNS`
        self._planner = planner

    def add(self, event: Event) -> None:
        planner, site, at = self._planner, self.site.id, event.at
        minute = self.minutes.get(at // MINUTE_MS) or self._open_minute(at)
        user = planner.user(site, event.user)
        name = f"{user:016x}"
        metric = METRIC_OF[type(event)]
        minute.counts[metric] += 1
        minute.users[metric].add(name)
        self.events += 1

        value, money, channel, times = 0, 0, "none", self.visits
        if isinstance(event, PageView):
            channel = event.channel
            step, act = self._page_view(event, minute)
        elif isinstance(event, Conversion):
            value, money = event.minor, numeric_code(event.currency)
            step, act = self._conversion(event, minute, name)
        elif isinstance(event, Error):
            step, act = self._error(event, minute)
        else:
            step, act = self._custom(event, minute)
            if event.name in SIGNS:
                times = self.signs

        code = planner.step(site, step)
        self.trails[trail.hour(at)].append(trail.pack(user, code, at, value, money, _attributes(event.agent, channel)))
        self.steps[at // DAY_MS][code] = step
        self.activity[user, at // DAY_MS].append(activity.encode(act))
        times[planner.visit(site, event.session) if event.session else name].append(at)

    def _open_minute(self, at: int) -> _Minute:
        minute = self.minutes[at // MINUTE_MS] = _Minute(bucket(self.site.tz, at))
        return minute

    def _page_view(self, event: PageView, minute: _Minute) -> tuple[str, Act]:
        minute.boards["pages"][event.url] += 1
        if event.channel != "internal":  # going on within the site is no visit from anywhere
            minute.counts["referrals"] += 1
            minute.boards["referrers"][event.source or "direct"] += 1
        day, hour = minute.bucket.day, minute.bucket.clock_hour
        self.rows["page_views"] += (
            self.site.id, event.user, event.url, event.referrer, str(event.agent), event.session, event.at, day, hour,
            event.title, event.properties,
        )  # fmt: skip
        return page_step(event.url), Act(event.at, "page_view", event.url, event.title)

    def _conversion(self, event: Conversion, minute: _Minute, name: str) -> tuple[str, Act]:
        kind, currency = event.conversion_type, event.currency
        minute.boards["conversion_types"][kind] += 1
        minute.boards[f"users-{currency}"][event.user] += event.minor
        minute.revenue[currency] += event.minor
        minute.buyers.add(f"{name}:{kind}")
        value = decimal_text(event.minor, currency)
        day, hour = minute.bucket.day, minute.bucket.clock_hour
        self.rows["conversions"] += (
            self.site.id, event.user, kind, value, currency, event.at, day, hour, event.properties, event.session,
            int(event.trusted),
        )  # fmt: skip
        return f"conversion:{kind}", Act(event.at, "conversion", kind, f"{value} {currency}")

    def _error(self, event: Error, minute: _Minute) -> tuple[str, Act]:
        minute.boards["error_types"][event.error_type] += 1
        day, hour = minute.bucket.day, minute.bucket.clock_hour
        self.rows["errors"] += (
            self.site.id, event.user, event.error_type, event.message, event.at, day, hour, event.context,
        )  # fmt: skip
        return f"error:{event.error_type}", Act(event.at, "error", event.error_type, event.message)

    def _custom(self, event: Custom, minute: _Minute) -> tuple[str, Act]:
        minute.boards["events"][event.name] += 1
        day, hour = minute.bucket.day, minute.bucket.clock_hour
        self.rows["user_events"] += (
            self.site.id, event.user, event.name, event.properties, event.session, event.at, day, hour,
            int(event.trusted),
        )  # fmt: skip
        return f"event:{event.name}", Act(event.at, "event", event.name, "")


class _Building:
    """A batch in the making."""

    def __init__(self, planner: Planner, now: int) -> None:
        self._planner = planner
        self._now = now
        self._sites: dict[str, _SiteBatch] = {}
        self._ids: dict[int, None] = {}  # a set that keeps its order
        self._duplicates = 0

    def site(self, site: str) -> _SiteBatch:
        return self._sites.get(site) or self._sites.setdefault(site, _SiteBatch(self._planner, site))

    def is_new(self, dedup: int, seen: frozenset[int]) -> bool:
        if dedup in seen or dedup in self._ids:
            self._duplicates += 1
            return False
        self._ids[dedup] = None
        return True

    def finish(self, span: Span) -> Batch:
        partition = PartitionKeys(span.partition)
        generation = self._now // DAY_MS
        today = partition.dedup(generation)
        ids: list[int | str] = []
        for dedup in self._ids:
            ids += (dedup % DEDUP_BUCKETS, str(dedup))
        sites = list(self._sites.values())
        sections = (
            span.journal,
            span.previous,
            span.last,
            keys.TTL_DEDUP,
            ids,
            _streams(partition, sites),
            [section for site in sites for section in _sums(site)],
            [section for site in sites for section in _users(site)],
            [section for site in sites for section in _boards(site)],
            [section for site in sites for section in _trails(site)],
            [section for site in sites for section in _steps(site)],
            [section for site in sites for section in _activity(site)],
            (
                keys.TTL_VISITS,
                keys.TTL_DAYS,
                keys.TTL_MINUTES,
                [group for site in sites for group in _visits(site, self._now)],
            ),
        )
        return Batch(
            keys=(
                partition.fences,
                today,
                partition.dedup(generation - 1),
                partition.dedup(generation + 1),
                partition.absent,
            ),
            sections=_encoder.encode(sections),
            ids=tuple(self._ids),
            events=sum(site.events for site in sites),
            duplicates=self._duplicates,
        )


Section = tuple[Any, ...]


def _streams(partition: PartitionKeys, sites: list[_SiteBatch]) -> list[Section]:
    found = []
    for stream, fields in FIELDS.items():
        rows = [value for site in sites for value in site.rows.get(stream, ())]
        if rows:
            found.append((partition.stream(stream), keys.STREAM_CAP[stream], fields, rows))
    return found


def _sums(site: _SiteBatch) -> Iterable[Section]:
    hours: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    minutes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for minute in site.minutes.values():
        at = minute.bucket
        for metric, count in minute.counts.items():
            day = hours[site.keys.count(metric, at.day)]
            day["total"] += count
            day[str(at.hour)] += count
            minutes[site.keys.minutes(metric, at.day)][str(at.minute)] += count
        for currency, minor in minute.revenue.items():
            day = hours[site.keys.revenue(at.day)]
            day[currency] += minor
            day[f"{currency}:{at.hour}"] += minor
            minutes[site.keys.revenue_minutes(at.day)][f"{currency}:{at.minute}"] += minor
    for sums, ttl in ((hours, keys.TTL_DAYS), (minutes, keys.TTL_MINUTES)):
        for key, fields in sums.items():
            yield key, ttl, _flat(fields)


def _users(site: _SiteBatch) -> Iterable[Section]:
    """A minute of many users is added once and merged into its hour and day; of few, added to all three."""
    few: dict[tuple[str, int], set[str]] = defaultdict(set)
    for minute in site.minutes.values():
        at = minute.bucket
        everyone: set[str] = set().union(*minute.users.values())
        for metric, users in (*minute.users.items(), ("visitors", everyone)):
            within = (site.keys.users_minute(metric, at.minute), keys.TTL_MINUTES)
            hour = (site.keys.users_hour(metric, at.hour), keys.TTL_HOURS)
            day = (site.keys.users_day(metric, at.day), keys.TTL_DAYS)
            if len(users) >= MERGE_FROM:
                yield *within, list(users), (*hour, *day)
            else:
                for bucket_ in (within, hour, day):
                    few[bucket_] |= users
        if minute.buyers:
            few[site.keys.buyers(at.day), keys.TTL_DAYS] |= minute.buyers
    for (key, ttl), users in few.items():
        yield key, ttl, list(users), ()


def _boards(site: _SiteBatch) -> Iterable[Section]:
    boards: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for minute in site.minutes.values():
        at = minute.bucket
        for board, scores in minute.boards.items():
            hour = boards[site.keys.top_hour(board, at.hour), keys.TTL_BOARD_HOURS]
            day = boards[site.keys.top_day(board, at.day), keys.TTL_HOURS]
            for member, score in scores.items():
                hour[member] += score
                day[member] += score
    return ((key, ttl, _flat(scores)) for (key, ttl), scores in boards.items())


def _trails(site: _SiteBatch) -> Iterable[Section]:
    return ((site.keys.trail(hour), keys.TTL_HOURS, _raw(b"".join(pieces))) for hour, pieces in site.trails.items())


def _steps(site: _SiteBatch) -> Iterable[Section]:
    for day, names in site.steps.items():
        flat: list[msgspec.Raw | str] = []
        for code, name in names.items():
            flat += (_raw(code.to_bytes(5, "little")), name)
        yield site.keys.steps(day), keys.TTL_HOURS, flat


def _activity(site: _SiteBatch) -> Iterable[Section]:
    for (user, day), lines in site.activity.items():
        yield site.keys.activity(user, day), keys.TTL_ACTIVITY, lines[-keys.ACTIVITY_CAP :]


def _visits(site: _SiteBatch, now: int) -> Iterable[Section]:
    """Bursts (one session's events without a pause), grouped by the slot of their last event, oldest slot first.

    A burst's number of events leaves its signs out, so it may be 0.
    """
    groups: dict[int, list[Section]] = defaultdict(list)
    for session in {**site.visits, **site.signs}:
        times = [(at, 1) for at in site.visits.get(session, ())] + [(at, 0) for at in site.signs.get(session, ())]
        times.sort()
        first = last = times[0][0]
        events = 0
        for at, done in times:
            if at - last > IDLE_MS:
                groups[last // SLOT_MS].append((session, first, last, events))
                first, events = at, 0
            last, events = at, events + done
        groups[last // SLOT_MS].append((session, first, last, events))
    stems = site.keys.count("", "").removesuffix(":"), site.keys.minutes("", "").removesuffix(":")
    for slot in sorted(groups):
        # A session that this burst goes on with was last seen at most one slot before its first event, or, where the
        # burst is late, one slot after its last.
        lowest = min(first for _, first, _, _ in groups[slot]) // SLOT_MS - 1
        highest = min(slot + 1, max(slot, now // SLOT_MS))
        slots = [site.keys.visits(number) for number in range(lowest, highest + 1)]
        bursts: list[str | int] = []
        for session, first, last, events in groups[slot]:
            began = bucket(site.site.tz, first)
            bursts += (session, first, last, events, str(began.minute), str(began.hour), began.day)
        yield *stems, slots, lowest, bursts


@lru_cache(maxsize=32_768)
def page_step(url: str) -> str:
    """The step's name of a page: `page:` and the path of a normalised URL, without its query."""
    path = url[url.index("/", url.index("//") + 2) :]
    return f"page:{path.partition('?')[0]}"


@lru_cache(maxsize=4_096)
def _attributes(agent: Agent, channel: str) -> int:
    return attributes.code(agent.browser, agent.os, agent.device, channel)


def _flat(fields: Mapping[str, int]) -> list[str | int]:
    return [part for pair in fields.items() for part in pair]


def _raw(data: bytes) -> msgspec.Raw:
    """Bytes as a msgpack string: the decoder inside Redis knows no `bin` type, and its strings are bytes."""
    return msgspec.Raw(struct.pack(">BI", 0xDB, len(data)) + data)


_encoder = msgspec.msgpack.Encoder()
