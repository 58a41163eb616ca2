"""When a server has caught up."""

from __future__ import annotations

from bench.outage import BATCH, CAUGHT_UP_S, caught_up

DUES = [100 + n / 10 for n in range(100)]  # ten batches a second, from second 100 to 110


def test_it_has_caught_up_when_all_that_was_due_shortly_before_is_visible() -> None:
    behind = [(105.0, 7), (106.0, 7 + 40 * BATCH)]
    level = (107.0, 7 + 69 * BATCH)  # of 71 that are due by then
    assert caught_up([*behind, level, (108.0, 7 + 100 * BATCH)], DUES, 7) == level


def test_events_of_before_do_not_count() -> None:
    early, last = (103.0, 500), (112.0, 500 + 100 * BATCH)
    assert caught_up([early, last], DUES, 500) == last


def test_the_load_may_end_first() -> None:
    samples = [(111.0, 99 * BATCH), (112.0 + CAUGHT_UP_S, 100 * BATCH)]
    assert caught_up(samples, DUES, 0) == samples[-1]
