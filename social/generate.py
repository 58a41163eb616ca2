"""A made-up network of any size, what the bench measures and the plans are read on.

What is skewed in life is skewed here: few are followed by most (Zipf), few write and like most (gamma), few posts get
most of the likes, some hashtags are of the last day alone. The same seed makes the same network. Into an empty database
only; every counter agrees with its edges (`social.recount` finds no drift).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

import numpy as np
from msgspec import Struct

from .database import Database
from .model import (
    Comment,
    CommentStats,
    Content,
    Follow,
    Like,
    Notification,
    Place,
    Point,
    Post,
    PostStats,
    Preferences,
    Profile,
    Share,
    User,
    UserStats,
    document,
    path_below,
)
from .schema import COMMENTS, FOLLOWS, LIKES, NOTIFICATIONS, POSTS, SHARES, USERS, Collection
from .working_set import edge_id

DAYS: Final = 60
AT_ONCE: Final = 5_000  # documents an insert
TAGS: Final = 2_000

WORDS: Final = (
    "river", "window", "coffee", "morning", "garden", "train", "letter", "market", "winter", "harbour", "bread",
    "music", "paper", "signal", "mountain", "kitchen", "lantern", "bicycle", "island", "thunder", "pocket", "summer",
    "bridge", "story", "camera", "forest", "ticket", "orange", "engine", "silver",
)  # fmt: skip
CITIES: Final = (
    (13.40, 52.52), (2.35, 48.86), (-0.13, 51.51), (-3.70, 40.42), (12.50, 41.90), (-74.00, 40.71), (-118.24, 34.05),
    (139.69, 35.68), (77.21, 28.61), (151.21, -33.87),
)  # fmt: skip

Ints = np.ndarray[Any, np.dtype[np.int64]]


class Scale(Struct, frozen=True):
    """How large the network is. Of the posts' number there are 3 likes, 1/2 comment, 1/5 share and one notification."""

    users: int = 100_000
    follows: int = 2_000_000
    posts: int = 1_000_000
    seed: int = 7


async def generate(database: Database, now: datetime, scale: Scale) -> int:
    """Fills the database with a network whose last post was made just before `now`; how many documents it has."""
    made = _Made(np.random.default_rng(scale.seed), now, scale)
    total = 0
    async with database.working(seconds=24 * 3600) as handle:
        for collection, documents in made.all():
            rest = iter(documents)
            while some := list(islice(rest, AT_ONCE)):
                await handle[collection.name].insert_many(some, ordered=False)
                total += len(some)
    return total


class _Made:
    """The whole network as columns of numbers: users and posts are 0..n-1 there."""

    def __init__(self, random: np.random.Generator, now: datetime, scale: Scale) -> None:
        self._random = random
        self._now = now
        self._users, self._posts = scale.users, scale.posts
        keen = random.gamma(0.5, size=scale.users) + 1e-3
        keen /= keen.sum()
        fame = 1 / np.arange(1, scale.users + 1) ** 0.8
        self._private = random.random(scale.users) < 0.07
        self._follows = self._pairs(scale.follows, keen, fame / fame.sum(), self._users)
        self._follows = self._follows[self._follows[:, 0] != self._follows[:, 1]]
        self._pending = self._private[self._follows[:, 1]] & (random.random(len(self._follows)) < 0.1)

        self._author = random.choice(scale.users, scale.posts, p=keen)
        self._age_s = np.sort(random.random(scale.posts))[::-1] * DAYS * 86_400  # post n + 1 is newer than post n
        appeal = random.pareto(1.5, scale.posts) + 0.1
        appeal /= appeal.sum()
        self._likes = self._pairs(3 * scale.posts, keen, appeal, self._posts)
        self._shares = self._pairs(scale.posts // 5, keen, appeal, self._posts)
        self._comments = np.stack(
            [
                random.choice(scale.users, scale.posts // 2, p=keen),
                random.choice(scale.posts, scale.posts // 2, p=appeal),
            ],
            axis=1,
        )

    def _pairs(self, count: int, left: Any, right: Any, span: int) -> Ints:
        """Different (user, thing) pairs, about `count`, each drawn by its weights."""
        drawn = self._random.choice(self._users, count, p=left).astype(np.int64) * span
        drawn += self._random.choice(span, count, p=right)
        unique = np.unique(drawn)
        return np.stack([unique // span, unique % span], axis=1)

    def all(self) -> Iterator[tuple[Collection, Iterable[dict[str, Any]]]]:
        yield USERS, self._user_documents()
        yield FOLLOWS, self._follow_documents()
        yield POSTS, self._post_documents()
        yield COMMENTS, self._comment_documents()
        yield LIKES, self._like_documents()
        yield SHARES, self._share_documents()
        yield NOTIFICATIONS, self._notification_documents()

    def _user_documents(self) -> Iterator[dict[str, Any]]:
        accepted = self._follows[~self._pending]
        columns = zip(
            np.bincount(accepted[:, 1], minlength=self._users).tolist(),
            np.bincount(accepted[:, 0], minlength=self._users).tolist(),
            np.bincount(self._author, minlength=self._users).tolist(),
            np.bincount(self._author[self._likes[:, 1]], minlength=self._users).tolist(),
            self._private.tolist(),
            self._random.normal(0, 0.1, (self._users, 2)).tolist(),
            strict=True,
        )
        joined = self._now - timedelta(days=DAYS)
        for n, (followers, following, posts, likes, private, spot) in enumerate(columns):
            yield document(User(
                id=f"u{n}", created_at=joined, updated_at=joined, username=f"User{n}", username_key=f"user{n}",
                email=f"u{n}@example.org",
                profile=Profile(first_name=WORDS[n % 30].title(), bio=WORDS[n % 29], location=_near(n, spot)),
                stats=UserStats(followers, following, posts, likes), preferences=Preferences(private_account=private),
            ))  # fmt: skip

    def _follow_documents(self) -> Iterator[dict[str, Any]]:
        at = self._now - timedelta(days=DAYS)
        for (one, other), pending in zip(self._follows.tolist(), self._pending.tolist(), strict=True):
            follow = Follow(f"u{one}", f"u{other}", at, "pending" if pending else "accepted", None if pending else at)
            yield {**document(follow), "_id": edge_id(follow.follower_id, follow.following_id)}

    def _post_documents(self) -> Iterator[dict[str, Any]]:
        random, count = self._random, self._posts
        tag = random.zipf(1.3, (count, 2)) % TAGS
        fresh = (self._age_s < 86_400) & (random.random(count) < 0.2)  # what trends is of the last day
        tag[fresh, 0] = TAGS + random.integers(0, 20, int(fresh.sum()))
        columns = zip(
            self._author.tolist(), tag.tolist(), random.integers(0, 30, (count, 8)).tolist(),
            random.choice(["public", "followers_only", "private"], count, p=[0.9, 0.08, 0.02]).tolist(),
            (random.random(count) < 0.05).tolist(), random.normal(0, 0.1, (count, 2)).tolist(),
            np.bincount(self._likes[:, 1], minlength=count).tolist(),
            np.bincount(self._comments[:, 1], minlength=count).tolist(),
            np.bincount(self._shares[:, 1], minlength=count).tolist(),
            strict=True,
        )  # fmt: skip
        for n, (author, tags, words, visibility, located, spot, likes, comments, shares) in enumerate(columns):
            at, names = self._at(n), tuple(dict.fromkeys(f"tag{one}" for one in tags))
            text = " ".join([*(WORDS[word] for word in words), *(f"#{name}" for name in names)])
            yield document(Post(
                id=f"p{n}", user_id=f"u{author}", created_at=at, updated_at=at, content=Content(text), hashtags=names,
                location=Place(_near(n, spot)) if located else None, visibility=visibility,
                stats=PostStats(likes, comments, shares, 20 * likes),
            ))  # fmt: skip

    def _comment_documents(self) -> Iterator[dict[str, Any]]:
        """Each of the first kind begins a thread; each third one of a post answers the one before."""
        before: dict[int, Comment] = {}
        held: list[Comment] = []
        answered: dict[str, int] = {}
        for n, (user, post) in enumerate(self._comments.tolist()):
            parent = before.get(post) if n % 3 == 0 else None
            at = self._at(post) + timedelta(seconds=n % 3600)
            path, depth = path_below(parent, f"c{n}", at)
            comment = Comment(
                id=f"c{n}", post_id=f"p{post}", user_id=f"u{user}", root_id=parent.root_id if parent else f"c{n}",
                path=path, created_at=at, updated_at=at, parent_id=parent.id if parent else None, depth=depth,
                text=f"{WORDS[n % 30]} and {WORDS[post % 30]}",
            )  # fmt: skip
            if parent:
                answered[parent.id] = answered.get(parent.id, 0) + 1
            before[post] = comment
            held.append(comment)
        for comment in held:
            replies = CommentStats(replies_count=answered.get(comment.id, 0))
            yield {**document(comment), "stats": document(replies)}

    def _like_documents(self) -> Iterator[dict[str, Any]]:
        for user, post in self._likes.tolist():
            like = Like(f"u{user}", "post", f"p{post}", self._at(post))
            yield {**document(like), "_id": edge_id(like.user_id, "post", like.target_id)}

    def _share_documents(self) -> Iterator[dict[str, Any]]:
        for user, post in self._shares.tolist():
            share = Share(f"u{user}", f"p{post}", self._at(post))
            yield {**document(share), "_id": edge_id(share.user_id, share.post_id)}

    def _notification_documents(self) -> Iterator[dict[str, Any]]:
        for n, (user, post) in enumerate(self._likes[::3].tolist()):
            actor, told, target = f"u{user}", f"u{self._author[post]}", f"p{post}"
            yield document(Notification(
                id=f"like-{edge_id(told, 'like', actor, 'post', target)}", user_id=told, type="like", actor_id=actor,
                target_type="post", target_id=target, created_at=self._at(post), read=n % 2 == 0,
            ))  # fmt: skip

    def _at(self, post: int) -> datetime:
        return self._now - timedelta(seconds=1 + float(self._age_s[post]))


def _near(n: int, spot: list[float]) -> Point:
    longitude, latitude = CITIES[n % len(CITIES)]
    return Point((round(longitude + spot[0], 5), round(latitude + spot[1], 5)))
