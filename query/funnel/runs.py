"""Runs of equal neighbours in an array: where they begin and end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def begins(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the values are the first of their run."""
    first = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first


def ends(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the values are the last of their run."""
    last = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=last[:-1])
    return last
