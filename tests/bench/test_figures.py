"""The arithmetic of samples."""

from __future__ import annotations

import pytest

from bench.figures import Target, at_least, at_most, figure, percentile, ratios

HUNDRED = [float(n) for n in range(1, 101)]


@pytest.mark.parametrize(
    ("ordered", "share", "expected"),
    [
        (HUNDRED, 0.5, 50),
        (HUNDRED, 0.99, 99),  # one of a hundred is slower
        (HUNDRED, 0.991, 100),
        (HUNDRED, 1.0, 100),
        (HUNDRED, 0.0, 1),
        ([7.0], 0.99, 7),
        ([1.0, 2.0], 0.5, 1),
        ([1.0, 2.0], 0.51, 2),
    ],
)
def test_a_percentile_is_the_sample_of_the_nearest_rank(ordered: list[float], share: float, expected: float) -> None:
    assert percentile(ordered, share) == expected


def test_ratios_pair_what_was_measured_in_one_round() -> None:
    assert ratios([8, 30, 3], [10, 10, 4]) == [0.8, 3.0, 0.75]
    with pytest.raises(ValueError, match="shorter"):
        ratios([1, 2], [1])


def test_a_figure_is_the_median_of_its_runs() -> None:
    found = figure("B1", "something", [9.0, 1.0, 2.0], "ms", at_most(2), "a note")
    assert (found.value, found.runs, found.notes) == (2.0, (9.0, 1.0, 2.0), ("a note",))


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [(at_least(0.8), 0.8, True), (at_least(0.8), 0.79, False), (at_most(10), 10, True), (at_most(10), 10.1, False)],
)
def test_a_target_has_a_direction(target: Target, value: float, met: bool) -> None:
    assert target.met(value) is met
