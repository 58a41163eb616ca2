"""Every key in Redis. Nobody else formats one.

`p` is the partition's number, `site` an operator's id, `day` a date of the site's zone, `minute` and `hour` epoch
minutes of their beginnings (`store.buckets`), `user` 16 hex digits of a keyed hash. No visitor's text is in any name.

    key                                        type    TTL    what
    {p}:page_views                             stream  -      seed's fields; about 1 M entries
    {p}:user_events                            stream  -      1 M
    {p}:conversions                            stream  -      500 k
    {p}:errors                                 stream  -      100 k
    {p}:rejected                               stream  -      10 k copies of what was refused
    {p}:dead_letters                           stream  -      10 k entries that a projector could never apply
    {p}:fences                                 hash    -      journal id -> last sequence number applied
    {p}:gaps                                   stream  -      1 k notes of what a journal could not replay
    {p}:absent                                 -       -      never there; a commit names it (`PartitionKeys.absent`)
    {p}:dedup:{generation}                     hash    3 d    level -> ids in it; generation: days since the epoch, UTC
    {p}:dedup:{generation}:{level}:{bucket}    set     3 d    signed 64-bit hashes (named inside functions.lua)
    {p}:{site}:count:{metric}:{day}            hash    400 d  `total`, and one field per hour
    {p}:{site}:minutes:{metric}:{day}          hash    3 d    one field per minute
    {p}:{site}:revenue:{day}                   hash    400 d  currency -> total, `CUR:hour` -> minor units
    {p}:{site}:revenue-minutes:{day}           hash    3 d    `CUR:minute` -> minor units
    {p}:{site}:users:{metric}:m:{minute}       HLL     3 d    distinct users
    {p}:{site}:users:{metric}:h:{hour}         HLL     40 d
    {p}:{site}:users:{metric}:d:{day}          HLL     400 d
    {p}:{site}:buyers:{day}                    HLL     400 d  distinct (user, conversion type)
    {p}:{site}:top:{board}:h:{hour}            zset    2 d    at most 2,000 members
    {p}:{site}:top:{board}:d:{day}             zset    40 d
    {p}:{site}:top:users-{CUR}:h|d:...         zset           users by value, one board a currency
    {p}:{site}:trail:{utc hour}                string  40 d   24 bytes an event (`store.trail`)
    {p}:{site}:steps:{utc day}                 hash    40 d   40-bit step hash -> its name; at most 20,000
    {p}:{site}:visits:{slot}                   hash    3 h    open sessions by the half hour they were last seen in
    {p}:{site}:activity:{user}:{utc day}       list    8 d    what a user did, newest last; at most 500
    {p}:{site}:liked-tags:{user}               zset    40 d   hashtag -> when the user last liked it; newest 200
    {p}:{site}:feed:{user}:{snapshot}          string  10 min ids of the posts in a feed, in the order of its pages

`-` marks the permanent ones (`PERMANENT`): their size is capped instead. TTLs count from the last write.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

DAY_S: Final = 86_400

TTL_DEDUP: Final = 3 * DAY_S  # an id lives 24 h after its generation's last write, and a generation lasts a day
TTL_MINUTES: Final = 3 * DAY_S
TTL_HOURS: Final = 40 * DAY_S
TTL_DAYS: Final = 400 * DAY_S
TTL_BOARD_HOURS: Final = 2 * DAY_S  # `period=24h` is answered from hours, `7d` from days
TTL_VISITS: Final = 3 * 3600  # two slots of half an hour, and time for late events
TTL_ACTIVITY: Final = 8 * DAY_S
TTL_LIKED_TAGS: Final = 40 * DAY_S
TTL_FEED: Final = 600  # longer than one reads on in a feed without beginning it again

ACTIVITY_CAP: Final = 500  # lines a user and day; as in functions.lua
LIKED_TAGS_CAP: Final = 200

PERMANENT: Final = ("page_views", "user_events", "conversions", "errors", "rejected", "dead_letters", "fences", "gaps")

STREAM_OF: Final = {
    "page_view": "page_views",
    "event": "user_events",
    "conversion": "conversions",
    "error": "errors",
}  # fmt: skip
STREAM_CAP: Final = {
    "page_views": 1_000_000,
    "user_events": 1_000_000,
    "conversions": 500_000,
    "errors": 100_000,
    "rejected": 10_000,
    "dead_letters": 10_000,
    "gaps": 1_000,
}


def partition_of(site: str, partitions: int) -> int:
    """Which partition a site belongs to; fixed as long as `partitions` is."""
    return int.from_bytes(blake2b(site.encode(), digest_size=4).digest(), "little") % partitions


class PartitionKeys:
    """What all sites of a partition share. The braces make it one slot of a cluster."""

    def __init__(self, partition: int) -> None:
        self.tag = f"{{p{partition}}}"
        self.fences = f"{self.tag}:fences"
        self.gaps = f"{self.tag}:gaps"
        self.rejected = f"{self.tag}:rejected"
        self.dead_letters = f"{self.tag}:dead_letters"
        # Named by every commit and never written. While a slot moves key by key, a cluster refuses what names a key
        # that is not there: so no commit runs where some of what it writes to may be on the other server.
        self.absent = f"{self.tag}:absent"

    def stream(self, name: str) -> str:
        return f"{self.tag}:{name}"

    def dedup(self, generation: int) -> str:
        return f"{self.tag}:dedup:{generation}"


class SiteKeys:
    """What belongs to one site."""

    def __init__(self, site: str, partitions: int) -> None:
        self.partition = PartitionKeys(partition_of(site, partitions))
        self._stem = f"{self.partition.tag}:{site}"

    def count(self, metric: str, day: str) -> str:
        return f"{self._stem}:count:{metric}:{day}"

    def minutes(self, metric: str, day: str) -> str:
        return f"{self._stem}:minutes:{metric}:{day}"

    def revenue(self, day: str) -> str:
        return f"{self._stem}:revenue:{day}"

    def revenue_minutes(self, day: str) -> str:
        return f"{self._stem}:revenue-minutes:{day}"

    def users_minute(self, metric: str, minute: int) -> str:
        return f"{self._stem}:users:{metric}:m:{minute}"

    def users_hour(self, metric: str, hour: int) -> str:
        return f"{self._stem}:users:{metric}:h:{hour}"

    def users_day(self, metric: str, day: str) -> str:
        return f"{self._stem}:users:{metric}:d:{day}"

    def buyers(self, day: str) -> str:
        return f"{self._stem}:buyers:{day}"

    def top_hour(self, board: str, hour: int) -> str:
        return f"{self._stem}:top:{board}:h:{hour}"

    def top_day(self, board: str, day: str) -> str:
        return f"{self._stem}:top:{board}:d:{day}"

    def trail(self, hour: int) -> str:
        return f"{self._stem}:trail:{hour}"

    def steps(self, utc_day: int) -> str:
        return f"{self._stem}:steps:{utc_day}"

    def visits(self, slot: int) -> str:
        return f"{self._stem}:visits:{slot}"

    def liked_tags(self, user: int) -> str:
        return f"{self._stem}:liked-tags:{user:016x}"

    def feed(self, user: int, snapshot: str) -> str:
        return f"{self._stem}:feed:{user:016x}:{snapshot}"

    def activity(self, user: int, utc_day: int) -> str:
        return f"{self._stem}:activity:{user:016x}:{utc_day}"
