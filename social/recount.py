"""The recount: every counter compared with the edges that it counts, and on request put right. What differs is drift.

    users      followers, followings (accepted follows), posts (published), likes (of all their posts and comments)
    posts      likes, comments (published), shares, the votes of a poll and its voters
    comments   likes, replies (published)

Views have no edges, so nothing can be said of them. It may run beside a projector and holds nothing up: a document that
seems to differ is looked at again while the projector's position stands still, so what is in the middle of moving is no
drift; and it is put right only if nothing has changed it since (`applied`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from .actions import STEP_BITS
from .database import Database, Handle
from .errors import NetworkUnavailable
from .metrics import Metrics
from .model import Progress
from .schema import BY_ID, COMMENTS, FOLLOWS, LIKES, POLL_VOTES, POSTS, PROGRESS, SHARES, USERS, WAITING, Collection
from .writing import NAME

log = logging.getLogger(__name__)

AT_ONCE: Final = 200  # documents whose edges one query counts: the embedded server answers one question at a time
CLOSELY: Final = 50  # those looked at again at once: quickly enough for the position to stand still meanwhile
ATTEMPTS: Final = 100
PAUSE_S: Final = 0.02
EXAMPLES: Final = 10
LATE: Final = timedelta(days=1)  # an action that has waited so long will hardly get what it waits for
CYCLE_S: Final = 600.0  # between two rounds of the watch
STEP_S: Final = 1.0  # between two queries of a round: it is in no hurry, and others use the database


class Counter(Struct, frozen=True):
    """`path` of the documents of `holder` is how many documents of `source` name them in `by`, or the sum of `adds`."""

    holder: Collection
    path: str
    source: Collection
    by: str
    where: Mapping[str, Any] = {}
    adds: str | None = None


# Those that others are sums of come first: users last.
COUNTERS: Final = (
    Counter(COMMENTS, "stats.likes_count", LIKES, "target_id", {"target_type": "comment"}),
    Counter(COMMENTS, "stats.replies_count", COMMENTS, "parent_id", {"status": "published"}),
    Counter(POSTS, "stats.likes_count", LIKES, "target_id", {"target_type": "post"}),
    Counter(POSTS, "stats.comments_count", COMMENTS, "post_id", {"status": "published"}),
    Counter(POSTS, "stats.shares_count", SHARES, "post_id"),
    Counter(USERS, "stats.followers_count", FOLLOWS, "following_id", {"status": "accepted"}),
    Counter(USERS, "stats.following_count", FOLLOWS, "follower_id", {"status": "accepted"}),
    Counter(USERS, "stats.posts_count", POSTS, "user_id", {"status": "published"}),
    Counter(USERS, "stats.likes_count", POSTS, "user_id", adds="stats.likes_count"),
    Counter(USERS, "stats.likes_count", COMMENTS, "user_id", adds="stats.likes_count"),
)
HOLDERS: Final = (COMMENTS, POSTS, USERS)
POLL: Final = "content.poll"

Counts = dict[str, int]  # path -> how many
Owed = dict[str, int]  # user -> likes by which the counters of their posts and comments are known to be wrong
_LIKES: Final = "stats.likes_count"
_VOTES: Final = f"{POLL}.votes"


class Drift(Struct, frozen=True):
    """`documents` have a counter that differs; `examples` says of some what is there and what should be."""

    counter: str
    documents: int
    examples: tuple[str, ...]
    repaired: bool


class Report(Struct, frozen=True):
    drifts: tuple[Drift, ...]

    @property
    def sound(self) -> bool:
        return all(drift.documents == 0 or drift.repaired for drift in self.drifts)


class _Found(Struct, frozen=True):
    id: str
    path: str
    there: int
    counted: int


async def recount(
    database: Database, now: datetime, *, repair: bool = False, metrics: Metrics | None = None, pause_s: float = 0
) -> Report:
    """Compares everything; with `repair` puts right what differs. Raises `NetworkUnavailable`.

    pause_s: between two queries, for a recount in the background.
    """
    found: dict[str, list[_Found]] = {_name(holder, path): [] for holder in HOLDERS for path in _paths(holder)}
    owed: Owed = {}
    for holder in HOLDERS:
        async for ids in _differing(database, holder, owed, pause_s):
            for one in await _confirmed(database, holder, ids, owed, repair):
                found[_name(holder, one.path)].append(one)
        if not repair and holder is not USERS:
            await _owe(database, holder, found[_name(holder, _LIKES)], owed)
    drifts = [
        Drift(name, len({one.id for one in ones}), tuple(map(_example, ones[:EXAMPLES])), bool(ones) and repair)
        for name, ones in found.items()
    ]
    drifts.append(await _waiting(database, now))
    if metrics:
        for drift in drifts:
            metrics.drift.labels(drift.counter).set(0 if drift.repaired else drift.documents)
    return Report(tuple(drifts))


async def watch_drift(database: Database, metrics: Metrics, clock: Callable[[], int]) -> None:
    """Keeps the gauge of drift true, slowly; `clock` gives epoch milliseconds."""
    while True:
        await asyncio.sleep(CYCLE_S)
        try:
            now = datetime.fromtimestamp(clock() / 1000, UTC)
            await recount(database, now, metrics=metrics, pause_s=STEP_S)
        except NetworkUnavailable as error:
            log.warning("the network's counters were not compared", extra={"error": error.message})


async def _owe(database: Database, holder: Collection, found: list[_Found], owed: Owed) -> None:
    """Notes by how many likes the sums of these documents' authors are not theirs to answer for."""
    async with database.working() as handle:
        rows = await handle[holder.name].find({"_id": {"$in": [one.id for one in found]}}, {"user_id": 1}).to_list()
    authors = {row["_id"]: row["user_id"] for row in rows}
    for one in found:
        author = authors.get(one.id, "")
        owed[author] = owed.get(author, 0) + one.counted - one.there


async def _differing(database: Database, holder: Collection, owed: Owed, pause_s: float) -> AsyncIterator[list[str]]:
    """Ids of documents that seem to differ, a few at a time."""
    last: str | None = None
    while True:
        async with database.working() as handle:
            ids = await _ids_after(handle, holder, last)
            if not ids:
                return
            there, _ = await _there(handle, holder, ids)
            counted = await _counted(handle, holder, ids, owed)
        differing = [id_ for id_ in ids if any(_differences(there[id_], counted.get(id_, {})))]
        for start in range(0, len(differing), CLOSELY):
            yield differing[start : start + CLOSELY]
        last = ids[-1]
        await asyncio.sleep(pause_s)


async def _confirmed(database: Database, holder: Collection, ids: list[str], owed: Owed, repair: bool) -> list[_Found]:
    """What differs of these while nothing moves; with `repair` it is put right."""
    for _ in range(ATTEMPTS):
        async with database.working() as handle:
            before = await _standing(database)
            there, applied = await _there(handle, holder, ids)
            counted = await _counted(handle, holder, ids, owed)
            if before is None or await _standing(database) != before:
                await asyncio.sleep(PAUSE_S)
                continue
            found = [
                _Found(id_, path, is_, should)
                for id_ in there
                for path, is_, should in _differences(there[id_], counted.get(id_, {}))
            ]
            if not repair:
                return found
            for id_ in dict.fromkeys(one.id for one in found):
                right = {one.path: one.counted for one in found if one.id == id_}
                # An old document, or one made by hand, has no `applied`.
                unchanged = {"_id": id_, "applied": {"$in": [applied[id_], *([None] if not applied[id_] else [])]}}
                put = await handle[holder.name].update_one(unchanged, {"$set": right})
                if not put.matched_count:
                    break
            else:
                return found
    raise NetworkUnavailable  # the projector never stood still


async def _standing(database: Database) -> int | None:
    """The projector's position; None while it is in the middle of a plan."""
    found = await database.find_one(Progress, PROGRESS, {"_id": NAME}, index=BY_ID)
    return 0 if found is None else None if found.until is not None else found.position


async def _ids_after(handle: Handle, holder: Collection, last: str | None) -> list[str]:
    filter_ = {} if last is None else {"_id": {"$gt": last}}
    rows = await handle[holder.name].find(filter_, {"_id": 1}).sort("_id", 1).limit(AT_ONCE).to_list()
    return [row["_id"] for row in rows]


async def _there(handle: Handle, holder: Collection, ids: list[str]) -> tuple[dict[str, Counts], dict[str, int]]:
    """The counters as they stand, by id, and each document's `applied`."""
    projection = {"applied": 1, **dict.fromkeys(_paths(holder), 1), **({POLL: 1} if holder is POSTS else {})}
    projection.pop(_VOTES, None)
    rows = await handle[holder.name].find({"_id": {"$in": ids}}, projection).to_list()
    counts: dict[str, Counts] = {}
    for row in rows:
        stats = row.get("stats", {})
        counts[row["_id"]] = {
            c.path: stats.get(c.path.removeprefix("stats."), 0) for c in COUNTERS if c.holder is holder
        }
        if poll := row.get("content", {}).get("poll"):
            counts[row["_id"]][f"{POLL}.total_votes"] = poll.get("total_votes", 0)
            for n, option in enumerate(poll.get("options", ())):
                counts[row["_id"]][f"{POLL}.options.{n}.votes"] = option.get("votes", 0)
    return counts, {row["_id"]: row.get("applied", 0) for row in rows}


async def _counted(handle: Handle, holder: Collection, ids: list[str], owed: Owed) -> dict[str, Counts]:
    """What the edges come to, by id; a path that is missing is 0."""
    counts: dict[str, Counts] = {}

    def add(rows: Iterable[Mapping[str, Any]], path: str) -> None:
        for row in rows:
            of = counts.setdefault(row["_id"], {})
            of[path] = of.get(path, 0) + row["n"]

    for counter in COUNTERS:
        if counter.holder is holder:
            group = {"_id": f"${counter.by}", "n": {"$sum": f"${counter.adds}" if counter.adds else 1}}
            match = {counter.by: {"$in": ids}, **counter.where}
            add(await _rows(handle, counter.source, [{"$match": match}, {"$group": group}]), counter.path)
    if holder is USERS:
        add([{"_id": id_, "n": owed[id_]} for id_ in ids if id_ in owed], _LIKES)
    if holder is POSTS:
        match = {"post_id": {"$in": ids}}
        voters = [{"$match": match}, {"$group": {"_id": "$post_id", "n": {"$sum": 1}}}]
        add(await _rows(handle, POLL_VOTES, voters), f"{POLL}.total_votes")
        each = {"_id": {"post": "$post_id", "option": "$options"}, "n": {"$sum": 1}}
        for row in await _rows(handle, POLL_VOTES, [{"$match": match}, {"$unwind": "$options"}, {"$group": each}]):
            add([{"_id": row["_id"]["post"], "n": row["n"]}], f"{POLL}.options.{row['_id']['option']}.votes")
    return counts


async def _rows(handle: Handle, source: Collection, pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return await (await handle[source.name].aggregate(pipeline)).to_list()


def _differences(there: Counts, counted: Counts) -> list[tuple[str, int, int]]:
    """(path, what is there, what was counted) of each that differs."""
    return [(path, is_, counted.get(path, 0)) for path, is_ in there.items() if is_ != counted.get(path, 0)]


async def _waiting(database: Database, now: datetime) -> Drift:
    """Actions whose post or comment has not come for a day: only a person can tell what is right."""
    async with database.working() as handle:
        late = {"_id": {"$lt": int((now - LATE).timestamp() * 1000) << STEP_BITS}}
        total = await handle[WAITING.name].count_documents(late)
        rows = await handle[WAITING.name].find(late).limit(EXAMPLES).to_list()
    return Drift("waiting", total, tuple(f"{row['name']} for {row['needs']}" for row in rows), repaired=False)


def _paths(holder: Collection) -> list[str]:
    found = list(dict.fromkeys(counter.path for counter in COUNTERS if counter.holder is holder))
    return [*found, _VOTES] if holder is POSTS else found


def _name(holder: Collection, path: str) -> str:
    """`users.followers_count`; all counts of polls are `posts.votes`."""
    return f"{holder.name}.{'votes' if path.startswith(POLL) else path.rpartition('.')[2]}"


def _example(one: _Found) -> str:
    return f"{one.id}: {one.path} is {one.there}, should be {one.counted}"
