"""A post, and the comments on it.

Comments come in the order in which they are read: a thread under its beginning, replies under what they reply to, the
oldest first. One query gives a page, in the order of an index (`Comment.path`). Comments of accounts that the viewer
may not see are left out, so a page may hold fewer than were asked for; what follows them stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from store.parameters import CURSOR, Asked, Parameter

from .. import cards
from ..cards import Comment, CommentRow, Post, PostRow
from ..database import Database
from ..errors import NotFound
from ..model import MAX_DEPTH
from ..parameters import LIMIT, VIEWER
from ..schema import BY_ID, COMMENTS, COMMENTS_OF_POST, COMMENTS_OF_THREAD, POSTS
from ..visibility import Viewer, sees_account, viewer_of

PARAMETERS: Final = (VIEWER,)
COMMENT_PARAMETERS: Final = (
    VIEWER,
    Parameter("root", "Only the thread that this comment begins.", "id"),
    Parameter("depth", "How deep at most; 0: the beginnings alone.", "whole", default=MAX_DEPTH, low=0, high=MAX_DEPTH),
    LIMIT,
    CURSOR,
)


class SinglePost(Struct, frozen=True):
    as_of: datetime
    post: Post


class Comments(Struct, frozen=True):
    """A page may hold fewer than `limit`, even none; it is the last one where `next_cursor` is None."""

    as_of: datetime
    post_id: str
    comments: Sequence[Comment]
    next_cursor: str | None


async def post(database: Database, id_: str, asked: Asked, now: datetime) -> SinglePost:
    """Raises `NotFound`."""
    found, _ = await _post(database, id_, asked["viewer"], now)
    return SinglePost(now, found)


async def comments(database: Database, id_: str, asked: Asked, now: datetime) -> Comments:
    """Raises `NotFound` where the viewer may not see the post."""
    await _post(database, id_, asked["viewer"], now)
    filter_: dict[str, Any] = {"post_id": id_}
    index = COMMENTS_OF_POST
    if asked["root"] is not None:
        filter_["root_id"] = asked["root"]
        index = COMMENTS_OF_THREAD
    if asked["depth"] < MAX_DEPTH:
        filter_["depth"] = {"$lte": asked["depth"]}
    if after := asked.after(str, str):
        path, last = after
        # The first bounds the range of the index; the rest is for two of the same path.
        filter_["path"] = {"$gte": path}
        filter_["$or"] = [{"path": {"$gt": path}}, {"_id": {"$gt": last}}]
    limit = asked["limit"]
    rows = await database.find(
        CommentRow, COMMENTS, filter_, index=index, sort=[("path", 1), ("_id", 1)], limit=limit + 1
    )
    page = rows[:limit]
    more = asked.cursor(page[-1].path, page[-1].id) if len(rows) > limit else None
    return Comments(now, id_, await _visible(database, asked["viewer"], page, now), more)


async def _post(database: Database, id_: str, viewer: str | None, now: datetime) -> tuple[Post, Viewer]:
    row = await database.find_one(PostRow, POSTS, {"_id": id_}, index=BY_ID)
    if row is None:
        raise NotFound("post", id_)
    looking = await viewer_of(database, viewer, now, towards=[row.user_id])
    seen = await cards.visible(database, looking, [row])
    if not seen:
        raise NotFound("post", id_)
    return seen[0], looking


async def _visible(database: Database, viewer: str | None, rows: Sequence[CommentRow], now: datetime) -> list[Comment]:
    writers = {row.user_id for row in rows}
    looking, known = await asyncio.gather(
        viewer_of(database, viewer, now, towards=writers), cards.authors(database, writers)
    )
    seen = [
        row
        for row in rows
        if row.status == "deleted"
        or ((author := known.get(row.user_id)) and sees_account(looking, author.account))
    ]  # fmt: skip
    likes = await cards.liked(database, looking, "comment", (row.id for row in seen))
    return [
        cards.comment(row, known[row.user_id].shown if row.user_id in known else None, user_liked=row.id in likes)
        for row in seen
    ]
