"""Counting against numpy's own."""

from __future__ import annotations

import numpy as np
import pytest

from query.funnel import runs


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 64, 1001])
def test_counting_is_a_cumulative_sum(length: int) -> None:
    for share in (0.0, 0.3, 1.0):
        mask = np.random.default_rng(length).random(length) < share
        assert runs.counted(mask).tolist() == np.cumsum(mask).tolist()
