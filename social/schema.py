"""The collections of the network: which documents each holds, and its indexes, each with what it is for.

`social.migrate` brings a database to this table. A query names the index that it means (`Database.find`), and a test
holds a real MongoDB's plan against that.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import Struct

from . import model

_DAY_S: Final = 86_400
NOTIFICATION_DAYS: Final = 90

Direction = Literal[1, -1, "text", "2dsphere"]


class Index(Struct, frozen=True):
    """`keys`: field -> direction, in order. `expire_s`: seconds after the one key's time at which a document goes."""

    name: str
    keys: tuple[tuple[str, Direction], ...]
    unique: bool = False
    sparse: bool = False
    expire_s: int | None = None
    weights: tuple[tuple[str, int], ...] = ()

    @property
    def needs(self) -> str | None:
        """The capability without which a server cannot have it."""
        return {"text": "text_index", "2dsphere": "geo_index"}.get(str(self.keys[0][1]))

    def options(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": self.name}
        if self.unique:
            found["unique"] = True
        if self.sparse:
            found["sparse"] = True
        if self.expire_s is not None:
            found["expireAfterSeconds"] = self.expire_s
        if self.weights:
            # No language: a stop word in one is a name in another, and a hashtag is no word to be stemmed.
            found |= {"weights": dict(self.weights), "default_language": "none"}
        return found


class Collection(Struct, frozen=True):
    name: str
    document: type[Struct]
    indexes: tuple[Index, ...]


BY_ID: Final = Index("_id_", (("_id", 1),))  # every collection has it

USERS_BY_USERNAME: Final = Index("users_by_username", (("username_key", 1),), unique=True, sparse=True)
USERS_BY_EMAIL: Final = Index("users_by_email", (("email", 1),), unique=True, sparse=True)

# An author's posts, the newest first; for several authors at once, the server merges as many sorted ranges.
POSTS_OF_AUTHOR: Final = Index(
    "posts_of_author", (("user_id", 1), ("status", 1), ("created_at", -1), ("_id", -1))
)  # fmt: skip
# What everyone may see of a time: trends.
POSTS_OF_TIME: Final = Index("posts_of_time", (("status", 1), ("visibility", 1), ("created_at", -1), ("_id", -1)))
POSTS_NEAR: Final = Index("posts_near", (("location.point", "2dsphere"),))
POSTS_TEXT: Final = Index(
    "posts_text", (("content.text", "text"), ("hashtags", "text")), weights=(("content.text", 10), ("hashtags", 5)),
)  # fmt: skip

COMMENTS_OF_POST: Final = Index("comments_of_post", (("post_id", 1), ("path", 1), ("_id", 1)))
COMMENTS_OF_THREAD: Final = Index("comments_of_thread", (("post_id", 1), ("root_id", 1), ("path", 1), ("_id", 1)))
# What a recount counts: replies, an author's comments, and below the likes and shares of one thing.
COMMENTS_OF_PARENT: Final = Index("comments_of_parent", (("parent_id", 1),), sparse=True)
COMMENTS_OF_USER: Final = Index("comments_of_user", (("user_id", 1), ("created_at", -1)))

# The edges: the unique index is what makes a second like no like.
LIKES_EDGE: Final = Index("likes_edge", (("user_id", 1), ("target_type", 1), ("target_id", 1)), unique=True)
LIKES_OF_TARGET: Final = Index("likes_of_target", (("target_type", 1), ("target_id", 1), ("user_id", 1)))
SHARES_EDGE: Final = Index("shares_edge", (("user_id", 1), ("post_id", 1)), unique=True)
SHARES_OF_POST: Final = Index("shares_of_post", (("post_id", 1), ("user_id", 1)))
POLL_VOTES_EDGE: Final = Index("poll_votes_edge", (("post_id", 1), ("user_id", 1)), unique=True)
FOLLOWS_EDGE: Final = Index("follows_edge", (("follower_id", 1), ("following_id", 1)), unique=True)
# Covered: whom one follows, and who follows one, without reading a document.
FOLLOWEES: Final = Index("followees", (("follower_id", 1), ("status", 1), ("following_id", 1)))
FOLLOWERS: Final = Index("followers", (("following_id", 1), ("status", 1), ("follower_id", 1)))
BLOCKS_EDGE: Final = Index("blocks_edge", (("blocker_id", 1), ("blocked_id", 1)), unique=True)
BLOCKERS: Final = Index("blockers", (("blocked_id", 1), ("blocker_id", 1)))
MUTES_EDGE: Final = Index("mutes_edge", (("muter_id", 1), ("muted_id", 1)), unique=True)
MUTES_EXPIRY: Final = Index("mutes_expiry", (("expires_at", 1),), expire_s=0)

NOTIFICATIONS_OF_USER: Final = Index(
    "notifications_of_user", (("user_id", 1), ("read", 1), ("created_at", -1), ("_id", -1))
)  # fmt: skip
NOTIFICATIONS_EXPIRY: Final = Index("notifications_expiry", (("created_at", 1),), expire_s=NOTIFICATION_DAYS * _DAY_S)

WAITING_FOR: Final = Index("waiting_for", (("needs", 1), ("_id", 1)))
WAITING_EXPIRY: Final = Index("waiting_expiry", (("expires_at", 1),), expire_s=0)

USERS: Final = Collection("users", model.User, (USERS_BY_USERNAME, USERS_BY_EMAIL))
POSTS: Final = Collection(
    "posts", model.Post, (POSTS_OF_AUTHOR, POSTS_OF_TIME, POSTS_NEAR, POSTS_TEXT)
)  # fmt: skip
COMMENTS: Final = Collection(
    "comments", model.Comment, (COMMENTS_OF_POST, COMMENTS_OF_THREAD, COMMENTS_OF_PARENT, COMMENTS_OF_USER)
)  # fmt: skip
LIKES: Final = Collection("likes", model.Like, (LIKES_EDGE, LIKES_OF_TARGET))
SHARES: Final = Collection("shares", model.Share, (SHARES_EDGE, SHARES_OF_POST))
POLL_VOTES: Final = Collection("poll_votes", model.PollVote, (POLL_VOTES_EDGE,))
FOLLOWS: Final = Collection("follows", model.Follow, (FOLLOWS_EDGE, FOLLOWEES, FOLLOWERS))
BLOCKS: Final = Collection("blocks", model.Block, (BLOCKS_EDGE, BLOCKERS))
MUTES: Final = Collection("mutes", model.Mute, (MUTES_EDGE, MUTES_EXPIRY))
NOTIFICATIONS: Final = Collection(
    "notifications", model.Notification, (NOTIFICATIONS_OF_USER, NOTIFICATIONS_EXPIRY)
)  # fmt: skip
TRENDS: Final = Collection("trends", model.Trends, ())
INFLUENCE: Final = Collection("influence", model.Influence, ())
WAITING: Final = Collection("waiting", model.Waiting, (WAITING_FOR, WAITING_EXPIRY))
PROGRESS: Final = Collection("progress", model.Progress, ())

COLLECTIONS: Final = (
    USERS, POSTS, COMMENTS, LIKES, SHARES, POLL_VOTES, FOLLOWS, BLOCKS, MUTES, NOTIFICATIONS, TRENDS, INFLUENCE,
    WAITING, PROGRESS,
)  # fmt: skip
