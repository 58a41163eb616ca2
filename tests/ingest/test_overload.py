"""Who is let in, from figures that the test makes up: no clock, no load."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from math import inf

import pytest

from ingest.errors import Overloaded
from ingest.overload import HELD, HOLD_S, REQUEST_WORK, Overload, Reading, level, next_capacity

WORK = REQUEST_WORK + 1  # of a request with one event
MIB = 1 << 20


def overload(memory_bytes: int = 64 * MIB, draw: Callable[[], float] = lambda: 0.0) -> Overload:
    return Overload(0.1, memory_bytes, draw)


def reading(late_s: float = 0.0, journal_share: float = 0.0, drain_s: float = 0.0) -> Reading:
    return Reading(0.1, late_s, journal_share, drain_s)


def lets_in(gate: Overload, site: str = "shop", *, important: bool = False, events: int = 1) -> bool:
    try:
        gate.enter(site, 400)
    except Overloaded:
        return False
    try:
        gate.check(site, events, lambda: important)
    except Overloaded:
        return False
    finally:
        gate.leave(site, 400)
    gate.finished(events)
    return True


@pytest.mark.parametrize(
    ("demands", "capacity", "expected"),
    [
        ([], inf, inf),
        ([5, 10], inf, inf),
        ([5, 10], 20, 20),  # enough for all
        ([30], 10, 10),
        ([30, 30], 10, 5),
        ([2, 30], 10, 8),  # what the first leaves goes to the second
        ([30, 1, 3, 30], 10, 3),
    ],
)
def test_sites_share_what_there_is(demands: list[float], capacity: float, expected: float) -> None:
    assert level(demands, capacity) == expected
    if expected < max(demands, default=0):
        assert sum(min(demand, expected) for demand in demands) == pytest.approx(capacity)


@pytest.mark.parametrize(
    ("capacity", "demand", "done", "late_s", "expected"),
    [
        (inf, 900, 900, 0.05, inf),
        (inf, 900, 900, 0.11, 818.2),  # a tenth too late
        (inf, 900, 900, 9.0, 765),  # never cut by more than CUT at a time
        (500, 900, 400, 0.11, 363.6),
        (500, 900, 800, 9.0, 500),  # what was let in before is still being done: that is no reason for a deeper cut
        (500, 900, 500, 0.08, 525),
        (500, 900, 500, 0.01, 575),
        (500, 250, 250, 0.01, inf),  # twice what is asked for: no bound is needed any more
        (500, 900, 0, 9.0, 500),  # nothing was done: a stall
        (5, 9, 1, 9.0, REQUEST_WORK),  # never so little that nothing would come in, and nothing be learnt
    ],
)
def test_capacity_follows_the_loop(capacity: float, demand: float, done: float, late_s: float, expected: float) -> None:
    assert next_capacity(capacity, demand, done, late_s, 0.1) == pytest.approx(expected, rel=1e-3)


def test_it_can_be_switched_off() -> None:
    assert next_capacity(500, 900, 500, 9.0, 0) == inf


def offered(gate: Overload, rounds: int, *loads: tuple[str, int, bool], late_s: float = 0.0) -> dict[str, int]:
    """How many single events of each load passed, `loads` (site, events a reading, important) coming interleaved."""
    passed = dict.fromkeys((f"{site}{'!' * important}" for site, _, important in loads), 0)
    for _ in range(rounds):
        gate.measured(reading(late_s=late_s))
        for turn in range(max(count for _, count, _ in loads)):
            for site, count, important in loads:
                if turn < count and lets_in(gate, site, important=important):
                    passed[f"{site}{'!' * important}"] += 1
    return passed


def overloaded(*loads: tuple[str, int, bool], capacity: float) -> Overload:
    """One that has learnt what comes, and lets in so many events a reading; it is late by as much as it may be."""
    gate = overload()
    offered(gate, 20, *loads)
    gate.capacity = capacity * WORK * 10
    return gate


def test_a_site_that_floods_takes_nothing_from_another() -> None:
    loads = (("flood", 100, False), ("shop", 10, False))
    passed = offered(overloaded(*loads, capacity=40), 10, *loads, late_s=0.1)
    assert passed["shop"] == 100
    assert passed["flood"] == pytest.approx(300, rel=0.5)


def test_two_that_flood_get_the_same() -> None:
    loads = (("flood", 100, False), ("deluge", 300, False))
    passed = offered(overloaded(*loads, capacity=40), 10, *loads, late_s=0.1)
    assert passed["flood"] == pytest.approx(passed["deluge"], rel=0.1)


def test_conversions_pass_while_page_views_are_turned_away() -> None:
    loads = (("shop", 100, False), ("shop", 10, True))
    passed = offered(overloaded(*loads, capacity=40), 10, *loads, late_s=0.1)
    assert passed["shop!"] == 100
    assert 0 < passed["shop"] < 500


def test_a_flood_of_conversions_is_bounded_too() -> None:
    loads = (("flood", 100, True), ("shop", 10, False))
    passed = offered(overloaded(*loads, capacity=20), 20, *loads, late_s=0.1)
    assert passed["shop"] == 200
    assert passed["flood!"] < 1_000


def test_nothing_is_turned_away_while_the_loop_keeps_up_nor_long_after() -> None:
    loads = (("shop", 100, False),)
    gate = overload()
    assert offered(gate, 20, *loads, late_s=0.09)["shop"] == 2_000
    assert offered(gate, 20, *loads, late_s=0.3)["shop"] < 1_500
    assert gate.admitted_share < 0.5
    offered(gate, 100, *loads, late_s=0.0)
    assert gate.admitted_share == 1
    assert offered(gate, 20, *loads)["shop"] == 2_000


def test_the_last_of_the_journal_is_for_conversions() -> None:
    gate = overload()
    gate.measured(reading(journal_share=0.91))
    assert not lets_in(gate)
    assert lets_in(gate, important=True)
    gate.measured(reading(journal_share=0.89))
    assert lets_in(gate)


def test_a_site_may_hold_as_much_memory_as_is_still_free() -> None:
    gate = overload(memory_bytes=10 * MIB)
    for _ in range(4):
        gate.enter("flood", MIB)
    with pytest.raises(Overloaded, match="memory"):
        gate.enter("flood", 2 * MIB)
    gate.enter("shop", 2 * MIB)
    for _ in range(4):
        gate.leave("flood", MIB)
    gate.leave("shop", 2 * MIB)
    assert gate.held_bytes == 0
    gate.enter("flood", 2 * MIB)


@pytest.mark.parametrize(
    ("drain_s", "least_s", "drawn", "expected"),
    [
        (0, 1, 0.0, 1),
        (0, 1, 0.5, 1.5),
        (20, 1, 0.0, 20),  # as long as what is journalled needs into Redis
        (20, 1, 0.5, 30),
        (3_600, 1, 0.0, 60),
        (5, 10, 0.0, 10),
    ],
)
def test_when_to_try_again_follows_the_backlog(drain_s: float, least_s: float, drawn: float, expected: float) -> None:
    gate = overload(draw=lambda: drawn)
    gate.measured(reading(drain_s=drain_s))
    assert gate.retry_after(least_s) == expected


def test_when_to_try_again_follows_what_is_asked_for() -> None:
    loads = (("shop", 90, False),)
    gate = overloaded(*loads, capacity=30)
    gate.measured(reading(late_s=0.1))
    assert gate.retry_after(1) == pytest.approx(3, rel=0.1)


def test_refusals_are_held_back_the_longer_the_more_there_are_and_no_more_than_fit() -> None:
    gate = overload()
    seconds = [gate.hold() for _ in range(HELD)]
    assert seconds == sorted(seconds)
    assert 0 < seconds[0] < 0.001
    assert seconds[-1] == HOLD_S
    assert gate.hold() == 0
    gate.release()
    assert gate.hold() == HOLD_S


def test_asking_whether_a_request_would_pass_counts_nothing() -> None:
    draw = random.Random(7)
    gate, answers = overload(), set()
    for _ in range(2_000):
        important = draw.random() < 0.3
        is_important = partial(bool, important)
        said = gate.passes("shop", is_important)
        assert gate.passes("shop", is_important) is said
        events = draw.choice([1, 1, 1, 500])
        try:
            gate.check("shop", events, is_important)
        except Overloaded:
            assert not said
        else:
            assert said
            gate.finished(1)
        answers.add((said, important))
        if draw.random() < 0.02:
            gate.measured(reading(draw.choice([0.0, 0.05, 0.2, 1.0]), draw.choice([0.1, 0.1, 0.95])))
    assert answers == {(said, important) for said in (True, False) for important in (True, False)}
