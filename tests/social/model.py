"""What every read of the network should answer, worked out the slow and plain way from lists of documents.

It shares no code with `social.visibility`, `social.score` or the reads, and knows neither indexes nor pages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b
from statistics import mean, median
from typing import Any

from msgspec import Struct

from social.model import Block, Comment, Follow, Like, Mute, Notification, Post, User

HOUR = timedelta(hours=1)


class Plain:
    """`viewer` is a user's id, or None for nobody in particular."""

    def __init__(self, documents: Iterable[Struct], now: datetime) -> None:
        held = list(documents)
        self.now = now
        self.users = {each.id: each for each in held if isinstance(each, User)}
        self.posts = {each.id: each for each in held if isinstance(each, Post)}
        self.comments_ = {each.id: each for each in held if isinstance(each, Comment)}
        self.told = [each for each in held if isinstance(each, Notification)]
        self.likes = {(each.user_id, each.target_type, each.target_id) for each in held if isinstance(each, Like)}
        self.blocks = {(each.blocker_id, each.blocked_id) for each in held if isinstance(each, Block)}
        self.follows = {
            (each.follower_id, each.following_id)
            for each in held
            if isinstance(each, Follow) and each.status == "accepted"
        }
        self.mutes = {
            (each.muter_id, each.muted_id)
            for each in held
            if isinstance(each, Mute) and (each.expires_at is None or each.expires_at > now)
        }

    # Who sees what

    def parted(self, one: str | None, other: str) -> bool:
        return (one, other) in self.blocks or (other, one) in self.blocks

    def sees_user(self, viewer: str | None, id_: str) -> bool:
        """Whether the viewer sees what this user publishes for everyone."""
        user = self.users.get(id_)
        if user is None:
            return False
        if viewer == id_:
            return True
        if user.status != "active" or self.parted(viewer, id_):
            return False
        return (viewer, id_) in self.follows if user.preferences.private_account else True

    def sees_post(self, viewer: str | None, id_: str) -> bool:
        post = self.posts.get(id_)
        if post is None or post.user_id not in self.users or post.status == "deleted":
            return False
        if viewer == post.user_id:
            return True
        if post.status == "draft" or not self.sees_user(viewer, post.user_id):
            return False
        follows = (viewer, post.user_id) in self.follows
        return {"public": True, "followers_only": follows, "private": False}[post.visibility]

    # The reads; None where there is no answer for this viewer

    def user(self, viewer: str | None, id_: str) -> dict[str, Any] | None:
        user = self.users.get(id_)
        if user is None or user.status == "deleted" or self.parted(viewer, id_):
            return None
        if user.status != "active" and viewer != id_:
            return None
        whole, itself = self.sees_user(viewer, id_), viewer == id_
        birth_date = user.profile.birth_date
        assert birth_date
        return {
            "id": id_,
            "username": user.username,
            "limited": not whole,
            "followed": (viewer, id_) in self.follows,
            "followers_count": user.stats.followers_count,
            "birth_date": birth_date.date() if whole and (itself or user.preferences.show_birth_date) else None,
            "city": user.profile.city if whole and (itself or user.preferences.show_location) else None,
        }

    def post(self, viewer: str | None, id_: str) -> dict[str, Any] | None:
        if not self.sees_post(viewer, id_):
            return None
        post = self.posts[id_]
        return {
            "id": id_,
            "author": post.user_id,
            "text": post.content.text,
            "stats": post.stats,
            "user_liked": (viewer, "post", id_) in self.likes,
        }

    def comments(self, viewer: str | None, post_id: str) -> list[tuple[str, str | None]] | None:
        """(id, author); the author of a deleted one is None."""
        if not self.sees_post(viewer, post_id):
            return None

        def below(parent: str | None) -> list[Comment]:
            siblings = [each for each in self.comments_.values() if (each.post_id, each.parent_id) == (post_id, parent)]
            siblings.sort(key=lambda each: (each.created_at, blake2b(each.id.encode(), digest_size=5).digest()))
            return [one for sibling in siblings for one in (sibling, *below(sibling.id))]

        return [
            (each.id, None if each.status == "deleted" else each.user_id)
            for each in below(None)
            if each.status == "deleted" or self.sees_user(viewer, each.user_id)
        ]

    def notifications(self, id_: str, unread: bool | None) -> list[dict[str, Any]] | None:
        if id_ not in self.users or self.users[id_].status == "deleted":
            return None

        def there(one: Notification) -> bool:
            if one.target_type == "user":
                return True
            comment = self.comments_.get(one.target_id)
            if one.target_type == "comment" and (comment is None or comment.status == "deleted"):
                return False
            return self.sees_post(id_, comment.post_id if comment else one.target_id)

        groups: dict[str, list[Notification]] = {}
        for one in sorted(self.told, key=lambda one: (one.created_at, one.id), reverse=True):
            actor = self.users.get(one.actor_id)
            if (
                one.user_id == id_
                and one.created_at <= self.now
                and one.read in ((True, False) if unread is None else (not unread,))
                and actor
                and actor.status == "active"
                and not self.parted(id_, one.actor_id)
                and (id_, one.actor_id) not in self.mutes
                and there(one)
            ):
                groups.setdefault(f"{one.type}:{one.target_type}:{one.target_id}", []).append(one)
        return [
            {
                "type": those[0].type,
                "target_id": those[0].target_id,
                "actors": list(dict.fromkeys(one.actor_id for one in those))[:3],
                "actor_count": len({one.actor_id for one in those}),
                "count": len(those),
                "unread": sum(not one.read for one in those),
                "latest_at": those[0].created_at,
            }
            for _, those in sorted(groups.items(), key=lambda group: (-group[1][0].created_at.timestamp(), group[0]))
        ]

    def search(self, viewer: str | None, words: set[str]) -> list[str]:
        """Ids of the published posts that hold one of the words, the best first."""

        def score(post: Post) -> float:
            found = 0.0
            for weight, held in ((10, post.content.text.split()), (5, list(post.hashtags))):
                for word in words & set(held):
                    n, m = held.count(word), len(held)
                    found += weight * (1 / 2 + n / (2 * m)) * (2 - 2 ** (1 - n))
            return round(found, 6)

        found = [post for post in self._published(viewer) if score(post)]
        return [post.id for post in sorted(found, key=lambda post: (-score(post), post.id))]

    def nearby(self, viewer: str | None, longitude: float, latitude: float, radius_m: int) -> list[str]:
        """Ids, the nearest first."""

        def distance(post: Post) -> float:
            assert post.location
            east, north = post.location.point.coordinates
            a, b = math.radians(latitude), math.radians(north)
            half_turn = math.sin(math.radians(east - longitude) / 2)
            haversine = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * half_turn**2
            return round(2 * 6_378_100 * math.asin(math.sqrt(haversine)), 2)

        found = [post for post in self._published(viewer) if post.location and distance(post) <= radius_m]
        return [post.id for post in sorted(found, key=lambda post: (distance(post), post.id))]

    def _published(self, viewer: str | None) -> list[Post]:
        return [post for post in self.posts.values() if post.status == "published" and self.sees_post(viewer, post.id)]

    def feed(self, viewer: str, liked_tags: set[str]) -> list[str] | None:
        """Ids, the best first; None where there is no such user."""
        if viewer not in self.users or self.users[viewer].status == "deleted":
            return None
        shown = [
            post
            for post in self.posts.values()
            if (viewer, post.user_id) in self.follows
            and (viewer, post.user_id) not in self.mutes
            and post.status == "published"
            and self.sees_post(viewer, post.id)
            and timedelta() <= self.now - post.created_at <= 7 * 24 * HOUR
        ]

        def weight(post: Post) -> float:
            """As the seed has it: engagement, less by half each day, times what the viewer thinks of it."""
            stats = post.stats
            engagement = 3 * stats.likes_count + 5 * stats.comments_count + 8 * stats.shares_count
            liked = sum((viewer, "post", each.id) in self.likes for each in shown if each.user_id == post.user_id)
            decay = math.exp2(-((self.now - post.created_at) / (24 * HOUR)))
            interest = 2.5 if liked_tags & set(post.hashtags) else 1
            return (1 + engagement + math.log2(1 + stats.views_count)) * decay * min(8, 1 + liked) * interest

        def place(post: Post) -> tuple[Any, ...]:
            return round(math.log2(weight(post)), 6), post.created_at, post.id

        feed: list[Post] = []
        for post in sorted(shown, key=place, reverse=True):
            if sum(each.user_id == post.user_id for each in feed) < 3:
                feed.append(post)
        return [post.id for post in feed]

    def trending(self, hours: int) -> list[dict[str, Any]]:
        def posts_of(tag: str, begin: datetime, end: datetime) -> list[Post]:
            return [
                post
                for post in self.posts.values()
                if tag in post.hashtags
                and begin < post.created_at <= end
                and (post.status, post.visibility) == ("published", "public")
                and self.users[post.user_id].status == "active"
                and not self.users[post.user_id].preferences.private_account
            ]

        found = []
        since = self.now - hours * HOUR
        for tag in {tag for post in self.posts.values() for tag in post.hashtags}:
            posts, before = posts_of(tag, since, self.now), posts_of(tag, since - hours * HOUR, since)
            observed = len({post.user_id for post in posts})
            expected = max(1, len({post.user_id for post in before}))
            if observed > expected:
                made = [
                    3 * post.stats.likes_count + 5 * post.stats.comments_count + 8 * post.stats.shares_count
                    for post in posts
                ]
                found.append({
                    "hashtag": tag,
                    "score": round((observed - expected) ** 2 / expected, 4),
                    "user_count": observed,
                    "expected_users": expected,
                    "post_count": len(posts),
                    "average_engagement": round(mean(made), 2),
                })  # fmt: skip
        return sorted(found, key=lambda each: (-each["score"], -each["user_count"], each["hashtag"]))

    def influence(self, viewer: str | None, id_: str) -> tuple[float, float, float] | None:
        """(reach, engagement, quality)."""
        if not self.sees_user(viewer, id_) or self.users[id_].status == "deleted":
            return None
        followers = self.users[id_].stats.followers_count
        of_followers = [
            self.users[one].stats.followers_count for one, other in self.follows if other == id_ and one in self.users
        ]
        made = [
            3 * post.stats.likes_count + 5 * post.stats.comments_count + 8 * post.stats.shares_count
            for post in self.posts.values()
            if post.user_id == id_
            and post.status == "published"
            and post.visibility == "public"
            and timedelta() <= self.now - post.created_at < 30 * 24 * HOUR
        ]
        rate = 1 + (median(made) / max(1, followers) if made else 0)
        quality = math.sqrt(mean(math.log(1 + count) for count in of_followers)) if of_followers else 0
        return math.log(1 + followers), rate, quality
