"""The documents of the network: every collection's fields, their types and bounds. The one place that names a field.

    users ──< posts ──< comments          a comment belongs to a post; a reply is a comment with a parent
      │         ├─< shares, poll_votes
      ├─< follows, blocks, mutes          pairs of users
      ├─< likes >── posts, comments
      └─< notifications
    trends, influence                     derived: may be worked out again from the others
    waiting, progress                     the projector's own

Ids of users are those of the events; ids of posts and comments are given by whoever sends them. What is written is
`document(struct)`; `social.validators` makes the server refuse anything else, and `social.schema` says which
collection holds what, under which indexes. A field that is None is absent. Times are aware, UTC, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

MAX_DEPTH: Final = 8  # of a comment below its root; a reply to one so deep stands beside it

Id = Annotated[str, Meta(min_length=1, max_length=128)]
Name = Annotated[str, Meta(max_length=200)]
Url = Annotated[str, Meta(max_length=2_048)]
Text = Annotated[str, Meta(max_length=10_000)]
Tag = Annotated[str, Meta(min_length=1, max_length=100)]
Count = Annotated[int, Meta(ge=0)]
Counter = int  # never below zero either, but one that has drifted must not stop the edge that it counts
Position = Annotated[int, Meta(ge=0)]  # in the stream (`social.actions`); `applied`: of the last change to a document
Path = Annotated[str, Meta(min_length=21, max_length=21 * (MAX_DEPTH + 1))]

Visibility = Literal["public", "followers_only", "private"]
AccountStatus = Literal["active", "suspended", "deactivated", "deleted"]
PostStatus = Literal["draft", "published", "deleted"]
CommentStatus = Literal["published", "deleted"]
FollowStatus = Literal["pending", "accepted"]
TargetType = Literal["post", "comment"]
NotificationType = Literal["like", "comment", "reply", "follow", "follow_request", "mention", "share", "quote"]
NotificationTarget = Literal["post", "comment", "user"]


class Point(Struct, frozen=True):
    """GeoJSON: longitude first."""

    coordinates: tuple[Annotated[float, Meta(ge=-180, le=180)], Annotated[float, Meta(ge=-90, le=90)]]
    type: Literal["Point"] = "Point"


# People


class Profile(Struct, frozen=True, omit_defaults=True):
    first_name: Name | None = None
    last_name: Name | None = None
    bio: Text | None = None
    avatar_url: Url | None = None
    cover_url: Url | None = None
    website: Url | None = None
    birth_date: datetime | None = None
    gender: Name | None = None
    city: Name | None = None
    country: Name | None = None
    location: Point | None = None


class UserStats(Struct, frozen=True):
    """Kept by whoever writes the edges: each count moves with its edge and in no other way.

    followers_count, following_count: accepted follows. posts_count: published ones. likes_count: likes received.
    """

    followers_count: Counter = 0
    following_count: Counter = 0
    posts_count: Counter = 0
    likes_count: Counter = 0


class Preferences(Struct, frozen=True):
    private_account: bool = False
    show_birth_date: bool = False
    show_location: bool = True
    allow_mentions: bool = True
    allow_direct_messages: bool = True
    language: Name = "en"
    timezone: Name = "UTC"


class Verification(Struct, frozen=True, omit_defaults=True):
    is_verified: bool = False
    verification_type: Name | None = None
    verification_date: datetime | None = None


class User(Struct, frozen=True):
    """A user of whom nothing but an action is known has the defaults, and no name.

    username_key is the user name in one case (`str.casefold`), and unique.
    """

    id: Id = field(name="_id")
    created_at: datetime
    updated_at: datetime
    username: Name | None = None
    username_key: Name | None = None
    email: Name | None = None
    password_hash: Name | None = None
    profile: Profile = Profile()
    stats: UserStats = UserStats()
    preferences: Preferences = Preferences()
    verification: Verification = Verification()
    status: AccountStatus = "active"
    last_active: datetime | None = None
    applied: Position = 0


# Posts and what belongs to them


class Medium(Struct, frozen=True, omit_defaults=True):
    type: Literal["image", "video", "audio", "link"]
    url: Url
    thumbnail_url: Url | None = None
    width: Count | None = None
    height: Count | None = None
    size: Count | None = None
    format: Name | None = None


class PollOption(Struct, frozen=True):
    text: Name
    votes: Counter = 0


class Poll(Struct, frozen=True, omit_defaults=True):
    """`total_votes` counts voters; with `multiple_choice` the options' votes may add up to more."""

    question: Name
    options: Annotated[Sequence[PollOption], Meta(min_length=2, max_length=20)]
    total_votes: Counter = 0
    expires_at: datetime | None = None
    multiple_choice: bool = False


class Content(Struct, frozen=True, omit_defaults=True):
    text: Text = ""
    media: Annotated[Sequence[Medium], Meta(max_length=20)] = ()
    poll: Poll | None = None


class Place(Struct, frozen=True, omit_defaults=True):
    point: Point
    name: Name | None = None


class PostStats(Struct, frozen=True):
    """Kept by whoever writes the edges; comments_count holds the published ones of all depths."""

    likes_count: Counter = 0
    comments_count: Counter = 0
    shares_count: Counter = 0
    views_count: Counter = 0


class Post(Struct, frozen=True):
    """hashtags: in one case, each once. mentions: ids of users. quote_post: id of the post that this one quotes."""

    id: Id = field(name="_id")
    user_id: Id
    created_at: datetime
    updated_at: datetime
    content: Content = Content()
    hashtags: Annotated[Sequence[Tag], Meta(max_length=100)] = ()
    mentions: Annotated[Sequence[Id], Meta(max_length=100)] = ()
    location: Place | None = None
    stats: PostStats = PostStats()
    visibility: Visibility = "public"
    quote_post: Id | None = None
    content_warning: Name | None = None
    is_pinned: bool = False
    status: PostStatus = "published"
    applied: Position = 0


class CommentStats(Struct, frozen=True):
    likes_count: Counter = 0
    replies_count: Counter = 0


class Comment(Struct, frozen=True):
    """parent_id: the comment that it replies to; none in one that begins a thread. root_id: of that one, or its own id.

    `path` sorts a post's comments as they are read: a thread under its beginning, replies under what they reply to, the
    oldest first. A deleted one keeps its place and loses its text.
    """

    id: Id = field(name="_id")
    post_id: Id
    user_id: Id
    root_id: Id
    path: Path
    created_at: datetime
    updated_at: datetime
    parent_id: Id | None = None
    depth: Annotated[int, Meta(ge=0, le=MAX_DEPTH)] = 0
    text: Text = ""
    stats: CommentStats = CommentStats()
    status: CommentStatus = "published"
    applied: Position = 0


class Like(Struct, frozen=True):
    user_id: Id
    target_type: TargetType
    target_id: Id
    created_at: datetime


class Share(Struct, frozen=True):
    user_id: Id
    post_id: Id
    created_at: datetime


class PollVote(Struct, frozen=True):
    """`options` are positions in the poll; more than one only where it allows that."""

    user_id: Id
    post_id: Id
    options: Annotated[Sequence[Count], Meta(min_length=1, max_length=20)]
    created_at: datetime


# Pairs of users


class Follow(Struct, frozen=True):
    """A follow of a private account is a request, `pending`, until it is accepted."""

    follower_id: Id
    following_id: Id
    created_at: datetime
    status: FollowStatus = "accepted"
    accepted_at: datetime | None = None


class Block(Struct, frozen=True):
    """Neither sees anything of the other."""

    blocker_id: Id
    blocked_id: Id
    created_at: datetime


class Mute(Struct, frozen=True):
    """Keeps one out of another's feed and notifications, and hides nothing."""

    muter_id: Id
    muted_id: Id
    created_at: datetime
    expires_at: datetime | None = None


# Derived


class Notification(Struct, frozen=True):
    """`_id` is made from the edge that it tells of, so that the same edge tells once. Names are filled in at read.

    target: what it is about: of a follow, the user's own account; of a comment, the post.
    """

    id: Annotated[str, Meta(min_length=1, max_length=400)] = field(name="_id")
    user_id: Id
    type: NotificationType
    actor_id: Id
    target_type: NotificationTarget
    target_id: Id
    created_at: datetime
    read: bool = False


class Trend(Struct, frozen=True):
    """expected_users: what `user_count` is compared with. average_engagement: 3 a like, 5 a comment, 8 a share."""

    hashtag: Tag
    score: float
    user_count: Count
    expected_users: Count
    post_count: Count
    average_engagement: float


class Trends(Struct, frozen=True):
    """The best of so many hours, the best first, as they were worked out at `as_of`."""

    hours: int = field(name="_id")
    as_of: datetime
    hashtags: Sequence[Trend]


class Influence(Struct, frozen=True):
    """A user's influence as it was worked out at `as_of`; the score is the product of its three parts."""

    id: Id = field(name="_id")
    as_of: datetime
    score: float
    reach: float
    engagement: float
    quality: float


# The projector's own


class Waiting(Struct, frozen=True):
    """An action that came before what it is about. needs: `post:ID` or `comment:ID`; the rest is as it was sent."""

    id: Position = field(name="_id")
    needs: Annotated[str, Meta(max_length=200)]
    actor: Id
    at: datetime
    name: Name
    properties: str
    expires_at: datetime


class Progress(Struct, frozen=True):
    """How far the projector `_id` has come: all up to `position` is done, and nothing after it.

    But for `plan`: what it was about to write where the server has no transactions (`social.writing`), up to `until`.
    session: the id of that in which it has its transactions, where the server has them.
    """

    id: str = field(name="_id")
    position: Position
    until: Position | None = None
    plan: str | None = None
    session: Annotated[str, Meta(max_length=32)] | None = None


def document(struct: Struct) -> dict[str, Any]:
    """What MongoDB stores: fields that are None are left out, at every depth."""
    found: dict[str, Any] = msgspec.to_builtins(struct, builtin_types=(datetime,))
    return _without_none(found)


def path_below(parent: Comment | None, id_: str, created_at: datetime) -> tuple[str, int]:
    """(path, depth) of a comment: its parent's path with 21 characters more, which sort by time and differ by id."""
    milliseconds = int(created_at.timestamp() * 1000)
    step = f"{max(milliseconds, 0):011x}{blake2b(id_.encode(), digest_size=5).hexdigest()}"
    if parent is None:
        return step, 0
    if parent.depth >= MAX_DEPTH:
        return parent.path[: -len(step)] + step, MAX_DEPTH
    return parent.path + step, parent.depth + 1


def _without_none(value: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(each) if isinstance(each, dict) else each
        for name, each in value.items()
        if each is not None
    }
