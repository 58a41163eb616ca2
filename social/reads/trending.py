"""Hashtags that more accounts use than before: by how much, over the last hours against as many hours before those.

    score = (observed - expected)² / expected          Pearson's, of one cell

observed: accounts that posted the tag within the hours; expected: those of the hours before, or one where there were
none, so that one account alone makes no trend. A tag that as many used before has no score, however large it is. Only
public posts of active accounts that are not private count.

Worked out from the posts by one aggregation that groups twice (tag and account, then tag), so that no set of accounts
is held. For the usual spans it is done every so often ahead of time (`renew`) and the answer says as of when.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct, field

from store.parameters import Asked, Parameter

from ..database import WORK_S, Database
from ..model import Trend, Trends, document
from ..schema import BY_ID, POSTS, POSTS_OF_TIME, TRENDS
from ..score import COMMENT, LIKE, SHARE

MAX_HOURS: Final = 7 * 24
MAX_TRENDS: Final = 100
PARAMETERS: Final = (
    Parameter("hours", "How many hours to look at, against as many before.", "whole", default=24, high=MAX_HOURS),
    Parameter("limit", "How many hashtags at most.", "whole", default=20, high=MAX_TRENDS),
)

RENEWED: Final = {1: timedelta(minutes=1), 24: timedelta(minutes=1), MAX_HOURS: timedelta(minutes=10)}
"""Hours -> how often they are worked out ahead of time. A value counts for twice as long."""

ASK_S: Final = 10.0  # for a span that is not renewed: half a million posts are looked at in that time


class Trending(Struct, frozen=True):
    as_of: datetime
    hours: int
    hashtags: Sequence[Trend]


class _Found(Struct, frozen=True):
    tag: str = field(name="_id")
    users: int
    expected: int
    posts: int
    engagement: int
    score: float


async def trending(database: Database, asked: Asked, now: datetime) -> Trending:
    hours, limit = asked["hours"], asked["limit"]
    if hours in RENEWED:
        kept = await database.find_one(Trends, TRENDS, {"_id": hours}, index=BY_ID)
        if kept and abs(now - kept.as_of) < 2 * RENEWED[hours]:
            return Trending(kept.as_of, hours, kept.hashtags[:limit])
    return Trending(now, hours, await work_out(database, now, hours, limit, ASK_S))


async def work_out(database: Database, now: datetime, hours: int, limit: int, seconds: float = WORK_S) -> list[Trend]:
    """The best `limit`, the best first; of the same score those of more accounts, then by name."""
    async with database.working(seconds):
        found = await database.aggregate(_Found, POSTS, _pipeline(now, hours, limit), index=POSTS_OF_TIME)
    return [
        Trend(
            hashtag=row.tag,
            score=round(row.score, 4),
            user_count=row.users,
            expected_users=row.expected,
            post_count=row.posts,
            average_engagement=round(row.engagement / row.posts, 2),
        )
        for row in found
    ]


async def renew(database: Database, now: datetime) -> None:
    """Works out those spans anew whose time has come."""
    kept = await database.find(Trends, TRENDS, {"_id": {"$in": list(RENEWED)}}, index=BY_ID)
    as_of = {trends.hours: trends.as_of for trends in kept}
    for hours, every in RENEWED.items():
        if hours in as_of and abs(now - as_of[hours]) < every:
            continue
        trends = Trends(hours, now, await work_out(database, now, hours, MAX_TRENDS))
        async with database.working() as handle:
            await handle[TRENDS.name].replace_one({"_id": hours}, document(trends), upsert=True)


def _pipeline(now: datetime, hours: int, limit: int) -> list[dict[str, Any]]:
    since = now - timedelta(hours=hours)
    recent = {"$gt": ["$created_at", since]}
    weights = {"likes_count": LIKE, "comments_count": COMMENT, "shares_count": SHARE}
    engagement = {"$add": [{"$multiply": [f"$stats.{name}", weight]} for name, weight in weights.items()]}
    return [
        {
            "$match": {
                "status": "published",
                "visibility": "public",
                "created_at": {"$gt": since - timedelta(hours=hours), "$lte": now},
            }
        },
        {"$unwind": "$hashtags"},
        {
            "$group": {
                "_id": {"tag": "$hashtags", "user": "$user_id"},
                "posts": {"$sum": {"$cond": [recent, 1, 0]}},
                "before": {"$sum": {"$cond": [recent, 0, 1]}},
                "engagement": {"$sum": {"$cond": [recent, engagement, 0]}},
            }
        },
        {"$lookup": {"from": "users", "localField": "_id.user", "foreignField": "_id", "as": "account"}},
        {"$match": {"account.status": "active", "account.preferences.private_account": False}},
        {
            "$group": {
                "_id": "$_id.tag",
                "users": {"$sum": {"$min": ["$posts", 1]}},
                "before": {"$sum": {"$min": ["$before", 1]}},
                "posts": {"$sum": "$posts"},
                "engagement": {"$sum": "$engagement"},
            }
        },
        {"$set": {"expected": {"$max": ["$before", 1]}}},
        {"$match": {"$expr": {"$gt": ["$users", "$expected"]}}},
        {"$set": {"score": {"$divide": [{"$pow": [{"$subtract": ["$users", "$expected"]}, 2]}, "$expected"]}}},
        {"$sort": {"score": -1, "users": -1, "_id": 1}},
        {"$limit": limit},
        {"$project": {"users": 1, "expected": 1, "posts": 1, "engagement": 1, "score": 1}},
    ]
