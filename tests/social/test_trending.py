"""Trends: what rose, not what is large, told by accounts and not by posts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from social.database import Database
from social.model import Post, PostStats, Preferences, Trends, User, document
from social.reads.trending import PARAMETERS, renew, trending, work_out
from social.schema import BY_ID, TRENDS
from store.parameters import Asked

NOW = datetime(2025, 1, 13, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)

Uses = list[tuple[str, str, int]]  # (tag, account, hours ago)


async def use(database: Database, uses: Uses, **fields: object) -> None:
    """A post each, and the accounts that they are by; `fields` are of the posts."""
    accounts = sorted({account for _, account, _ in uses})
    posts = [
        {**document(Post(f"{at}", account, NOW - hours * HOUR, NOW, hashtags=(tag,))), **fields}
        for at, (tag, account, hours) in enumerate(uses)
    ]
    async with database.working() as handle:
        await handle["users"].insert_many([document(User(account, NOW, NOW)) for account in accounts])
        await handle["posts"].insert_many(posts)


async def trends(database: Database, hours: int = 24) -> list[tuple[str, float, int, int]]:
    found = await work_out(database, NOW, hours, 10)
    return [(each.hashtag, each.score, each.user_count, each.expected_users) for each in found]


def by(count: int, tag: str, hours: int, first: int = 0) -> Uses:
    return [(tag, f"u{at}", hours) for at in range(first, first + count)]


@pytest.mark.parametrize(
    ("uses", "want"),
    [
        ([], []),
        (by(1, "alone", 1), []),
        (by(1, "again", 1) * 5, []),  # one account, however often
        (by(3, "new", 1), [("new", 4.0, 3, 1)]),
        ([*by(4, "evergreen", 1), *by(4, "evergreen", 30)], []),
        ([*by(2, "falling", 1), *by(4, "falling", 30)], []),
        ([*by(4, "rising", 1), *by(2, "rising", 30)], [("rising", 2.0, 4, 2)]),
        ([*by(6, "large", 1), *by(4, "large", 30), *by(3, "new", 1)], [("new", 4.0, 3, 1), ("large", 1.0, 6, 4)]),
        ([*by(2, "b", 1), *by(2, "a", 1)], [("a", 1.0, 2, 1), ("b", 1.0, 2, 1)]),
        (by(3, "tomorrow", -1), []),
        ([*by(3, "edge", 0), *by(5, "edge", 24), *by(7, "edge", 48)], []),  # 24 h ago is before, 48 h ago is not
        ([*by(9, "edge", 0), *by(3, "edge", 24), *by(9, "edge", 48)], [("edge", 12.0, 9, 3)]),
    ],
)
async def test_scores(database: Database, uses: Uses, want: list[tuple[str, float, int, int]]) -> None:
    if uses:
        await use(database, uses)
    assert await trends(database) == want


async def test_tells_posts_and_their_average_engagement(database: Database) -> None:
    stats = document(PostStats(likes_count=1, comments_count=2, shares_count=3, views_count=1000))
    await use(database, [*by(3, "tea", 1), *by(1, "tea", 2), *by(1, "tea", 30)], stats=stats)
    (trend,) = await work_out(database, NOW, 24, 10)
    assert (trend.user_count, trend.post_count, trend.average_engagement) == (3, 4, 3 + 10 + 24)


@pytest.mark.parametrize(
    "hidden",
    [
        {"status": "suspended"},
        {"status": "deleted"},
        {"preferences": document(Preferences(private_account=True))},
    ],
)
async def test_only_active_accounts_that_are_not_private_count(database: Database, hidden: dict[str, object]) -> None:
    await use(database, [*by(3, "tea", 1), *by(2, "sea", 1, first=1)])
    async with database.working() as handle:
        await handle["users"].update_one({"_id": "u2"}, {"$set": hidden})
    assert await trends(database) == [("tea", 1.0, 2, 1)]


@pytest.mark.parametrize("fields", [{"status": "draft"}, {"status": "deleted"}, {"visibility": "followers_only"}])
async def test_only_public_posts_count(database: Database, fields: dict[str, object]) -> None:
    await use(database, by(3, "tea", 1), **fields)
    assert await trends(database) == []


async def test_is_worked_out_ahead_of_time_and_again_when_that_is_old(database: Database) -> None:
    async def kept() -> tuple[datetime, list[str]]:
        row = await database.find_one(Trends, TRENDS, {"_id": 24}, index=BY_ID)
        assert row
        return row.as_of, [trend.hashtag for trend in row.hashtags]

    await use(database, by(3, "tea", 1))
    await renew(database, NOW)
    assert await kept() == (NOW, ["tea"])
    async with database.working() as handle:
        await handle["posts"].delete_many({})
    await renew(database, NOW + timedelta(seconds=59))
    assert await kept() == (NOW, ["tea"])
    await renew(database, NOW + timedelta(seconds=60))
    assert await kept() == (NOW + timedelta(seconds=60), [])


async def test_is_answered_from_what_was_worked_out_for_twice_as_long(database: Database) -> None:
    async def ask(later: int, **parameters: str) -> tuple[datetime, list[str]]:
        answer = await trending(database, Asked("trending", PARAMETERS, parameters), NOW + timedelta(seconds=later))
        return answer.as_of, [trend.hashtag for trend in answer.hashtags]

    await use(database, [*by(3, "tea", 1), *by(4, "sea", 1)])
    await renew(database, NOW)
    async with database.working() as handle:
        await handle["posts"].delete_many({})
    assert await ask(119) == (NOW, ["sea", "tea"])
    assert await ask(119, limit="1") == (NOW, ["sea"])
    assert await ask(119, hours="23") == (NOW + timedelta(seconds=119), [])  # of that span nothing is kept
    assert await ask(120) == (NOW + timedelta(seconds=120), [])
    assert await ask(1_199, hours="168") == (NOW, ["sea", "tea"])
