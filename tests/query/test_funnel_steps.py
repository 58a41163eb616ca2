from __future__ import annotations

import random

import numpy as np
import pytest

from query.funnel.fold import build
from query.funnel.moments import moments
from query.funnel.steps import Sieve, Steps
from store import trail
from tests.query.test_funnel_fold import columns

NAMES = ["page:/", "page:/blog", "page:/blog/", "page:/blog/a", "page:/blogs", "conversion:buy", "event:page:/blog/"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["conversion:buy"], {"conversion:buy": "conversion:buy"}),
        (["conversion:buy*"], {}),  # no kind but pages has prefixes
        (["page:/blog"], {"page:/blog": "page:/blog"}),
        (
            ["page:/blog/*", "page:/blog*"],
            {
                "page:/blog": "page:/blog*",
                "page:/blogs": "page:/blog*",
                "page:/blog/": "page:/blog/*",
                "page:/blog/a": "page:/blog/*",
            },
        ),
        (
            ["page:/*", "page:/blog/a", "page:/blog/*"],
            {
                "page:/": "page:/*",
                "page:/blog": "page:/*",
                "page:/blogs": "page:/*",
                "page:/blog/": "page:/blog/*",
                "page:/blog/a": "page:/blog/a",
            },
        ),
    ],
)
def test_a_name_is_of_its_narrowest_pattern(steps: list[str], expected: dict[str, str]) -> None:
    parsed = Steps(steps)
    exact = {name: NAMES.index(name) for name in parsed.exact() if name in NAMES}
    found = parsed.hashes(enumerate(NAMES), exact)
    assert {NAMES[code]: parsed.patterns[pattern] for code, pattern in found.items()} == expected


def test_a_pattern_holds_those_within_it() -> None:
    steps = Steps(["page:/a*", "page:/a/b", "page:/a/*", "page:/a*", "event:page:/a/b", "page:/b"])
    assert steps.patterns == ("page:/a*", "page:/a/b", "page:/a/*", "event:page:/a/b", "page:/b")
    assert steps.of == [0, 1, 2, 0, 3, 4]
    assert steps.within.astype(int).tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 0, 1, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 0, 1],
    ]


def test_a_step_that_is_asked_for_by_its_name_wins_its_hash() -> None:
    steps = Steps(["page:/*", "event:x"])
    assert steps.hashes([(7, "page:/a")], {"event:x": 7}) == {7: 1}


@pytest.mark.parametrize("apart", [1 << 24, 1])
def test_the_sieve_finds_the_wanted_hashes_and_no_others(apart: int) -> None:
    """Hashes that are 2^24 apart share the bits that the sieve looks at first."""
    rng = random.Random(4)
    every = [(rng.randrange(1 << 16) << 8) + i * apart for i in range(3000)]
    every += [every[0] + i * apart for i in range(200)]
    patterns = {step: step % 20 for step in rng.sample(every, 500)}
    sieve = Sieve(patterns)
    words = trail.words(b"".join(trail.pack(step, step, 0, 0, 0, 0) for step in every))
    found, pattern = sieve.sifted(words)
    assert found[:, 0].tolist() == [step for step in every if step in patterns]
    assert pattern.tolist() == [patterns[step] for step in every if step in patterns]


def test_a_sieve_for_nothing_lets_nothing_through() -> None:
    sieve = Sieve({})
    found, pattern = sieve.sifted(trail.words(trail.pack(1, 0, 0, 0, 0, 0)))
    assert (len(found), len(pattern)) == (0, 0)


@pytest.mark.parametrize(
    ("names", "together", "reach"),
    [
        (["event:a", "event:b", "event:c"], ["event:a", "event:c"], [1, 1, 3, 3]),
        (["event:a", "event:a", "event:a"], ["event:a", "event:a"], [2, 3, 3, 3]),
        (["page:/*", "page:/x", "page:/*"], ["page:/x", "page:/x"], [2, 3, 3, 3]),
        (["page:/*", "page:/x", "page:/*"], ["page:/*", "page:/*"], [1, 1, 3, 3]),
        (["page:/*", "page:/x", "page:/x"], ["page:/*", "page:/x", "page:/x", "page:/x"], [3, 3, 3, 3]),
        (["page:/x", "page:/*", "page:/x"], ["page:/x", "page:/*"], [2, 3, 3, 3]),
    ],
)
def test_how_far_a_moment_takes_a_chain(names: list[str], together: list[str], reach: list[int]) -> None:
    """`reach[done]` for a moment with events whose narrowest patterns are `together`."""
    steps = Steps(names)
    rows = [(1, 5, steps.patterns.index(pattern), 0) for pattern in together]
    made = moments(steps, build(columns(rows), 0))
    assert (len(made), made.several) == (1, True)
    assert made.reach[made.kind[0]].tolist() == reach


def test_many_patterns_in_one_moment_are_told_apart() -> None:
    """More of them than fit into one number (`moments._distinct`)."""
    names = [f"event:{i}" for i in range(20)]
    rng = random.Random(9)
    rows = [(user, 5, rng.randrange(20), 0) for user in range(300) for _ in range(rng.randint(2, 4))]
    made = moments(Steps(names), build(columns(rows), 0))
    for user in range(300):
        own = np.bincount([pattern for who, _, pattern, _ in rows if who == user], minlength=20)
        assert made.events[made.kind[user]].tolist() == own.tolist()
