"""From what users do to what is ranked: the projector's writing and the rankings' reading agree."""

from __future__ import annotations

from datetime import timedelta

from redis.asyncio import Redis

from social.database import Database
from social.reads import feed, influence, trending
from social.reads.feed import PARAMETERS
from social.snapshots import Snapshots
from store.identity import Identity
from store.parameters import Asked
from tests.social.acting import BEGIN, SITE, act, project, time_of

NOW = time_of(BEGIN) + timedelta(minutes=1)


async def feed_of(database: Database, redis: Redis, user: str) -> list[str]:
    snapshots = Snapshots(redis, Identity(b"0123456789abcdef"), SITE, 1)
    answer = await feed.feed(database, snapshots, user, Asked("feed", PARAMETERS, {}), NOW)
    return [post.id for post in answer.posts]


async def test_likes_lift_a_post_and_make_an_interest_of_its_hashtags(database: Database, redis: Redis) -> None:
    hour = 3_600_000
    await project(
        database, redis, act("ann", "post", at=BEGIN - 2 * hour, post_id="1", text="the Sea"),
        act("ann", "post", at=BEGIN - 3 * hour, post_id="2", text="a cup of #TEA"),
        act("ann", "post", at=BEGIN - 4 * hour, post_id="3", text="the mountains"),
        act("bob", "post", post_id="other", text="more #tea"),
        *(act(user, "follow", target_id="ann") for user in ("eve", "fay")),
    )  # fmt: skip
    assert await feed_of(database, redis, "eve") == ["1", "2", "3"]
    await project(database, redis, act("eve", "like", post_id="other"))
    assert await feed_of(database, redis, "eve") == ["2", "1", "3"]
    assert await feed_of(database, redis, "fay") == ["1", "2", "3"]
    await project(database, redis, *(act(user, "like", post_id="3") for user in ("bob", "cyd")))
    assert await feed_of(database, redis, "fay") == ["3", "1", "2"]
    await project(database, redis, act("eve", "mute", target_id="ann"), act("fay", "unfollow", target_id="ann"))
    assert await feed_of(database, redis, "eve") == await feed_of(database, redis, "fay") == []


async def test_a_hashtag_is_one_in_any_case(database: Database, redis: Redis) -> None:
    await project(
        database, redis, act("ann", "post", post_id="1", text="#Tea #TEA"),
        act("bob", "post", post_id="2", text="#tea"),
        act("cyd", "post", post_id="3", hashtags=["ＴＥＡ"]),
        act("ann", "like", post_id="3"),
    )  # fmt: skip
    (trend,) = await trending.work_out(database, NOW, 24, 10)
    assert (trend.hashtag, trend.user_count, trend.post_count, trend.average_engagement) == ("tea", 3, 3, 1)
    await project(database, redis, act("bob", "profile", private_account=True), act("cyd", "delete_post", post_id="3"))
    assert await trending.work_out(database, NOW, 24, 10) == []


async def test_influence_grows_with_followers_and_what_they_do(database: Database, redis: Redis) -> None:
    async def score() -> float:
        return (await influence.work_out(database, "ann", NOW)).score

    await project(database, redis, act("ann", "post", post_id="1", text="hello"))
    assert await score() == 0
    await project(database, redis, act("bob", "follow", target_id="ann"), act("cyd", "follow", target_id="bob"))
    followed = await score()
    assert followed > 0
    await project(database, redis, act("bob", "share", post_id="1"))
    assert await score() > followed
    await project(database, redis, act("bob", "unshare", post_id="1"), act("bob", "unfollow", target_id="ann"))
    assert await score() == 0
