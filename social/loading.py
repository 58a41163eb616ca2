"""Reads what a working set has missed: one query for each collection, by ids or by a unique name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from bson import ObjectId
from msgspec import Struct

from .database import Database
from .model import Block, Comment, Follow, Like, Mute, Notification, PollVote, Share, Waiting
from .schema import (
    BLOCKS,
    BY_ID,
    COMMENTS,
    FOLLOWS,
    LIKES,
    MUTES,
    NOTIFICATIONS,
    POLL_VOTES,
    POSTS,
    SHARES,
    USERS,
    USERS_BY_EMAIL,
    USERS_BY_USERNAME,
    WAITING,
    WAITING_FOR,
    Collection,
)
from .working_set import Account, Head, Key, Kind, Named, Queue, edge_id

AT_ONCE: Final = 1_000  # ids that a query names

# What has an id of its own.
THINGS: Final[Mapping[Kind, Collection]] = {
    Account: USERS, Head: POSTS, Comment: COMMENTS, Notification: NOTIFICATIONS, Waiting: WAITING,
}  # fmt: skip

# What has one made of its ends, which its rows do not carry.
EDGES: Final[Mapping[Kind, tuple[Collection, Callable[[Any], ObjectId]]]] = {
    Follow: (FOLLOWS, lambda edge: edge_id(edge.follower_id, edge.following_id)),
    Block: (BLOCKS, lambda edge: edge_id(edge.blocker_id, edge.blocked_id)),
    Mute: (MUTES, lambda edge: edge_id(edge.muter_id, edge.muted_id)),
    Like: (LIKES, lambda edge: edge_id(edge.user_id, edge.target_type, edge.target_id)),
    Share: (SHARES, lambda edge: edge_id(edge.user_id, edge.post_id)),
    PollVote: (POLL_VOTES, lambda edge: edge_id(edge.user_id, edge.post_id)),
}

COLLECTION_OF: Final[Mapping[Kind, Collection]] = {**THINGS, **{kind: held for kind, (held, _) in EDGES.items()}}

_NAMES: Final = {"username_key": USERS_BY_USERNAME, "email": USERS_BY_EMAIL}


async def load(database: Database, keys: Iterable[Key]) -> dict[Key, Struct | None]:
    """What each key stands for; None where there is none. Raises `NetworkUnavailable`."""
    found: dict[Key, Struct | None] = dict.fromkeys(keys)
    by_kind: dict[Kind, list[Any]] = {}
    for kind, id_ in list(found):
        by_kind.setdefault(kind, []).append(id_)
    async with database.working():
        for kind, ids in by_kind.items():
            for some in _chunks(ids):
                found |= await _of_kind(database, kind, some)
    return found


async def _of_kind(database: Database, kind: Kind, ids: list[Any]) -> dict[Key, Struct]:
    if kind is Named:
        return await _names(database, ids)
    if kind is Queue:
        return await _queues(database, ids)
    rows: list[Any] = await database.find(kind, COLLECTION_OF[kind], {"_id": {"$in": ids}}, index=BY_ID)
    id_of = EDGES[kind][1] if kind in EDGES else lambda row: row.id
    return {(kind, id_of(row)): row for row in rows}


async def _names(database: Database, names: list[tuple[str, str]]) -> dict[Key, Struct]:
    found: dict[Key, Struct] = {}
    for field, index in _NAMES.items():
        wanted = [name for its, name in names if its == field]
        if wanted:
            for row in await database.find(Account, USERS, {field: {"$in": wanted}}, index=index):
                found[Named, (field, getattr(row, field))] = Named(row.id)
    return found


async def _queues(database: Database, things: list[str]) -> dict[Key, Struct]:
    rows = await database.find(Waiting, WAITING, {"needs": {"$in": things}}, index=WAITING_FOR)
    found: dict[Key, Struct] = {(Waiting, row.id): row for row in rows}
    for row in sorted(rows, key=lambda row: row.id):
        queue = found.get((Queue, row.needs), Queue())
        assert isinstance(queue, Queue)
        found[Queue, row.needs] = Queue((*queue.waiting, row))
    return found


def _chunks(ids: list[Any]) -> Iterator[list[Any]]:
    rest = iter(ids)
    while some := list(islice(rest, AT_ONCE)):
        yield some
