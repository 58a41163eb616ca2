"""The projector against real servers: compared with a plain model of what was sent."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from social import writing
from social.actions import position
from social.database import Database, Handle
from social.metrics import Metrics
from social.projector import GROUP
from social.recount import recount
from social.writing import Writer
from store.consumer import StreamEntry, Unavailable
from store.identity import Identity
from store.keys import PartitionKeys, SiteKeys
from tests.social.acting import KEY, SITE, act, drained, project, projecting, projector, send, time_of
from tests.social.tally import Tally, figures, random_events


@pytest.fixture(params=["transactions", "plans"])
async def network(database: Database, request: pytest.FixtureRequest) -> Database:
    """A network on a server with transactions, and on one without."""
    found = await database.capabilities()
    database._capabilities = replace(found, transactions=found.transactions and request.param == "transactions")
    return database


@pytest.mark.parametrize("seed", range(2))
async def test_agrees_with_a_plain_model(network: Database, redis: Any, seed: int) -> None:
    random = Random(seed)
    events = random_events(random, 400)
    await project(network, redis, *events, batch=random.choice([13, 100, 500]))
    assert await figures(network) == Tally(events).figures()
    assert (await recount(network, time_of())).sound


async def test_entries_that_are_given_again_change_nothing(network: Database, redis: Any) -> None:
    events = random_events(Random(7), 80)
    ids = await send(redis, *events)
    entries = [StreamEntry(id_, fields) for id_, fields in zip(ids, events, strict=True)]
    for some in (entries[:60], entries[40:], entries):
        await projector(network, redis).apply(some)  # each time another process, which remembers nothing
    assert await figures(network) == Tally(events).figures()


async def test_events_that_are_sent_again_change_nothing(database: Database, redis: Any) -> None:
    events = [
        act("ada", "follow", target_id="bob"), act("ada", "post", post_id="p"), act("bob", "like", post_id="p"),
        act("bob", "comment", comment_id="c", post_id="p"), act("bob", "share", post_id="p"),
    ]  # fmt: skip
    await project(database, redis, *events, *events)
    async with database.working() as handle:
        post = await handle.posts.find_one({"_id": "p"})
        told = await handle.notifications.find().to_list()
    assert post
    assert post["stats"] == {"likes_count": 1, "comments_count": 1, "shares_count": 1, "views_count": 0}
    assert sorted(one["type"] for one in told) == ["comment", "follow", "like", "share"]


async def test_what_the_group_gives_to_others_is_done_in_order(database: Database, redis: Any) -> None:
    """Of three events the group gives the last to this projector: what comes before is not left for later."""
    events = [act("ada", "follow", target_id="bob"), act("ada", "unfollow", target_id="bob"),
              act("ada", "follow", target_id="bob", at=time_ms(5))]  # fmt: skip
    ids = await send(redis, *events)
    await projector(database, redis).apply([StreamEntry(ids[2], events[2])])
    await projector(database, redis).apply([StreamEntry(ids[0], events[0]), StreamEntry(ids[1], events[1])])
    async with database.working() as handle:
        (follow,) = await handle.follows.find().to_list()
    assert follow["created_at"] == time_of(time_ms(5))


def time_ms(seconds: int) -> int:
    return 1_790_000_000_000 + seconds * 1000


async def test_two_projectors_at_once(database: Database, redis: Any) -> None:
    events = random_events(Random(11), 80)
    await send(redis, *events)
    async with projecting(database, redis, name="a", batch=7), projecting(database, redis, name="b", batch=11):
        pass
    assert await drained(redis)
    assert await figures(database) == Tally(events).figures()


async def test_a_transaction_that_a_killed_projector_left_open_is_ended(database: Database, redis: Any) -> None:
    """It holds the position; the server would end it after a minute."""
    events = [act("ada", "post", post_id="p"), act("bob", "like", post_id="p")]
    ids = await send(redis, *events)
    killed = Writer(database)
    assert await killed.position() == 0
    session = killed._session
    if session is None:
        pytest.skip("the server has no transactions")
    await session.start_transaction()
    async with database.working() as handle:
        await handle.progress.update_one({}, {"$set": {"position": 1}}, session=session)
    await projector(database, redis).apply([StreamEntry(ids[1], events[1])])
    await session.end_session()
    assert await figures(database) == Tally(events).figures()


@pytest.mark.parametrize("cut", [0, 1, 3, 99])
async def test_a_plan_that_was_cut_off_is_carried_out(
    database: Database, redis: Any, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """After the first `cut` collections, on a server without transactions."""
    database._capabilities = replace(await database.capabilities(), transactions=False)
    before, events = random_events(Random(17), 60), random_events(Random(18), 60)
    await project(database, redis, *before)

    async def carry_out_in_part(_: Writer, handle: Handle, plan: dict[str, Any], until: int) -> None:
        for name, operations in list(writing._operations(plan, until, again=True).items())[:cut]:
            await handle[name].bulk_write(operations)
        raise Unavailable("killed")

    ids = await send(redis, *events)
    entries = [StreamEntry(id_, fields) for id_, fields in zip(ids, events, strict=True)]
    with monkeypatch.context() as patched:
        patched.setattr(Writer, "_carry_out", carry_out_in_part)
        with pytest.raises(Unavailable):
            await projector(database, redis).apply(entries)
    await projector(database, redis).apply(entries)
    assert await figures(database) == Tally(before + events).figures()


async def test_a_database_that_lost_its_tail_or_all_gets_it_again(database: Database, redis: Any) -> None:
    """As after a crash, or a backup restored: the position is as old as the rest."""
    events = random_events(Random(13), 200)
    await project(database, redis, *events)
    async with database.working() as handle:
        for name in await handle.list_collection_names():
            await handle[name].delete_many({})
    later = random_events(Random(14), 20)
    await project(database, redis, *later)
    assert await figures(database) == Tally(events + later).figures()


async def test_bad_events_are_dead_letters_and_stop_nothing(database: Database, redis: Any) -> None:
    metrics = Metrics(registry := CollectorRegistry())
    entries = [
        act("ada", "post", post_id="p"),
        act("ada", "like", post_id=["p"]),
        act("ada", "follow", target_id="ada"),
        act("bob", "post", post_id="p"),
        act("ada", "post", post_id="huge", media=[{"type": "image", "url": "https://x", "size": 2**63}]),
        act("bob", "like", post_id="p"),
    ]
    ids = await send(redis, *entries)
    poisons = await projector(database, redis, metrics).apply(
        [StreamEntry(id_, fields) for id_, fields in zip(ids, entries, strict=True)]
    )
    assert {poison.entry.id: poison.reason for poison in poisons} == {
        ids[1]: "like: Expected `str | null`, got `array` - at `$.post_id`",
        ids[2]: "follow: target_id must be another user than user_id",
        ids[3]: "post: post_id is that of another user's post",
        ids[4]: "MongoDB can only handle up to 8-byte ints",
    }
    assert registry.get_sample_value("hitstream_social_refused_total") == 4
    assert registry.get_sample_value("hitstream_social_actions_total", {"name": "like"}) == 1
    assert (await figures(database))["posts"]["p"]["likes_count"] == 1


async def test_a_refused_event_is_a_dead_letter_with_its_reason(database: Database, redis: Any) -> None:
    await project(database, redis, act("ada", "share", post_id=["p"]))
    ((_, letter),) = await redis.xrange(PartitionKeys(0).dead_letters)
    assert letter[b"dead:reason"] == b"share: Expected `str`, got `array` - at `$.post_id`"
    assert letter[b"dead:group"] == GROUP.encode()


async def test_what_a_browser_sends_and_what_others_send_makes_no_edge(database: Database, redis: Any) -> None:
    await project(
        database, redis,
        act("eve", "follow", target_id="bob") | {"trusted": "0"},
        act("eve", "follow", target_id="bob") | {"site": "other"},
        act("eve", "signup"),
    )  # fmt: skip
    found = await figures(database)
    assert not found["users"]
    assert not await redis.xlen(PartitionKeys(0).dead_letters)


async def test_what_came_too_early_waits_for_what_it_is_about(database: Database, redis: Any) -> None:
    await project(database, redis, act("bob", "like", comment_id="c"), act("eve", "like", post_id="p"))
    async with database.working() as handle:
        assert {row["needs"] for row in await handle.waiting.find().to_list()} == {"comment:c", "post:p"}
    await project(database, redis, act("bob", "unlike", comment_id="c"), act("cyd", "like", comment_id="c"),
                  act("bob", "comment", comment_id="c", post_id="p"))  # fmt: skip
    await project(database, redis, act("ada", "post", post_id="p"))
    assert (await figures(database))["likes"] == {("cyd", "comment", "c"), ("eve", "post", "p")}
    async with database.working() as handle:
        assert not await handle.waiting.count_documents({})


async def test_the_hashtags_that_one_likes_are_noted(database: Database, redis: Any) -> None:
    await project(
        database, redis, act("ada", "post", post_id="p", text="#Rust and #go"), act("bob", "like", post_id="p")
    )
    key = SiteKeys(SITE, 1).liked_tags(Identity(b"0123456789abcdef").user(SITE, "bob"))
    assert await redis.zrange(key, 0, -1) == [b"go", b"rust"]


async def test_the_position_is_that_of_the_last_event(network: Database, redis: Any) -> None:
    *_, last = await send(redis, act("ada", "post", post_id="p"), act("ada", "post", post_id="q"))
    async with projecting(network, redis):
        pass
    async with network.working() as handle:
        assert await handle.progress.find_one({}, {"session": 0}) == {"_id": "events", "position": position(last)}
    assert await redis.exists(KEY)


async def test_a_document_that_the_server_refuses_spoils_no_other(database: Database, redis: Any) -> None:
    """By an index that somebody has made, of which no effect knows."""
    async with database.working() as handle:
        await handle.users.create_index("profile.bio", unique=True, sparse=True, name="by_hand")
    try:
        entries = [act(who, "profile", bio=bio) for who, bio in (("ada", "x"), ("bob", "x"), ("cyd", "y"))]
        ids = await send(redis, *entries)
        (poison,) = await projector(database, redis).apply(
            [StreamEntry(id_, fields) for id_, fields in zip(ids, entries, strict=True)]
        )
        assert poison.entry.id == ids[1]
        assert "by_hand" in poison.reason
        assert set((await figures(database))["users"]) == {"ada", "cyd"}
    finally:
        async with database.working() as handle:
            await handle.users.drop_index("by_hand")
