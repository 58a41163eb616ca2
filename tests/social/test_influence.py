"""Influence: three parts and their product, never null, and last night's where followers are many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isclose, log, sqrt

import pytest

from social.database import Database
from social.model import Follow, Post, PostStats, User, UserStats, document
from social.reads import influence
from social.reads.influence import current, parts, renew, work_out

NOW = datetime(2025, 1, 13, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("followers", "posts", "followers_of", "want"),
    [
        (0, [], [], (0, 1, 0)),
        (0, [5], [], (0, 6, 0)),  # nobody follows, and somebody likes: no division by zero
        (3, [], [0, 0, 0], (log(4), 1, 0)),
        (2, [1, 100, 2], [1, 7], (log(3), 2, sqrt((log(2) + log(8)) / 2))),
        (10**6, [10**6], [10**6], (log(10**6 + 1), 2, sqrt(log(10**6 + 1)))),
    ],
)
def test_parts(followers: int, posts: Sequence[int], followers_of: Sequence[int], want: tuple[float, ...]) -> None:
    assert parts(followers, posts, followers_of) == pytest.approx(want)


async def furnish(database: Database, followers: Sequence[int], posts: Sequence[Post] = ()) -> None:
    """A star, and who follows it: each with so many followers."""
    fans = [User(f"fan{at}", NOW, NOW, stats=UserStats(count)) for at, count in enumerate(followers)]
    star = User("star", NOW, NOW, stats=UserStats(len(fans)))
    async with database.working() as handle:
        await handle["users"].insert_many([document(user) for user in (star, *fans)])
        if fans:
            await handle["follows"].insert_many([document(Follow(fan.id, "star", NOW)) for fan in fans])
        if posts:
            await handle["posts"].insert_many([document(post) for post in posts])


def post(id_: str, likes: int, age: timedelta = DAY, **fields: str) -> Post:
    return Post(id_, "star", NOW - age, NOW, stats=PostStats(likes_count=likes), **fields)  # type: ignore[arg-type]


async def test_looks_at_what_is_published_in_thirty_days(database: Database) -> None:
    posts = [
        post("a", 1), post("b", 2), post("c", 4),
        post("old", 1000, 31 * DAY), post("later", 1000, -DAY), post("draft", 1000, status="draft"),
        post("gone", 1000, status="deleted"), post("secret", 1000, visibility="private"),
        post("for few", 1000, visibility="followers_only"),
    ]  # fmt: skip
    await furnish(database, [0, 3], posts)
    found = await work_out(database, "star", NOW)
    assert (found.reach, found.engagement) == pytest.approx((log(3), 1 + 6 / 2))
    assert found.quality == pytest.approx(sqrt(log(4) / 2))
    assert found.score == pytest.approx(found.reach * found.engagement * found.quality)


async def test_those_who_only_ask_to_follow_are_no_followers(database: Database) -> None:
    await furnish(database, [100])
    async with database.working() as handle:
        await handle["follows"].update_many({}, {"$set": {"status": "pending"}})
    assert (await work_out(database, "star", NOW)).quality == 0


async def test_many_followers_are_sampled_and_worked_out_once_a_night(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influence, "SAMPLE", 10)
    await furnish(database, [7] * 25)
    fresh = await work_out(database, "star", NOW)
    assert isclose(fresh.quality, sqrt(log(8)))

    await renew(database, NOW)
    async with database.working() as handle:
        await handle["users"].update_many({}, {"$set": {"stats.followers_count": 0}})
        assert [each["_id"] async for each in handle["influence"].find()] == ["star"]
    assert await current(database, "star", NOW + DAY) == fresh
    assert (await current(database, "star", NOW + 2 * DAY)).score == 0  # a night was missed
    assert (await current(database, "fan0", NOW)).score == 0  # of the others nothing is kept
