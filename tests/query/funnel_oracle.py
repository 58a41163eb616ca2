"""What a funnel's words mean, by trying everything: slow, and nothing in it is shared with the matcher.

A user's events are in the order of the trail. Sequences of distinct events are built one by one and kept where they
fulfil the definition; of those with the most steps the rules then choose one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, permutations, product

from msgspec import Struct

from query.funnel.match import Entry, Order


class Did(Struct, frozen=True):
    at: int
    name: str
    value: int = 0


class Went(Struct, frozen=True):
    """How far a user came, when they did each step, and what each step's conversion was worth (None: it is none)."""

    depth: int
    begin: int
    times: tuple[int, ...]
    values: tuple[int | None, ...]


Chain = tuple[Did, ...]


def matches(step: str, name: str) -> bool:
    return name.startswith(step[:-1]) if step.startswith("page:") and step.endswith("*") else name == step


def went(
    events: Sequence[Did], steps: Sequence[str], order: Order, entry: Entry, window: int, since: int, until: int
) -> Went | None:
    """None where the user did not do the first step."""
    relevant = [e for e in events if since <= e.at < until and any(matches(step, e.name) for step in steps)]
    relevant.sort(key=lambda e: e.at)  # stable: the trail's order stays where the times are equal
    chains = list({"ordered": _ordered, "strict": _strict, "any": _any}[order](relevant, steps, window))
    if not chains:
        return None
    depth = max(map(len, chains))
    deepest = [chain for chain in chains if len(chain) == depth]
    if order == "any":
        return _went_any(relevant, steps, chains, deepest, entry)
    begin = (max if entry == "latest" else min)(chain[0].at for chain in deepest)
    times = min(tuple(e.at for e in chain) for chain in deepest if chain[0].at == begin)
    values = []
    for i, (step, at) in enumerate(zip(steps, times, strict=False)):
        taken = sum(steps[j] == step and times[j] == at for j in range(i))
        values.append(_value(step, [e for e in relevant if e.at == at], taken))
    return Went(depth, begin, times, tuple(values))


def _ordered(events: list[Did], steps: Sequence[str], window: int) -> Iterator[Chain]:
    """Every sequence of distinct events that match the steps in turn, in no decreasing order of time."""

    def longer(chain: tuple[int, ...]) -> Iterator[Chain]:
        if chain:
            yield tuple(events[i] for i in chain)
        if len(chain) == len(steps):
            return
        for i, event in enumerate(events):
            fits = not chain or (event.at >= events[chain[-1]].at and event.at - events[chain[0]].at <= window)
            if i not in chain and fits and matches(steps[len(chain)], event.name):
                yield from longer((*chain, i))

    return longer(())


def _strict(events: list[Did], steps: Sequence[str], window: int) -> Iterator[Chain]:
    """In every order that the events may have happened in: every unbroken run of events that match the steps."""
    ties = [list(permutations(those)) for _, those in groupby(events, key=lambda e: e.at)]
    for parts in product(*ties):
        line = [event for part in parts for event in part]
        for begin in range(len(line)):
            for end in range(begin + 1, min(len(line), begin + len(steps)) + 1):
                run = line[begin:end]
                if not matches(steps[end - begin - 1], run[-1].name) or run[-1].at - run[0].at > window:
                    break
                yield tuple(run)


def _any(events: list[Did], steps: Sequence[str], window: int) -> Iterator[Chain]:
    """Every choice of distinct events for the first k steps, all within the window of each other."""

    def longer(chain: tuple[int, ...]) -> Iterator[Chain]:
        if chain:
            yield tuple(events[i] for i in chain)
        if len(chain) == len(steps):
            return
        for i, event in enumerate(events):
            near = all(abs(event.at - events[j].at) <= window for j in chain)
            if i not in chain and near and matches(steps[len(chain)], event.name):
                yield from longer((*chain, i))

    return longer(())


def _went_any(events: list[Did], steps: Sequence[str], chains: list[Chain], deepest: list[Chain], entry: Entry) -> Went:
    depth = len(deepest[0])
    begin = (max if entry == "latest" else min)(min(e.at for e in chain) for chain in deepest)
    since = [chain for chain in chains if min(e.at for e in chain) >= begin]
    times = tuple(min(max(e.at for e in chain) for chain in since if len(chain) == k) for k in range(1, depth + 1))
    values = []
    for i, step in enumerate(steps[:depth]):
        values.append(_value(step, [e for e in events if e.at >= begin], list(steps[:i]).count(step)))
    return Went(depth, begin, times, tuple(values))


def _value(step: str, events: list[Did], taken: int) -> int | None:
    if not step.startswith("conversion:"):
        return None
    return [e.value for e in events if matches(step, e.name)][taken]
