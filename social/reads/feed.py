"""What the accounts that a user follows posted in the last week, ranked for them.

    1. whom the user follows, blocks and mutes           covered by their indexes
    2. the latest 500 posts of those they follow         at most 200 authors at once
    3. which of them the user likes, who their authors are, which hashtags the user likes
    4. the order (`social.score`): ids, kept for ten minutes (`social.snapshots`)
    5. a page: the next ids, each looked up anew

Only what the user may still see is shown: a post that was deleted meanwhile, or whose author was blocked, muted,
suspended or is followed no longer, is left out, and the next of the list moves up. A cursor holds the time of the
order, its name and a place in it; one that is older than ten minutes, or another's, is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct, field

from store.errors import BadParameter
from store.keys import TTL_FEED
from store.parameters import CURSOR, Asked, Parameter

from .. import cards
from ..cards import Post, PostRow
from ..database import Database
from ..errors import NotFound
from ..model import AccountStatus
from ..schema import BY_ID, POSTS, POSTS_OF_AUTHOR, USERS
from ..score import Candidate, order
from ..snapshots import Snapshot, Snapshots
from ..visibility import accounts_of, offered, sees_post, viewer_of

CANDIDATES: Final = 500
AUTHORS_AT_ONCE: Final = 200  # of more, the server does not merge the sorted ranges but sorts all that it finds
FILLED_FROM: Final = 100  # ids: what is missing in a page
SPAN: Final = timedelta(days=7)
NEWEST: Final = (("created_at", -1), ("_id", -1))

PARAMETERS: Final = (Parameter("limit", "How many at most.", "whole", default=20, high=100), CURSOR)


class Feed(Struct, frozen=True):
    """`as_of`: when the order was made. What is told of a post is as of now."""

    as_of: datetime
    user_id: str
    posts: Sequence[Post]
    next_cursor: str | None


class _Owner(Struct, frozen=True):
    id: str = field(name="_id")
    status: AccountStatus = "active"


async def feed(database: Database, snapshots: Snapshots, user_id: str, asked: Asked, now: datetime) -> Feed:
    limit: int = asked["limit"]
    cursor: tuple[int, str, int] | None = asked.after(int, str, int)
    if cursor is None:
        kept, name, start = Snapshot(now, await _ranked(database, snapshots, user_id, now)), None, 0
    else:
        _, name, start = cursor
        kept = await _kept(snapshots, user_id, cursor, now)
    end = start
    posts: list[Post] = []
    while end < len(kept.ids) and len(posts) < limit:
        # Nearly always all of the next ones may be seen; where not, the rest of the page is not looked for one by one.
        ids = kept.ids[end : end + (limit if end == start else FILLED_FROM)]
        posts += (await _shown(database, user_id, ids, now))[: limit - len(posts)]
        end = kept.ids.index(posts[-1].id) + 1 if len(posts) == limit else end + len(ids)
    more = None
    if end < len(kept.ids):
        name = name or await snapshots.keep(user_id, kept)
        more = asked.cursor(_milliseconds(kept.as_of), name, end)
    return Feed(kept.as_of, user_id, posts, more)


async def _kept(snapshots: Snapshots, user_id: str, cursor: tuple[int, str, int], now: datetime) -> Snapshot:
    """What a cursor goes on in. Raises `BadParameter`."""
    milliseconds, name, start = cursor
    kept = await snapshots.find(user_id, name)
    if kept is not None and milliseconds == _milliseconds(kept.as_of) and 0 < start < len(kept.ids):
        return kept
    if kept is None and _milliseconds(now) - milliseconds >= TTL_FEED * 1000:
        raise BadParameter("cursor", f"is older than {TTL_FEED // 60} minutes; ask for the first page again")
    raise BadParameter("cursor", "is not one that this user's feed gave; ask for the first page again")


async def _ranked(database: Database, snapshots: Snapshots, user_id: str, now: datetime) -> list[str]:
    """The ids of the user's feed, the best first. Raises `NotFound`."""
    owner, viewer, interests = await asyncio.gather(
        database.find_one(_Owner, USERS, {"_id": user_id}, index=BY_ID),
        viewer_of(database, user_id, now),
        snapshots.liked_tags(user_id),
    )
    if owner is None or owner.status == "deleted":
        raise NotFound("user", user_id)
    authors = sorted(id_ for id_ in viewer.followees if offered(viewer, id_))
    found = await _candidates(database, authors, now)
    accounts, liked = await asyncio.gather(
        accounts_of(database, [post.user_id for post in found]),
        cards.liked(database, viewer, "post", (post.id for post in found)),
    )
    seen = [post for post in found if sees_post(viewer, accounts.get(post.user_id), post.visibility, post.status)]
    return [post.id for post in order(seen, liked, interests)]


async def _candidates(database: Database, authors: Sequence[str], now: datetime) -> list[Candidate]:
    """The latest of what these authors' followers may see, the newest first."""
    since = now - SPAN
    found: list[Candidate] = []
    for first in range(0, len(authors), AUTHORS_AT_ONCE):
        filter_ = {
            "user_id": {"$in": authors[first : first + AUTHORS_AT_ONCE]},
            "status": "published",
            "created_at": {"$gte": since, "$lte": now},
            "visibility": {"$in": ["public", "followers_only"]},
        }
        found += await database.find(Candidate, POSTS, filter_, index=POSTS_OF_AUTHOR, sort=NEWEST, limit=CANDIDATES)
        found.sort(key=lambda post: (post.created_at, post.id), reverse=True)
        if len(found) >= CANDIDATES:
            del found[CANDIDATES:]
            since = found[-1].created_at  # nothing older is among the latest
    return found


async def _shown(database: Database, user_id: str, ids: Sequence[str], now: datetime) -> list[Post]:
    """Those of the posts that still belong into the user's feed, in this order."""
    place = {id_: at for at, id_ in enumerate(ids)}
    rows = await database.find(PostRow, POSTS, {"_id": {"$in": list(ids)}}, index=BY_ID)
    viewer = await viewer_of(database, user_id, now, towards=[row.user_id for row in rows])
    rows = [
        row
        for row in sorted(rows, key=lambda row: place[row.id])
        if row.status == "published" and row.user_id in viewer.followees and offered(viewer, row.user_id)
    ]
    return await cards.visible(database, viewer, rows)


def _milliseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(milliseconds=1)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
