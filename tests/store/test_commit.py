"""What a commit leaves in Redis, that it does so once, and that nothing it meets there stops it half way.

`redis` is typed Any: what the stubs of redis-py say a reply may be depends on settings that they do not know.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from store import trail
from store.activity import decode as decode_act
from store.buckets import DAY_MS, HOUR_MS, MINUTE_MS
from store.commit import DEDUP_BUCKETS, Batch
from store.event import Event
from store.functions import LIBRARY, Applied, Fenced, Functions, Seen
from store.keys import ACTIVITY_CAP, TTL_DEDUP, PartitionKeys, SiteKeys
from store.site import Site
from tests.store.batches import IDENTITY, NOW, Writer, conversion, custom, error, page_view

DAY = "2026-11-23"
KEYS = SiteKeys("demo", 1)
HOUR = str(NOW // HOUR_MS * 60)
OTHER = b"\x00other"


@pytest.fixture
async def writer(redis: Any) -> Writer:
    functions = Functions(redis)
    await functions.load()
    return Writer(functions, Site("demo"), Site("berlin", zone="Europe/Berlin"))


async def test_every_structure_after_one_batch(redis: Any, writer: Writer) -> None:
    url = "https://shop.example/shoes?size=42"
    reply = await writer.send(
        page_view(url=url, source="google.com", referrer="https://google.com/", title="Shoes"),
        page_view(user="bob"),
        conversion(minor=1999),
        conversion(minor=-500, conversion_type="refund", currency="JPY", user="bob"),
        error(),
        custom(name="signup", properties='{"plan":"pro"}'),
    )
    assert reply == Applied(0, ())
    for metric, count in {"page_views": b"2", "conversions": b"2", "errors": b"1", "events": b"1"}.items():
        assert await redis.hgetall(KEYS.count(metric, DAY)) == {b"total": count, HOUR.encode(): count}
        assert await redis.hgetall(KEYS.minutes(metric, DAY)) == {str(NOW // MINUTE_MS).encode(): count}
    assert await redis.hgetall(KEYS.revenue(DAY)) == {
        b"USD": b"1999", f"USD:{HOUR}".encode(): b"1999", b"JPY": b"-500", f"JPY:{HOUR}".encode(): b"-500",
    }  # fmt: skip
    for metric, users in {"visitors": 2, "page_views": 2, "conversions": 2, "errors": 1, "events": 1}.items():
        for key in (
            KEYS.users_minute(metric, NOW // MINUTE_MS),
            KEYS.users_hour(metric, int(HOUR)),
            KEYS.users_day(metric, DAY),
        ):
            assert await redis.pfcount(key) == users
    assert await redis.pfcount(KEYS.buyers(DAY)) == 2
    for board, scores in {
        "pages": {url: 1, "https://shop.example/": 1},
        "referrers": {"google.com": 1, "direct": 1},
        "conversion_types": {"purchase": 1, "refund": 1},
        "error_types": {"TypeError": 1},
        "events": {"signup": 1},
        "users-USD": {"ann": 1999},
        "users-JPY": {"bob": -500},
    }.items():
        for key in (KEYS.top_hour(board, int(HOUR)), KEYS.top_day(board, DAY)):
            assert {m.decode(): s for m, s in await redis.zrange(key, 0, -1, withscores=True)} == scores
    columns = trail.Columns(trail.words(await redis.get(KEYS.trail(NOW // HOUR_MS))), NOW // HOUR_MS)
    assert columns.at.tolist() == [NOW] * 6
    assert columns.value.tolist() == [0, 0, 1999, -500, 0, 0]
    assert columns.money.tolist() == [0, 0, 840, 392, 0, 0]
    steps = await redis.hgetall(KEYS.steps(NOW // DAY_MS))
    assert [steps[step.to_bytes(5, "little")] for step in columns.step.tolist()] == [
        b"page:/shoes", b"page:/", b"conversion:purchase", b"conversion:refund", b"error:TypeError", b"event:signup",
    ]  # fmt: skip
    acts = await redis.lrange(KEYS.activity(IDENTITY.user("demo", "ann"), NOW // DAY_MS), 0, -1)
    assert [(act.type, act.what, act.detail) for act in map(decode_act, acts)] == [
        ("page_view", url, "Shoes"), ("conversion", "purchase", "19.99 USD"),
        ("error", "TypeError", "x is not a function"), ("event", "signup", ""),
    ]  # fmt: skip


async def test_going_on_within_the_site_is_no_referral(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(source="google.com"), page_view(channel="internal"), page_view())
    board = await redis.zrange(KEYS.top_day("referrers", DAY), 0, -1, withscores=True)
    assert sorted(member for member, _ in board) == [b"direct", b"google.com"]
    assert await redis.hget(KEYS.count("referrals", DAY), "total") == b"2"


async def test_the_streams_keep_the_fields_of_the_seed(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(title="Home"), conversion(session="s1"), error(), custom())
    partition = PartitionKeys(0)

    async def entry(stream: str) -> dict[bytes, bytes]:
        ((_, fields),) = await redis.xrange(partition.stream(stream))
        return dict(fields)

    at = str(NOW).encode()
    assert await entry("page_views") == {
        b"site": b"demo", b"user_id": b"ann", b"page_url": b"https://shop.example/", b"referrer": b"",
        b"user_agent": b"chrome/windows/desktop", b"session_id": b"", b"timestamp": at, b"date": DAY.encode(),
        b"hour": b"13", b"title": b"Home", b"properties": b"",
    }  # fmt: skip
    assert await entry("conversions") == {
        b"site": b"demo", b"user_id": b"ann", b"conversion_type": b"purchase", b"value": b"19.99", b"currency": b"USD",
        b"timestamp": at, b"date": DAY.encode(), b"hour": b"13", b"properties": b"{}", b"session_id": b"s1",
        b"trusted": b"0",
    }  # fmt: skip
    assert await entry("errors") == {
        b"site": b"demo", b"user_id": b"ann", b"error_type": b"TypeError", b"error_message": b"x is not a function",
        b"timestamp": at, b"date": DAY.encode(), b"hour": b"13", b"context": b"{}",
    }  # fmt: skip
    assert await entry("user_events") == {
        b"site": b"demo", b"user_id": b"ann", b"name": b"signup", b"properties": b"{}", b"session_id": b"",
        b"timestamp": at, b"date": DAY.encode(), b"hour": b"13", b"trusted": b"0",
    }  # fmt: skip


async def test_a_batch_is_applied_once_whatever_is_sent_again(redis: Any, writer: Writer) -> None:
    batch = writer.plan(page_view(), page_view())
    assert await writer.functions.commit(batch) == Applied(0, ())
    assert await writer.functions.commit(batch) == Fenced(2)
    assert await writer.functions.fence(PartitionKeys(0), "j1") == 2
    writer.position = 7
    assert await writer.send(page_view()) == Fenced(2)
    assert await redis.hget(KEYS.count("page_views", DAY), "total") == b"2"


async def test_journals_have_fences_of_their_own(redis: Any, writer: Writer) -> None:
    other = Writer(writer.functions, Site("demo"), journal="j2")
    await writer.send(page_view(), page_view())
    await other.send(page_view())
    assert await redis.hgetall(PartitionKeys(0).fences) == {b"j1": b"2", b"j2": b"1"}


async def test_an_event_id_counts_once(redis: Any, writer: Writer) -> None:
    first = await writer.send(page_view(dedup=11), page_view(dedup=-12), page_view(dedup=11))
    assert first == Applied(0, ())
    again = writer.plan(page_view(dedup=13), page_view(dedup=-12), page_view(), page_view(dedup=11))
    reply = await writer.functions.commit(again)
    assert isinstance(reply, Seen)
    seen = frozenset(again.ids[position] for position in reply.positions)
    assert seen == {11, -12}
    assert await redis.hget(KEYS.count("page_views", DAY), "total") == b"2"  # a refused batch leaves nothing
    events = (page_view(dedup=13), page_view(dedup=-12), page_view(), page_view(dedup=11))
    assert await writer.send(*events, seen=seen) == Applied(0, ())
    assert await redis.hget(KEYS.count("page_views", DAY), "total") == b"4"


# Days earlier: by the clock of another worker, or by one that was put back.
@pytest.mark.parametrize(("days_later", "known"), [(1, True), (2, False), (-1, True)])
async def test_an_event_id_is_known_in_the_generations_beside_its_own(
    writer: Writer, days_later: int, known: bool
) -> None:
    await writer.send(page_view(dedup=5))
    writer.now += days_later * DAY_MS
    reply = await writer.send(page_view(dedup=5))
    assert isinstance(reply, Seen) is known


async def test_ids_take_ten_bytes_each_and_open_levels_as_they_grow(redis: Any, writer: Writer) -> None:
    ids, step = 1_700_000, 50_000
    draw = random.Random(7)
    hashes = [draw.randrange(-(1 << 63), 1 << 63) for _ in range(ids)]
    before = (await redis.info("memory"))["used_memory_dataset"]
    for start in range(0, ids, step):
        reply = await writer.functions.commit(_only(start, start + step, hashes[start : start + step]))
        assert isinstance(reply, Applied)
    levels = await redis.hgetall(PartitionKeys(0).dedup(NOW // DAY_MS))
    assert {int(level): int(held) for level, held in levels.items()} == {0: 1_600_000, 1: 100_000}
    assert ((await redis.info("memory"))["used_memory_dataset"] - before) / ids < 10
    known = await writer.functions.commit(_only(ids, ids + 18, [*hashes[::100_000], 1]))
    assert isinstance(known, Seen)
    assert sorted(known.positions) == list(range(17))


def _only(previous: int, last: int, ids: Sequence[int] = (), boards: Sequence[object] = ()) -> Batch:
    """A batch of nothing but event ids, or leaderboards."""
    partition, day = PartitionKeys(0), NOW // DAY_MS
    flat = [part for dedup in ids for part in (dedup % DEDUP_BUCKETS, str(dedup))]
    sections = ("j1", previous, last, TTL_DEDUP, flat, (), (), (), boards, (), (), (), (1, 1, 1, ()))
    return Batch(
        keys=(
            partition.fences,
            partition.dedup(day),
            partition.dedup(day - 1),
            partition.dedup(day + 1),
            partition.absent,
        ),
        sections=msgspec.msgpack.encode(sections),
        ids=tuple(ids),
        events=0,
        duplicates=0,
    )


async def test_a_key_of_the_wrong_type_is_set_aside_and_the_event_counted(redis: Any, writer: Writer) -> None:
    wrong = [
        KEYS.count("page_views", DAY), KEYS.users_day("visitors", DAY), KEYS.top_day("pages", DAY),
        PartitionKeys(0).stream("page_views"), KEYS.visits(NOW // 1_800_000), KEYS.steps(NOW // DAY_MS),
        KEYS.activity(IDENTITY.user("demo", "ann"), NOW // DAY_MS),
    ]  # fmt: skip
    for key in wrong:
        await redis.set(key, "not mine", ex=60)
    await redis.sadd(KEYS.trail(NOW // HOUR_MS), "not mine")
    reply = await writer.send(page_view())
    assert isinstance(reply, Applied)
    assert sorted(reply.notes) == sorted(f"set aside {key}" for key in [*wrong, KEYS.trail(NOW // HOUR_MS)])
    assert await redis.get(f"{wrong[0]}:aside") == b"not mine"
    assert await redis.hget(wrong[0], "total") == b"1"
    assert await redis.strlen(KEYS.trail(NOW // HOUR_MS)) == trail.RECORD_BYTES
    assert await redis.hget(KEYS.count("sessions", DAY), "total") == b"1"


async def test_a_leaderboard_is_cut_and_still_adds_up(redis: Any, writer: Writer) -> None:
    views = 0
    for n in range(10):
        batch = [page_view(url=f"https://shop.example/{n}/{i}", user=f"u{i}") for i in range(500)]
        batch += [page_view(url="https://shop.example/")] * 100
        views += len(batch)
        await writer.send(*batch)
    for key in (KEYS.top_day("pages", DAY), KEYS.top_hour("pages", int(HOUR))):
        board = dict(await redis.zrange(key, 0, -1, withscores=True))
        assert len(board) <= 2_001
        assert board[b"https://shop.example/"] == 1_000
        assert board[OTHER] > 2_000
        assert sum(board.values()) == views


async def test_a_million_distinct_pages_leave_a_bounded_leaderboard(redis: Any, writer: Writer) -> None:
    """Only the board's section is sent: with all else a million events would take a minute."""
    pages, step, key = 1_000_000, 20_000, KEYS.top_day("pages", DAY)
    for start in range(0, pages, step):
        scores = [part for n in range(start, start + step) for part in (f"https://shop.example/{n}", 1)]
        reply = await writer.functions.commit(_only(previous=start, last=start + step, boards=[(key, 60, scores)]))
        assert isinstance(reply, Applied)
        assert await redis.zcard(key) <= 2_001
    assert sum(score for _, score in await redis.zrange(key, 0, -1, withscores=True)) == pages
    assert await redis.memory_usage(key) < 1 << 20


async def test_many_users_of_a_minute_are_in_its_hour_and_day_too(redis: Any, writer: Writer) -> None:
    later = NOW + MINUTE_MS
    await writer.send(*(page_view(user=f"u{n}") for n in range(300)))
    await writer.send(*(page_view(user=f"u{n}", at=later) for n in range(200, 500)), error(user="last", at=later))
    for metric, last_minute, whole in (("page_views", 300, 500), ("visitors", 301, 501), ("errors", 1, 1)):
        minute = await redis.pfcount(KEYS.users_minute(metric, later // MINUTE_MS))
        hour = await redis.pfcount(KEYS.users_hour(metric, int(HOUR)))
        day = await redis.pfcount(KEYS.users_day(metric, DAY))
        assert minute == pytest.approx(last_minute, rel=0.03)
        assert hour == day == pytest.approx(whole, rel=0.03)


async def test_a_user_s_activity_is_capped(redis: Any, writer: Writer) -> None:
    for n in range(3):
        await writer.send(*(page_view(title=f"{n}-{i}") for i in range(400)))
    acts = await redis.lrange(KEYS.activity(IDENTITY.user("demo", "ann"), NOW // DAY_MS), 0, -1)
    assert len(acts) <= ACTIVITY_CAP * 5 // 4
    assert decode_act(acts[-1]).detail == "2-399"


# Sessions


def _figures(sums: dict[bytes, bytes]) -> int:
    return int(sums.get(b"total", 0))


async def _sessions(redis: Any, day: str = DAY, keys: SiteKeys = KEYS) -> tuple[int, int, int]:
    """(sessions, bounces, seconds) of a day."""
    read = [_figures(await redis.hgetall(keys.count(metric, day))) for metric in ("sessions", "bounces", "session_ms")]
    return read[0], read[1], read[2] // 1000


def _minutes(*minutes: float) -> list[int]:
    return [NOW + int(minute * MINUTE_MS) for minute in minutes]


@pytest.mark.parametrize(
    ("name", "batches", "want"),
    [
        ("one event bounces", [[0]], (1, 1, 0)),
        ("two events are a visit", [[0, 10]], (1, 0, 600)),
        ("the second ends the bounce in a later commit", [[0], [10]], (1, 0, 600)),
        ("a pause of exactly 30 minutes does not end it", [[0, 30]], (1, 0, 1800)),
        ("a longer one does", [[0, 30.001]], (2, 2, 0)),
        ("also between commits", [[0], [30.001]], (2, 2, 0)),
        ("long visits go on over slots", [[0], [25], [50], [75], [100]], (1, 0, 6000)),
        ("a late event joins its visit", [[20], [0]], (1, 0, 1200)),
        ("a late event in the middle changes no length", [[0, 20], [10]], (1, 0, 1200)),
        ("several visits of one batch", [[0, 5, 60, 120, 121]], (3, 1, 360)),
        ("out of order within a batch", [[10, 0, 5]], (1, 0, 600)),
    ],
)
async def test_sessions(
    redis: Any, writer: Writer, name: str, batches: list[list[float]], want: tuple[int, int, int]
) -> None:
    writer.now = NOW + DAY_MS
    for batch in batches:
        await writer.send(*(page_view(at=at) for at in _minutes(*batch)))
    assert await _sessions(redis) == want


@pytest.mark.parametrize(
    ("name", "batches", "want"),
    [
        ("a bounce stays one, and lasts as long as it was looked at", [["view 0", "sign 1"]], (1, 1, 60)),
        ("also where the sign comes later", [["view 0"], ["sign 1"], ["sign 2"]], (1, 1, 120)),
        ("two views are no bounce", [["view 0", "sign 1"], ["view 2"]], (1, 0, 120)),
        ("a sign after a pause begins no session", [["view 0"], ["sign 31"]], (1, 1, 0)),
        ("one that comes first belongs to the session too", [["sign 0", "view 10"]], (1, 1, 600)),
        ("a sign keeps a session open", [["view 0"], ["sign 25"], ["view 50"]], (1, 0, 3000)),
        ("signs alone are none", [["sign 0", "sign 1"]], (0, 0, 0)),
    ],
)
async def test_signs_are_nothing_that_was_done(
    redis: Any, writer: Writer, name: str, batches: list[list[str]], want: tuple[int, int, int]
) -> None:
    for batch in batches:
        events: list[Event] = []
        for what, _, minute in (each.partition(" ") for each in batch):
            at = NOW + int(minute) * MINUTE_MS
            events.append(page_view(at=at) if what == "view" else custom(at=at, name="engagement"))
        await writer.send(*events)
    assert await _sessions(redis) == want


async def test_a_client_s_session_id_makes_the_session(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(session="s1", user="ann"), page_view(session="s2", user="ann"))
    await writer.send(page_view(session="s1", user="ann logged in", at=NOW + 60_000))
    assert await _sessions(redis) == (2, 1, 60)


async def test_a_session_over_midnight_stays_in_the_day_and_hour_it_began_in(redis: Any, writer: Writer) -> None:
    midnight = NOW // DAY_MS * DAY_MS + 23 * HOUR_MS  # in Berlin
    berlin = SiteKeys("berlin", 1)
    await writer.send(page_view(at=midnight - 60_000), site="berlin")
    await writer.send(page_view(at=midnight + 60_000), site="berlin")
    assert await _sessions(redis, DAY, berlin) == (1, 0, 120)
    assert await _sessions(redis, "2026-11-24", berlin) == (0, 0, 0)
    hour = str(midnight // HOUR_MS * 60 - 60).encode()
    assert await redis.hgetall(berlin.count("bounces", DAY)) == {b"total": b"0", hour: b"0"}
    assert await redis.hgetall(berlin.count("session_ms", DAY)) == {b"total": b"120000", hour: b"120000"}


def _by_pauses(times: list[int]) -> Iterator[list[int]]:
    visit: list[int] = []
    for at in sorted(times):
        if visit and at - visit[-1] > 30 * MINUTE_MS:
            yield visit
            visit = []
        visit.append(at)
    yield visit


async def test_sessions_agree_with_a_plain_count(redis: Any, writer: Writer) -> None:
    """Random visitors over a day, sent in order in random batches, against splitting each one's times at the pauses."""
    draw = random.Random(20261123)
    events = sorted(
        (NOW // DAY_MS * DAY_MS + draw.randrange(DAY_MS), f"u{draw.randrange(40)}") for _ in range(3_000)
    )  # fmt: skip
    start = 0
    while start < len(events):
        size = draw.choice((1, 5, 50, 400))
        await writer.send(*(page_view(at=at, user=user) for at, user in events[start : start + size]))
        start += size
    visits = [
        visit
        for user in {user for _, user in events}
        for visit in _by_pauses([at for at, of in events if of == user])
    ]  # fmt: skip
    want_ms = sum(visit[-1] - visit[0] for visit in visits)
    assert await _sessions(redis) == (len(visits), sum(len(visit) == 1 for visit in visits), want_ms // 1000)


# Streams


async def _stream_entries(redis: Any, events: int) -> None:
    async with redis.pipeline(transaction=False) as pipe:
        for n in range(events):
            pipe.xadd("{p0}:errors", {"n": n})
        await pipe.execute()


async def test_a_stream_without_readers_is_cut_to_its_cap(redis: Any, writer: Writer) -> None:
    await _stream_entries(redis, 101_000)
    assert await writer.send(error()) == Applied(0, ())
    assert 100_000 <= await redis.xlen("{p0}:errors") <= 100_200


async def test_a_stream_keeps_what_its_slowest_group_has_still_to_read(redis: Any, writer: Writer) -> None:
    await _stream_entries(redis, 500)
    await redis.xgroup_create("{p0}:errors", "fast", "$")
    await redis.xgroup_create("{p0}:errors", "slow", "0")
    await redis.xreadgroup("slow", "me", {"{p0}:errors": ">"}, count=200)  # 200 pending, 300 to come
    await _stream_entries(redis, 101_000)
    assert await writer.send(error()) == Applied(0, ())
    assert await redis.xlen("{p0}:errors") == 101_501
    for _, entries in await redis.xreadgroup("slow", "me", {"{p0}:errors": ">"}, count=500):
        await redis.xack("{p0}:errors", "slow", *(id_ for id_, _ in entries))
    assert await writer.send(error()) == Applied(0, ())
    assert await redis.xlen("{p0}:errors") == 101_502  # the 200 pending ones hold the rest


async def test_past_twice_its_cap_a_stream_is_cut_all_the_same_and_says_so(redis: Any, writer: Writer) -> None:
    await redis.xgroup_create("{p0}:errors", "stopped", "0", mkstream=True)
    await _stream_entries(redis, 200_300)
    reply = await writer.send(error())
    assert isinstance(reply, Applied)
    assert reply.lost >= 200
    assert await redis.xlen("{p0}:errors") + reply.lost == 200_301


# Gaps, and the library itself


async def test_a_gap_is_passed_over_once_and_noted(redis: Any, writer: Writer) -> None:
    partition = PartitionKeys(0)
    await writer.send(page_view())
    assert not await writer.functions.skip(partition, "j1", 5, 9, "missing")
    assert not await writer.functions.skip(partition, "j1", 1, 0, "missing")  # a fence never moves back
    assert await writer.functions.skip(partition, "j1", 1, 9, "missing")
    assert not await writer.functions.skip(partition, "j1", 1, 9, "missing")
    assert await writer.functions.fence(partition, "j1") == 9
    ((_, note),) = await redis.xrange(partition.gaps)
    assert note == {b"journal": b"j1", b"after": b"1", b"to": b"9", b"events": b"8", b"reason": b"missing"}


async def test_a_redis_without_the_library_gets_it_on_the_next_call(redis: Any, writer: Writer) -> None:
    await redis.function_flush()
    assert await writer.send(page_view()) == Applied(0, ())


async def test_two_sites_never_mix(redis: Any, writer: Writer) -> None:
    await writer.send(page_view(user="ann"), page_view(user="bob"))
    await writer.send(page_view(user="ann"), site="berlin")
    berlin = SiteKeys("berlin", 1)
    assert await redis.hget(KEYS.count("page_views", DAY), "total") == b"2"
    assert await redis.hget(berlin.count("page_views", DAY), "total") == b"1"
    assert IDENTITY.user("demo", "ann") != IDENTITY.user("berlin", "ann")


async def test_no_key_holds_a_visitor_s_text(redis: Any, writer: Writer) -> None:
    marked = {"user": "MARKER", "session": "MARKER"}
    await writer.send(
        page_view(url="https://marker.example/MARKER", source="MARKER", title="MARKER", **marked),
        conversion(conversion_type="MARKER", **marked),
        error(error_type="MARKER", **marked),
        custom(name="MARKER", **marked),
    )
    names = [key async for key in redis.scan_iter("*")]
    assert len(names) > 20
    assert not [name for name in names if b"marker" in name.lower()]


def test_the_library_s_version_is_raised_with_its_text() -> None:
    """Another text under the same name would fight with older workers during a rollout: raise `LIBRARY` with it."""
    source = files("store").joinpath("functions.lua").read_text()
    assert source.startswith(f"#!lua name={LIBRARY}\n")
    assert (LIBRARY, hashlib.sha256(source.encode()).hexdigest()[:16]) == ("hitstream_v3", "26b1e7e56ca54c20")
