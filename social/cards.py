"""What is shown of an author, a post and a comment, wherever they appear: names, texts and counts, and nothing else.

An answer is made of these structs, field by field, from rows whose fields say what is read at all: a password's hash,
an e-mail address and what preferences hide are in none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct, field

from .database import Database
from .model import (
    AccountStatus,
    CommentStats,
    CommentStatus,
    Content,
    Medium,
    Place,
    PollOption,
    PostStats,
    PostStatus,
    TargetType,
    Visibility,
)
from .schema import BY_ID, LIKES, LIKES_EDGE, USERS
from .visibility import Account, Openness, Viewer, sees_post

PREVIEW: Final = 100  # characters of a text that only reminds of it


class Author(Struct, frozen=True):
    """Of a private account, too: who may see that somebody did something may see who it was."""

    id: str
    username: str | None
    name: str
    avatar_url: str | None
    is_verified: bool


class Location(Struct, frozen=True):
    name: str | None
    latitude: float
    longitude: float


class Poll(Struct, frozen=True):
    question: str
    options: Sequence[PollOption]
    total_votes: int
    multiple_choice: bool
    expires_at: datetime | None


class Post(Struct, frozen=True):
    """`user_liked`: whether the viewer likes it. `mentions` are ids of users; `quote_post` is the id of a post."""

    id: str
    author: Author
    created_at: datetime
    text: str
    media: Sequence[Medium]
    poll: Poll | None
    hashtags: Sequence[str]
    mentions: Sequence[str]
    location: Location | None
    stats: PostStats
    visibility: Visibility
    status: PostStatus
    quote_post: str | None
    content_warning: str | None
    is_pinned: bool
    user_liked: bool


class Comment(Struct, frozen=True):
    """A deleted one is still there, without author and text, for the sake of the replies to it."""

    id: str
    author: Author | None
    created_at: datetime
    text: str
    parent_id: str | None
    root_id: str
    depth: int
    stats: CommentStats
    deleted: bool
    user_liked: bool


class PostRow(Struct, frozen=True):
    """A post as it is read, for `visible`."""

    id: str = field(name="_id")
    user_id: str
    created_at: datetime
    content: Content = Content()
    hashtags: Sequence[str] = ()
    mentions: Sequence[str] = ()
    location: Place | None = None
    stats: PostStats = PostStats()
    visibility: Visibility = "public"
    status: PostStatus = "published"
    quote_post: str | None = None
    content_warning: str | None = None
    is_pinned: bool = False


class CommentRow(Struct, frozen=True):
    id: str = field(name="_id")
    user_id: str
    root_id: str
    path: str
    created_at: datetime
    parent_id: str | None = None
    depth: int = 0
    text: str = ""
    stats: CommentStats = CommentStats()
    status: CommentStatus = "published"


class _Names(Struct, frozen=True):
    first_name: str | None = None
    last_name: str | None = None
    avatar_url: str | None = None


class _Verified(Struct, frozen=True):
    is_verified: bool = False


class AuthorRow(Struct, frozen=True):
    """An account with what is shown of it beside what it did."""

    id: str = field(name="_id")
    username: str | None = None
    profile: _Names = _Names()
    verification: _Verified = _Verified()
    status: AccountStatus = "active"
    preferences: Openness = Openness()

    @property
    def account(self) -> Account:
        return Account(self.id, self.status, self.preferences)

    @property
    def shown(self) -> Author:
        names = (self.profile.first_name, self.profile.last_name)
        name = " ".join(each for each in names if each)
        return Author(self.id, self.username, name, self.profile.avatar_url, self.verification.is_verified)


class _Liked(Struct, frozen=True):
    target_id: str


async def authors(database: Database, ids: Iterable[str]) -> Mapping[str, AuthorRow]:
    """By id; those that are gone are missing."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = await database.find(AuthorRow, USERS, {"_id": {"$in": wanted}}, index=BY_ID)
    return {row.id: row for row in rows}


async def liked(database: Database, viewer: Viewer, type_: TargetType, ids: Iterable[str]) -> frozenset[str]:
    """Which of them the viewer likes."""
    wanted = sorted(set(ids))
    if viewer.id is None or not wanted:
        return frozenset()
    filter_ = {"user_id": viewer.id, "target_type": type_, "target_id": {"$in": wanted}}
    return frozenset(row.target_id for row in await database.find(_Liked, LIKES, filter_, index=LIKES_EDGE))


async def visible(database: Database, viewer: Viewer, rows: Sequence[PostRow]) -> list[Post]:
    """Those of the posts that the viewer may see, in the same order; two queries for all of them."""
    known = await authors(database, (row.user_id for row in rows))
    seen = [
        row
        for row in rows
        if (author := known.get(row.user_id)) and sees_post(viewer, author.account, row.visibility, row.status)
    ]
    likes = await liked(database, viewer, "post", (row.id for row in seen))
    return [_post(row, known[row.user_id].shown, row.id in likes) for row in seen]


def comment(row: CommentRow, author: Author | None, *, user_liked: bool) -> Comment:
    """Of a deleted one no author should be given."""
    deleted = row.status == "deleted"
    return Comment(
        row.id, None if deleted else author, row.created_at, "" if deleted else row.text, row.parent_id, row.root_id,
        row.depth, row.stats, deleted, user_liked,
    )  # fmt: skip


def preview(text: str) -> str:
    return text if len(text) <= PREVIEW else text[: PREVIEW - 1] + "…"


def _post(row: PostRow, author: Author, user_liked: bool) -> Post:
    poll = location = None
    if asked := row.content.poll:
        poll = Poll(asked.question, asked.options, asked.total_votes, asked.multiple_choice, asked.expires_at)
    if row.location:
        longitude, latitude = row.location.point.coordinates
        location = Location(row.location.name, latitude, longitude)
    return Post(
        row.id, author, row.created_at, row.content.text, row.content.media, poll, row.hashtags, row.mentions, location,
        row.stats, row.visibility, row.status, row.quote_post, row.content_warning, row.is_pinned, user_liked,
    )  # fmt: skip
