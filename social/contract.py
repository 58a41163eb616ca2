"""The calls of `/v1/social`: one table, from which both the routes and the OpenAPI document are made."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from store.contract import Read
from store.parameters import Asked

from .database import Database
from .reads import feed, influence, nearby, notifications, posts, profiles, search, trending
from .snapshots import Snapshots

TAG: Final = "social"
PREFIX: Final = "/v1/social"


class Question(Struct, frozen=True):
    """What a read needs. `subject` is what the path names: a user's id, a post's."""

    database: Database
    snapshots: Snapshots
    asked: Asked
    subject: str
    now: datetime


READS: Final[tuple[Read[Question], ...]] = (
    Read(
        "user", "/users/{id}", "A user's public profile, as the viewer may see it.",
        profiles.PARAMETERS, profiles.User, lambda q: profiles.user(q.database, q.subject, q.asked, q.now),
    ),
    Read(
        "notifications", "/users/{id}/notifications", "What happened to a user, grouped, the newest first.",
        notifications.PARAMETERS, notifications.Notifications,
        lambda q: notifications.notifications(q.database, q.subject, q.asked, q.now),
    ),
    Read(
        "post", "/posts/{id}", "A post, if the viewer may see it.",
        posts.PARAMETERS, posts.SinglePost, lambda q: posts.post(q.database, q.subject, q.asked, q.now),
    ),
    Read(
        "comments", "/posts/{id}/comments", "The comments of a post in threads, or one of its threads.",
        posts.COMMENT_PARAMETERS, posts.Comments, lambda q: posts.comments(q.database, q.subject, q.asked, q.now),
    ),
    Read(
        "search", "/search", "Posts by words, the best first.",
        search.PARAMETERS, search.Found, lambda q: search.search(q.database, q.asked, q.now),
    ),
    Read(
        "nearby", "/nearby", "Posts around a point, the nearest first.",
        nearby.PARAMETERS, nearby.Nearby, lambda q: nearby.nearby(q.database, q.asked, q.now),
    ),
    Read(
        "feed", "/users/{id}/feed", "What the accounts that a user follows posted in the last week, ranked.",
        feed.PARAMETERS, feed.Feed, lambda q: feed.feed(q.database, q.snapshots, q.subject, q.asked, q.now),
    ),
    Read(
        "influence", "/users/{id}/influence", "How far an account's word carries, and the three parts of it.",
        influence.PARAMETERS, influence.Score, lambda q: influence.influence(q.database, q.subject, q.asked, q.now),
    ),
    Read(
        "trending", "/trending", "Hashtags that more accounts use than before.",
        trending.PARAMETERS, trending.Trending, lambda q: trending.trending(q.database, q.asked, q.now),
    ),
)  # fmt: skip
