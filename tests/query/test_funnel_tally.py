"""Percentiles against numpy's own, to the last bit."""

from __future__ import annotations

import numpy as np

from query.funnel import tally


def test_percentiles_are_those_of_numpy() -> None:
    rng = np.random.default_rng(3)
    assert tally._percentiles(np.empty(0, np.int64)) == (None, None)
    for count in range(1, 200):
        waited = rng.integers(0, rng.choice([3, 1000, 1 << 37]), count)
        assert tally._percentiles(waited) == tuple(np.percentile(waited, (50, 90)).tolist())
