"""Moments: what one user did at one instant, and how far along the steps that may take a chain.

Events of one user and millisecond count as being in whichever order helps. So they are one moment, and what matters of
it is its *kind*: how many events of each pattern it holds. Nearly all hold one event, and then the kind is the number
of its pattern; the combinations of several that occur get the numbers after those.

    holds[kind, step]     whether an event of it matches the step
    reach[kind, done]     how many steps a chain has done after it that had done `done` before it
    events[kind, pattern] how many of its events are of the pattern, at most as many as there are steps
    size[kind]            how many events it has, likewise

Steps done+1..m can all be filled by distinct events of the moment if and only if no pattern holds more of these steps
than of the events (`query.funnel.steps`); `reach` is the greatest such m.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from . import runs
from .fold import END, Fold, Keys
from .steps import Steps

NUMBER_BITS: Final = 24  # of the number of a combination: there are fewer than records (`fold.MAX_RECORDS`)


class Moments(Struct, frozen=True):
    """`key` and `kind` are parallel, `key` with `END` behind. `several` is whether any moment holds several events."""

    steps: Steps
    key: Keys
    kind: NDArray[np.int64] | NDArray[np.uint8]
    several: bool
    latest: int
    holds: NDArray[np.bool_]
    reach: NDArray[np.uint8]
    events: NDArray[np.int64]
    size: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def nbytes(self) -> int:
        """Beyond what it shares with the fold."""
        return self.key.nbytes + self.kind.nbytes if self.several else 0

    def of_step(self, step: int) -> NDArray[np.bool_]:
        """Which moments hold the step (counted from 0)."""
        return self._among(self.holds[:, step])

    def of_pattern(self, pattern: int) -> NDArray[np.bool_]:
        return self._among(self.events[:, pattern] > 0)

    def _among(self, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        kinds = np.flatnonzero(wanted).tolist()  # with a number of numpy's own, bytes would be compared as 64 bits
        return self.kind == kinds[0] if len(kinds) == 1 else wanted.take(self.kind)


def moments(steps: Steps, fold: Fold) -> Moments:
    own = np.eye(len(steps.patterns), dtype=np.int64)
    first = runs.begins(fold.key[:-1])
    if first.all():
        return _made(steps, fold, fold.key, fold.pattern, own)
    starts = np.flatnonzero(first)
    sizes = np.diff(np.append(starts, len(fold)))
    kind = fold.pattern.take(starts).astype(np.int64)
    several = np.flatnonzero(sizes > 1)
    rows = np.flatnonzero(np.repeat(sizes > 1, sizes))
    owner = np.repeat(np.arange(len(several)), sizes.take(several))
    width = len(steps.patterns)
    counts = np.bincount(owner * width + fold.pattern.take(rows), minlength=len(several) * width)
    counts = counts.reshape(-1, width).clip(max=len(steps))
    combinations, which = _distinct(counts, len(steps))
    kind[several] = width + which
    return _made(steps, fold, np.append(fold.key.take(starts), END), kind, np.concatenate([own, combinations]))


def _made(
    steps: Steps, fold: Fold, key: Keys, kind: NDArray[np.int64] | NDArray[np.uint8], own: NDArray[np.int64]
) -> Moments:
    """`own[kind, pattern]`: how many of a kind's events have it as their narrowest pattern."""
    events = np.minimum(own @ steps.within, len(steps))
    holds = events[:, steps.of] > 0
    return Moments(
        steps=steps,
        key=key,
        kind=kind,
        several=len(own) > len(steps.patterns),
        latest=fold.latest,
        holds=holds,
        reach=_reach(steps, events),
        events=events,
        size=np.minimum(own.sum(axis=1), len(steps)),
    )


def _reach(steps: Steps, events: NDArray[np.int64]) -> NDArray[np.uint8]:
    reach = np.empty((len(events), len(steps) + 1), dtype=np.uint8)
    reach[:, len(steps)] = len(steps)
    for done in range(len(steps)):
        left = events.copy()
        filled = np.ones(len(events), dtype=np.bool_)
        reached = np.full(len(events), done, dtype=np.uint8)
        for step in range(done, len(steps)):
            around = steps.within[steps.of[step]]
            left[:, around] -= 1
            filled &= (left[:, around] >= 0).all(axis=1)
            if not filled.any():
                break
            reached += filled
        reach[:, done] = reached
    return reach


def _distinct(counts: NDArray[np.int64], most: int) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """The distinct rows, and which of them each row is.

    Rows are read as numbers, as many columns at a time as fit beside the number of what went before: sorting numbers is
    some ten times faster than sorting rows.
    """
    bits = most.bit_length()
    at_once = (63 - NUMBER_BITS) // bits
    which = np.zeros(len(counts), dtype=np.intp)
    examples = which
    for left in range(0, counts.shape[1], at_once):
        for column in counts.T[left : left + at_once]:
            which = which << bits | column
        _, examples, which = np.unique(which, return_index=True, return_inverse=True)
    return counts[examples], which
