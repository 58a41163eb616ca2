"""How far an account's word carries: a score, and the three parts that it is the product of.

    reach        ln(1 + followers)
    engagement   1 + (median engagement of its public posts of 30 days) / followers
    quality      sqrt(mean of ln(1 + followers) over its followers), of 1,000 of them where there are more

An account without followers, posts or both has a score all the same. Worked out afresh where that is little work; for
accounts with so many followers that they are sampled, once a night (`renew`). Who may not see what an account publishes
for everyone may not see this, which is made of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import log1p, sqrt
from statistics import fmean, median
from typing import Any, Final

from msgspec import Struct, field

from store.parameters import Asked

from ..database import Database
from ..errors import NotFound
from ..model import Influence, PostStats, document
from ..parameters import VIEWER
from ..schema import BY_ID, FOLLOWERS, FOLLOWS, INFLUENCE, POSTS, POSTS_OF_AUTHOR, USERS
from ..score import engagement
from ..visibility import accounts_of, sees_account, viewer_of

SAMPLE: Final = 1_000
POSTS_LOOKED_AT: Final = 1_000  # the newest: who posts more than that in a month has the same median
SPAN: Final = timedelta(days=30)
NIGHT: Final = timedelta(days=1)
KEPT: Final = 1.5 * NIGHT  # a value is good until well after the next night's


PARAMETERS: Final = (VIEWER,)


class Score(Struct, frozen=True):
    """`score` is the product of the three parts."""

    as_of: datetime
    user_id: str
    score: float
    reach: float
    engagement: float
    quality: float


class _Stats(Struct, frozen=True):
    followers_count: int = 0


class _Followed(Struct, frozen=True):
    id: str = field(name="_id")
    stats: _Stats = _Stats()


class _Follower(Struct, frozen=True):
    follower_id: str


class _Post(Struct, frozen=True):
    stats: PostStats = PostStats()


class _AsOf(Struct, frozen=True):
    as_of: datetime


async def influence(database: Database, user_id: str, asked: Asked, now: datetime) -> Score:
    """Raises `NotFound`."""
    viewer = await viewer_of(database, asked["viewer"], now, towards=[user_id])
    account = (await accounts_of(database, [user_id])).get(user_id)
    if account is None or account.status == "deleted" or not sees_account(viewer, account):
        raise NotFound("user", user_id)
    found = await current(database, user_id, now)
    return Score(found.as_of, user_id, found.score, found.reach, found.engagement, found.quality)


def parts(followers: int, posts: Sequence[int], followers_of: Sequence[int]) -> tuple[float, float, float]:
    """(reach, engagement, quality). posts: the engagement of each. followers_of: of each follower looked at. Pure."""
    reach = log1p(followers)
    rate = 1 + (median(posts) if posts else 0) / max(followers, 1)
    quality = sqrt(fmean(log1p(count) for count in followers_of)) if followers_of else 0.0
    return reach, rate, quality


async def work_out(database: Database, user_id: str, now: datetime) -> Influence:
    user = await database.find_one(_Followed, USERS, {"_id": user_id}, index=BY_ID)
    followers = user.stats.followers_count if user else 0
    recent = {
        "user_id": user_id,
        "status": "published",
        "visibility": "public",
        "created_at": {"$gt": now - SPAN, "$lte": now},
    }
    newest = (("created_at", -1), ("_id", -1))
    posts = await database.find(_Post, POSTS, recent, index=POSTS_OF_AUTHOR, sort=newest, limit=POSTS_LOOKED_AT)
    pipeline: list[dict[str, Any]] = [{"$match": {"following_id": user_id, "status": "accepted"}}]
    if followers > SAMPLE:
        pipeline.append({"$sample": {"size": SAMPLE}})
    pipeline += [{"$limit": SAMPLE}, {"$project": {"_id": 0, "follower_id": 1}}]
    ids = [row.follower_id for row in await database.aggregate(_Follower, FOLLOWS, pipeline, index=FOLLOWERS)]
    found = await database.find(_Followed, USERS, {"_id": {"$in": ids}}, index=BY_ID) if ids else []
    reach, rate, quality = parts(
        followers, [engagement(post.stats) for post in posts], [each.stats.followers_count for each in found]
    )
    return Influence(user_id, now, reach * rate * quality, reach, rate, quality)


async def current(database: Database, user_id: str, now: datetime) -> Influence:
    """Last night's where there is one."""
    kept = await database.find_one(Influence, INFLUENCE, {"_id": user_id}, index=BY_ID)
    if kept and abs(now - kept.as_of) < KEPT:
        return kept
    return await work_out(database, user_id, now)


async def renew(database: Database, now: datetime) -> None:
    """Once a night: works out anew what is kept of accounts with many followers."""
    newest = await database.find(_AsOf, INFLUENCE, {}, index=BY_ID, sort=(("as_of", -1),), limit=1)
    if newest and abs(now - newest[0].as_of) < NIGHT:
        return
    many = {"stats.followers_count": {"$gt": SAMPLE}}
    async with database.working():
        ids = [row.id for row in await database.find(_Followed, USERS, many, index=BY_ID)]
    for id_ in ids:
        worked_out = await work_out(database, id_, now)
        async with database.working() as handle:
            await handle[INFLUENCE.name].replace_one({"_id": id_}, document(worked_out), upsert=True)
