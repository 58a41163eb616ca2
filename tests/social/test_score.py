"""How posts rank: the formula, and that an order stays right as time passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import exp2, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social.model import PostStats
from social.score import Candidate, affinity, order, rank

NOW = datetime(2025, 1, 13, 9, tzinfo=UTC)
NONE: frozenset[str] = frozenset()


def post(id_: str = "p", age: float = 0, by: str = "ada", tags: tuple[str, ...] = (), **stats: int) -> Candidate:
    counts = PostStats(**{f"{name}_count": count for name, count in stats.items()})
    return Candidate(id_, by, NOW - timedelta(days=age), "public", "published", tags, counts)


@pytest.mark.parametrize(
    ("better", "by"),
    [
        (post(), 0),  # nothing is nothing, and no infinity
        (post(likes=1), 2),
        (post(comments=3), 4),
        (post(shares=1), log2(9)),
        (post(likes=1, comments=1, shares=1), log2(17)),
        (post(views=1), 1),
        (post(views=(1 << 30) - 1), log2(31)),
        (post(tags=("sea",)), 0),
        (post(tags=("sea", "tea")), log2(2.5)),
        (post(age=1), -1),
        (post(age=-1), 1),  # dated tomorrow: the formula holds, and the feed does not ask for it
    ],
)
def test_a_post_stands_above_an_empty_one_by(better: Candidate, by: float) -> None:
    interests = frozenset({"tea"})
    assert rank(better, 1, interests) - rank(post(), 1, interests) == pytest.approx(by, abs=1e-5)


def test_affinity_is_bounded() -> None:
    assert [affinity(liked) for liked in (0, 1, 3, 7, 500)] == [1, 2, 4, 8, 8]
    assert rank(post(), 8, NONE) - rank(post(), 1, NONE) == pytest.approx(3)


ages = st.floats(0, 7)
counts = st.integers(0, 10**6)


@given(st.lists(st.tuples(ages, counts, counts), min_size=2, max_size=6), st.floats(0, 10))
def test_orders_as_exponential_decay_does_at_any_time(made: list[tuple[float, int, int]], later: float) -> None:
    posts = [
        post(str(at), age, f"author {at}", likes=likes, views=views) for at, (age, likes, views) in enumerate(made)
    ]

    def weight(of: Candidate) -> float:
        age = (NOW - of.created_at) / timedelta(days=1) + later
        return (1 + 3 * of.stats.likes_count + log2(1 + of.stats.views_count)) * exp2(-age)

    weights = [weight(each) for each in order(posts, NONE, NONE)]
    assert all(one >= other * (1 - 1e-5) for one, other in pairwise(weights))


def test_at_most_three_of_an_author_and_whom_one_likes_first() -> None:
    posts = [post(f"a{at}", at / 10) for at in range(5)] + [post("b0", 0.05, "bob"), post("c0", 0.9, "cyd")]
    assert [each.id for each in order(posts, NONE, NONE)] == ["a0", "b0", "a1", "a2", "c0"]
    assert [each.id for each in order(posts, {"c0"}, NONE)] == ["c0", "a0", "b0", "a1", "a2"]


def test_of_the_same_rank_those_first_that_are_given_first() -> None:
    posts = [post("x", by="ada"), post("y", by="bob"), post("z", by="cyd")]
    assert [each.id for each in order(posts, NONE, NONE)] == ["x", "y", "z"]
