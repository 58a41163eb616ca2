from __future__ import annotations

from query.lru import ENTRY_BYTES, Lru


def test_what_was_not_used_for_longest_goes_first() -> None:
    kept: Lru[str, int] = Lru(3 * (100 + ENTRY_BYTES))
    for number, key in enumerate("abc"):
        kept.put(key, number, 100)
    assert kept.get("a") == 0
    kept.put("d", 3, 100)
    assert ("b" in kept, kept.get("a"), kept.get("c"), kept.get("d")) == (False, 0, 2, 3)


def test_the_budget_holds_whatever_is_put() -> None:
    budget = 10 * (100 + ENTRY_BYTES)
    kept: Lru[int, str] = Lru(budget)
    for number in range(100):
        kept.put(number % 13, "", number * 10)
        assert kept.nbytes <= budget
    kept.put(5, "larger than all", budget)
    assert 5 not in kept
    for number in range(13):
        kept.drop(number)
    assert (len(kept), kept.nbytes) == (0, 0)


def test_one_that_is_replaced_counts_once() -> None:
    kept: Lru[str, int] = Lru(10_000)
    for number in range(5):
        kept.put("a", number, 1_000)
    assert (kept.get("a"), kept.nbytes) == (4, 1_000 + ENTRY_BYTES)
