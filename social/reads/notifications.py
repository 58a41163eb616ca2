"""What happened to a user: likes, comments, follows and the like, those of one kind about one thing as one entry.

The latest 1,000 notifications are looked at. Those by accounts that are gone, not active, blocked or muted, or about a
post or comment that the user may no longer see, count for nothing. Names and texts are as they are now, not as they
were then.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct, field

from store.errors import BadParameter
from store.parameters import CURSOR, Asked, Parameter

from .. import cards
from ..cards import Author, AuthorRow
from ..database import Database
from ..errors import NotFound
from ..model import AccountStatus, CommentStatus, Content, NotificationTarget, NotificationType, PostStatus, Visibility
from ..parameters import LIMIT
from ..schema import BY_ID, COMMENTS, NOTIFICATIONS, NOTIFICATIONS_OF_USER, POSTS, USERS
from ..visibility import Viewer, accounts_of, offered, sees_post, viewer_of

LOOKED_AT: Final = 1_000
NAMED: Final = 3  # of those who did it, the latest

PARAMETERS: Final = (
    Parameter("unread", "Only what the user has not read, or only what they have.", "flag"),
    LIMIT,
    CURSOR,
)


class Group(Struct, frozen=True):
    """`actors` are the latest of `actor_count`. `preview` is the beginning of the post or comment that it is about."""

    type: NotificationType
    target_type: NotificationTarget
    target_id: str
    preview: str | None
    actors: Sequence[Author]
    actor_count: int
    count: int
    unread: int
    latest_at: datetime


class Notifications(Struct, frozen=True):
    """`complete` is false where there are more notifications than were looked at."""

    as_of: datetime
    user_id: str
    groups: Sequence[Group]
    complete: bool
    next_cursor: str | None


class _Notification(Struct, frozen=True):
    id: str = field(name="_id")
    type: NotificationType
    actor_id: str
    target_type: NotificationTarget
    target_id: str
    created_at: datetime
    read: bool = False

    @property
    def group(self) -> str:
        return f"{self.type}:{self.target_type}:{self.target_id}"


class _Owner(Struct, frozen=True):
    id: str = field(name="_id")
    status: AccountStatus = "active"


class _Post(Struct, frozen=True):
    id: str = field(name="_id")
    user_id: str
    content: Content = Content()
    visibility: Visibility = "public"
    status: PostStatus = "published"


class _Comment(Struct, frozen=True):
    id: str = field(name="_id")
    post_id: str
    text: str = ""
    status: CommentStatus = "published"


async def notifications(database: Database, id_: str, asked: Asked, now: datetime) -> Notifications:
    """Raises `NotFound`. The pages of one list are all as of its first one."""
    after = asked.after(int, int, str)
    as_of = _instant(after[0]) if after else now
    owner, viewer, found = await asyncio.gather(
        database.find_one(_Owner, USERS, {"_id": id_}, index=BY_ID),
        viewer_of(database, id_, now),
        _latest(database, id_, asked["unread"], as_of),
    )
    if owner is None or owner.status == "deleted":
        raise NotFound("user", id_)
    known = await cards.authors(database, (row.actor_id for row in found))
    told = [
        row
        for row in found
        if offered(viewer, row.actor_id) and row.actor_id in known and known[row.actor_id].status == "active"
    ]
    previews = await _previews(database, viewer, told)
    grouped: dict[str, list[_Notification]] = defaultdict(list)
    for row in told:
        if row.target_type == "user" or (row.target_type, row.target_id) in previews:
            grouped[row.group].append(row)
    # The rows came newest first, so the first of a group is its latest.
    order = sorted(grouped, key=lambda group: (-_milliseconds(grouped[group][0].created_at), group))
    if after:
        order = [
            group for group in order if (-_milliseconds(grouped[group][0].created_at), group) > (-after[1], after[2])
        ]
    limit = asked["limit"]
    page = order[:limit]
    more = None
    if len(order) > limit:
        more = asked.cursor(_milliseconds(as_of), _milliseconds(grouped[page[-1]][0].created_at), page[-1])
    groups = [_group(grouped[group], known, previews) for group in page]
    return Notifications(as_of, id_, groups, len(found) < LOOKED_AT, more)


async def _latest(database: Database, id_: str, unread: bool | None, as_of: datetime) -> list[_Notification]:
    """The newest first. Read and unread ones lie apart in the index: each is a range that is already in order."""

    def newest(read: bool) -> Awaitable[list[_Notification]]:
        return database.find(
            _Notification,
            NOTIFICATIONS,
            {"user_id": id_, "read": read, "created_at": {"$lte": as_of}},
            index=NOTIFICATIONS_OF_USER,
            sort=[("created_at", -1), ("_id", -1)],
            limit=LOOKED_AT,
        )

    found = await asyncio.gather(*(newest(read) for read in (False, True) if unread in (None, not read)))
    order = sorted((row for rows in found for row in rows), key=lambda row: (row.created_at, row.id), reverse=True)
    return order[:LOOKED_AT]


async def _previews(
    database: Database, viewer: Viewer, rows: Sequence[_Notification]
) -> Mapping[tuple[NotificationTarget, str], str]:
    """The beginnings of the posts and comments that they are about; what the user may not see is missing."""
    ids: dict[NotificationTarget, set[str]] = {"post": set(), "comment": set(), "user": set()}
    for row in rows:
        ids[row.target_type].add(row.target_id)
    found: dict[tuple[NotificationTarget, str], str] = {}
    said = await _by_ids(database, _Comment, COMMENTS, ids["comment"])
    said = [row for row in said if row.status == "published"]
    posts = await _by_ids(database, _Post, POSTS, ids["post"] | {row.post_id for row in said})
    accounts = await accounts_of(database, (row.user_id for row in posts)) if posts else {}
    seen = {
        row.id: row for row in posts if sees_post(viewer, accounts.get(row.user_id), row.visibility, row.status)
    }  # fmt: skip
    for id_ in ids["post"] & set(seen):
        found["post", id_] = cards.preview(seen[id_].content.text)
    for row in said:
        if row.post_id in seen:
            found["comment", row.id] = cards.preview(row.text)
    return found


async def _by_ids(database: Database, row: Any, collection: Any, ids: set[str]) -> list[Any]:
    return await database.find(row, collection, {"_id": {"$in": sorted(ids)}}, index=BY_ID) if ids else []


def _group(
    rows: Sequence[_Notification],
    known: Mapping[str, AuthorRow],
    previews: Mapping[tuple[NotificationTarget, str], str],
) -> Group:
    latest = rows[0]
    actors = list(dict.fromkeys(row.actor_id for row in rows))
    return Group(
        latest.type, latest.target_type, latest.target_id, previews.get((latest.target_type, latest.target_id)),
        [known[id_].shown for id_ in actors[:NAMED]], len(actors), len(rows), sum(not row.read for row in rows),
        latest.created_at,
    )  # fmt: skip


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def _instant(milliseconds: int) -> datetime:
    try:
        return _EPOCH + milliseconds * _MILLISECOND
    except OverflowError:
        raise BadParameter("cursor", "is not one that an answer gave") from None


def _milliseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MILLISECOND
