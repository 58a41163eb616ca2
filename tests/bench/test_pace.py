"""When the requests of an open loop are due."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import pytest

from bench.pace import due_times


def test_due_times_rise_within_the_load_and_come_again_with_the_seed() -> None:
    dues = due_times(500, 4, seed=3)
    assert all(earlier < later for earlier, later in pairwise([0.0, *dues, 4.0]))
    assert dues == due_times(500, 4, seed=3) != due_times(500, 4, seed=4)


@pytest.mark.parametrize("rate", [10, 1_000])
def test_they_come_at_the_rate_and_independently(rate: int) -> None:
    seconds = 200_000 / rate
    dues = due_times(rate, seconds, seed=1)
    assert abs(len(dues) - 200_000) < 5 * sqrt(200_000)  # five standard deviations of a Poisson count
    gaps = [later - earlier for earlier, later in pairwise(dues)]
    mean = sum(gaps) / len(gaps)
    spread = sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert spread == pytest.approx(mean, rel=0.02)  # of exponential gaps; even ones would have none
