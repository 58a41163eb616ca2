"""Rates and means of sessions stay within what they can be."""

from __future__ import annotations

import pytest

from query.answers.sessions import Sessions, figures


@pytest.mark.parametrize(
    ("count", "bounces", "duration_ms", "want"),
    [
        (0, 0, 0, Sessions(0, None, None)),
        (3, 1, 10_000, Sessions(3, 1 / 3, 3.333)),
        (2, 2, 0, Sessions(2, 1.0, 0.0)),
        (2, 3, 5, Sessions(2, 1.0, 0.003)),  # read while a commit fell between
        (2, -1, -1, Sessions(2, 0.0, 0.0)),
        (-1, 0, 0, Sessions(0, None, None)),
    ],
)
def test_figures(count: int, bounces: int, duration_ms: int, want: Sessions) -> None:
    assert figures(count, bounces, duration_ms) == want
