"""How a post ranks in a feed. Pure.

A rank is a logarithm to the base 2, so each point doubles:

    log2(1 + 3·likes + 5·comments + 8·shares + log2(1 + views))     what others made of it
    + age in half-lives, negative                                   orders like exponential decay
    + log2(affinity)                                                what the viewer makes of its author
    + log2(2.5) where it has a tag that the viewer has liked        their interests

All posts age alike, so an order once made stays right: time is counted from a fixed instant and not from now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from datetime import UTC, datetime, timedelta
from math import log2
from typing import Final

from msgspec import Struct, field

from .model import PostStats, PostStatus, Visibility

LIKE: Final = 3
COMMENT: Final = 5
SHARE: Final = 8

HALF_LIFE: Final = timedelta(days=1)
EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
INTEREST: Final = 2.5
MAX_AFFINITY: Final = 8  # three half-lives: whom one always likes stays above for days, but not for ever
PER_AUTHOR: Final = 3
_DIGITS: Final = 6  # of a rank: what is closer than a tenth of a second of age is a tie, and no matter of rounding


class Candidate(Struct, frozen=True):
    """A post as far as its place in a feed depends on it. It can be read as a row of `posts`."""

    id: str = field(name="_id")
    user_id: str
    created_at: datetime
    visibility: Visibility
    status: PostStatus
    hashtags: Sequence[str] = ()
    stats: PostStats = PostStats()


def engagement(stats: PostStats) -> int:
    """What others did about a post, each deed by its weight."""
    return LIKE * stats.likes_count + COMMENT * stats.comments_count + SHARE * stats.shares_count


def affinity(liked: int) -> int:
    """Of a viewer to an author of whose latest posts they like so many."""
    return min(1 + liked, MAX_AFFINITY)


def rank(post: Candidate, author_affinity: int, interests: Set[str]) -> float:
    """The higher, the earlier in the feed."""
    made = log2(1 + engagement(post.stats) + log2(1 + post.stats.views_count))
    half_lives = (post.created_at - EPOCH) / HALF_LIFE
    interest = 0.0 if interests.isdisjoint(post.hashtags) else log2(INTEREST)
    return round(made + half_lives + log2(author_affinity) + interest, _DIGITS)


def order(posts: Sequence[Candidate], liked: Set[str], interests: Set[str]) -> list[Candidate]:
    """The best first, at most three of an author. `liked`: ids of those that the viewer likes.

    Of the same rank, those first that are given first.
    """
    by_author = Counter(post.user_id for post in posts if post.id in liked)
    ranked = sorted(posts, key=lambda post: -rank(post, affinity(by_author[post.user_id]), interests))
    kept: list[Candidate] = []
    taken: Counter[str] = Counter()
    for post in ranked:
        taken[post.user_id] += 1
        if taken[post.user_id] <= PER_AUTHOR:
            kept.append(post)
    return kept
