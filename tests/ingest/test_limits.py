"""How much a key may send, on a clock of its own."""

from __future__ import annotations

import pytest

from ingest.errors import RateLimited
from ingest.limits import Limits, Rate
from store.site import Grant, Site

SHOP = Grant(Site("shop"), "write")
BLOG = Grant(Site("blog"), "write")


def test_a_burst_then_the_rate() -> None:
    limits = Limits(Rate(events=10, burst=20))
    limits.check(SHOP, 0)
    limits.take(SHOP, 20, 0)
    with pytest.raises(RateLimited) as refused:
        limits.check(SHOP, 50)
    assert refused.value.retry_after == pytest.approx(0.05)
    limits.check(SHOP, 100)
    limits.check(BLOG, 0)


def test_a_batch_over_the_burst_is_let_in_and_paid_for_before_the_next() -> None:
    limits = Limits(Rate(events=10, burst=20))
    limits.take(SHOP, 120, 0)
    with pytest.raises(RateLimited) as refused:
        limits.check(SHOP, 0)
    assert refused.value.retry_after == pytest.approx(10.1)
    limits.check(SHOP, 10_100)


def test_a_quiet_key_saves_up_no_more_than_its_burst() -> None:
    limits = Limits(Rate(events=10, burst=20))
    limits.take(SHOP, 20, 3_600_000)
    with pytest.raises(RateLimited):
        limits.check(SHOP, 3_600_000)


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    limits = Limits(Rate(events=10, burst=20))
    limits.take(SHOP, 15, 10_000)
    limits.check(SHOP, 0)
    limits.take(SHOP, 5, 0)
    with pytest.raises(RateLimited):
        limits.check(SHOP, 0)


def test_unlimited() -> None:
    limits = Limits(Rate(events=0, burst=1))
    limits.take(SHOP, 1_000_000, 0)
    limits.check(SHOP, 0)
