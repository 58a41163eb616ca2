"""What one user did, oldest first.

    GET /v1/users/{user_id}/activity    one round trip: an LRANGE a UTC day, at most eight

A user whom nobody knows did nothing: that is an empty list, not an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import UNSET, Struct, UnsetType
from redis.asyncio import Redis

from query.question import Activity
from query.reading import Command, read
from store.activity import Act, decode
from store.buckets import DAY_MS
from store.identity import Identity
from store.keys import ACTIVITY_CAP, SiteKeys
from store.site import Site

from .quality import iso


class Item(Struct, frozen=True):
    """One event: `timestamp` in epoch ms, and the fields that its type has, under the names they came in with."""

    timestamp: int
    datetime: str
    type: str
    page_url: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    conversion_type: str | UnsetType = UNSET
    value: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    error_type: str | UnsetType = UNSET
    error_message: str | UnsetType = UNSET
    name: str | UnsetType = UNSET


class Quality(Struct, frozen=True):
    """`capped_days`: the UTC days of which only the newest `cap` events or a few more are kept."""

    as_of: str
    exact: bool
    cap: int
    capped_days: list[str]


class History(Struct, frozen=True, rename={"from_": "from"}):
    user_id: str
    timezone: str
    from_: str
    to: str
    items: list[Item]
    cut_off: bool
    quality: Quality


async def answer(redis: Redis, site: Site, keys: SiteKeys, identity: Identity, question: Activity, now: int) -> History:
    user = identity.user(site.id, question.user_id)
    return fold(site, question, await read(redis, commands(keys, user, question)), now)


def commands(keys: SiteKeys, user: int, question: Activity) -> list[Command]:
    return [("LRANGE", keys.activity(user, day), 0, -1) for day in _utc_days(question)]


def fold(site: Site, question: Activity, replies: Sequence[Sequence[bytes]], now: int) -> History:
    acts: list[Act] = []
    capped: list[str] = []
    for day, lines in zip(_utc_days(question), replies, strict=True):
        acts += (decoded := [decode(line) for line in lines])
        # A full list may have lost older lines; they matter only where its oldest is within what is asked for.
        if len(decoded) >= ACTIVITY_CAP and min(act.at for act in decoded) > question.period.start:
            capped.append(datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat())
    period = question.period
    asked = sorted((act for act in acts if period.start <= act.at < period.end), key=lambda act: act.at)
    return History(
        user_id=question.user_id,
        timezone=site.zone,
        from_=iso(site.tz, period.start),
        to=iso(site.tz, period.end),
        items=[_item(site, act) for act in asked],
        cut_off=bool(capped),
        quality=Quality(iso(site.tz, now), not capped, ACTIVITY_CAP, capped),
    )


def _item(site: Site, act: Act) -> Item:
    at = act.at, iso(site.tz, act.at), act.type
    match act.type:
        case "page_view":
            return Item(*at, page_url=act.what, title=act.detail)
        case "conversion":
            value, _, currency = act.detail.partition(" ")
            return Item(*at, conversion_type=act.what, value=value, currency=currency)
        case "error":
            return Item(*at, error_type=act.what, error_message=act.detail)
        case _:
            return Item(*at, name=act.what)


def _utc_days(question: Activity) -> range:
    return range(question.period.start // DAY_MS, (question.period.end - 1) // DAY_MS + 1)
