"""The recount finds what was put wrong by hand, says what should be there, and puts it right."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from social.database import Database
from social.metrics import Metrics
from social.recount import recount
from tests.social.acting import act, project, projecting, send, time_of
from tests.social.tally import Tally, figures, random_events

POLL = {"question": "?", "options": ["a", "b"]}
STORY = [
    act("ada", "post", post_id="p", poll=POLL),
    act("bob", "follow", target_id="ada"),
    act("bob", "like", post_id="p"),
    act("bob", "share", post_id="p"),
    act("bob", "comment", comment_id="c", post_id="p"),
    act("ada", "comment", comment_id="d", post_id="p", parent_id="c"),
    act("ada", "like", comment_id="c"),
    act("bob", "poll_vote", post_id="p", options=[1]),
]

# what is put wrong: collection, _id, path, to what -> the check, and what it says
WRONG = [
    ("users", "ada", "stats.followers_count", 7, "users.followers_count",
     "ada: stats.followers_count is 7, should be 1"),
    ("users", "bob", "stats.following_count", 0, "users.following_count",
     "bob: stats.following_count is 0, should be 1"),
    ("users", "ada", "stats.posts_count", 3, "users.posts_count", "ada: stats.posts_count is 3, should be 1"),
    ("users", "bob", "stats.likes_count", 9, "users.likes_count", "bob: stats.likes_count is 9, should be 1"),
    ("posts", "p", "stats.likes_count", 0, "posts.likes_count", "p: stats.likes_count is 0, should be 1"),
    ("posts", "p", "stats.comments_count", 1, "posts.comments_count", "p: stats.comments_count is 1, should be 2"),
    ("posts", "p", "stats.shares_count", 2, "posts.shares_count", "p: stats.shares_count is 2, should be 1"),
    ("posts", "p", "content.poll.options.1.votes", 5, "posts.votes",
     "p: content.poll.options.1.votes is 5, should be 1"),
    ("posts", "p", "content.poll.total_votes", 0, "posts.votes", "p: content.poll.total_votes is 0, should be 1"),
    ("comments", "c", "stats.likes_count", 4, "comments.likes_count", "c: stats.likes_count is 4, should be 1"),
    ("comments", "c", "stats.replies_count", 0, "comments.replies_count",
     "c: stats.replies_count is 0, should be 1"),
]  # fmt: skip


async def _put(database: Database, collection: str, id_: str, path: str, value: int) -> None:
    async with database.working() as handle:
        put = await handle[collection].update_one({"_id": id_}, {"$set": {path: value}})
        assert put.matched_count == 1


async def test_each_counter(database: Database, redis: Any) -> None:
    metrics = Metrics(registry := CollectorRegistry())
    await project(database, redis, *STORY)
    right = await figures(database)
    assert (await recount(database, time_of(), metrics=metrics)).sound
    for collection, id_, path, value, check, said in WRONG:
        await _put(database, collection, id_, path, value)
        report = await recount(database, time_of(), metrics=metrics)
        assert {d.counter: d.examples for d in report.drifts if d.documents} == {check: (said,)}, path
        assert not report.sound
        assert registry.get_sample_value("hitstream_social_drift", {"counter": check}) == 1
        report = await recount(database, time_of(), repair=True, metrics=metrics)
        assert {d.counter: d.repaired for d in report.drifts if d.documents} == {check: True}, path
        assert report.sound
        assert registry.get_sample_value("hitstream_social_drift", {"counter": check}) == 0
        assert await figures(database) == right, path


async def test_many_at_once(database: Database, redis: Any) -> None:
    events = random_events(Random(3), 200)
    await project(database, redis, *events)
    async with database.working() as handle:
        for collection in ("users", "posts", "comments"):
            await handle[collection].update_many({}, {"$inc": {"stats.likes_count": 2}})
    report = await recount(database, time_of(), repair=True)
    assert {drift.counter for drift in report.drifts if drift.repaired} == {
        "users.likes_count", "posts.likes_count", "comments.likes_count",
    }  # fmt: skip
    assert await figures(database) == Tally(events).figures()


async def test_what_is_moving_is_no_drift(database: Database, redis: Any) -> None:
    events = random_events(Random(5), 120)
    await send(redis, *events[:50])
    async with projecting(database, redis, batch=5):
        await send(redis, *events[50:])
        for _ in range(5):
            report = await recount(database, time_of(), repair=True)
            assert not [drift for drift in report.drifts if drift.documents]
    assert await figures(database) == Tally(events).figures()


@pytest.mark.parametrize(("days", "late"), [(0.5, 0), (1.5, 1)])
async def test_what_has_waited_for_a_day_is_told(database: Database, redis: Any, days: float, late: int) -> None:
    await project(database, redis, act("bob", "like", post_id="never"))
    async with database.working() as handle:
        (kept,) = await handle.waiting.find().to_list()
    came = (kept["_id"] >> 20) + int(days * 86_400_000)
    report = await recount(database, time_of(came))
    assert {d.counter: (d.documents, d.examples) for d in report.drifts}["waiting"] == (
        late, ("like for post:never",)[:late],
    )  # fmt: skip
