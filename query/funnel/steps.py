"""The steps of a funnel as patterns of step names, and the sieve that picks their records out of a trail.

    conversion:TYPE   event:NAME   error:TYPE   page:/path    one name each
    page:/path*                                               every name that begins with page:/path

Of two patterns one holds the other or they share nothing, for each is a name or a beginning of names (a laminar
family). So an event belongs to its *narrowest* pattern and to those around it, and a set of events can fill a set of
steps, each step with an event of its own, if and only if no pattern holds more of the steps than of the events (Hall's
theorem, which in a laminar family need only be asked of the family's own members). `query.funnel.moments` counts so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from store import trail
from store.trail import Words

MAX_STEPS: Final = 20

PREFIX: Final = "page:"  # the only kind of step that takes a trailing asterisk


class Steps:
    """`patterns` are the distinct steps; `of[i]` is the pattern of step i; `within[p, q]` whether q holds p."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.patterns = tuple(dict.fromkeys(names))
        self.of = [self.patterns.index(name) for name in names]
        self.within: NDArray[np.bool_] = np.array([[_holds(q, p) for q in self.patterns] for p in self.patterns])

    def __len__(self) -> int:
        return len(self.names)

    @property
    def has_prefixes(self) -> bool:
        return any(_is_prefix(pattern) for pattern in self.patterns)

    def hashes(self, known: Iterable[tuple[int, str]], exact: Mapping[str, int]) -> dict[int, int]:
        """The hash of each name that a pattern holds, with its narrowest pattern.

        `known`: the hashes and names that the site has used; `exact`: the hashes of the patterns that are names.
        Of two names with one hash the pattern that is a name wins: it was asked for.
        """
        found = {}
        prefixes = [(pattern[:-1], i) for i, pattern in enumerate(self.patterns) if _is_prefix(pattern)]
        prefixes.sort(key=lambda entry: len(entry[0]), reverse=True)  # the longest is the narrowest
        if prefixes:
            beginnings = tuple(beginning for beginning, _ in prefixes)
            for code, name in known:
                if name.startswith(beginnings):
                    found[code] = next(i for beginning, i in prefixes if name.startswith(beginning))
        return found | {code: self.patterns.index(name) for name, code in exact.items()}

    def exact(self) -> list[str]:
        """The patterns that are names."""
        return [pattern for pattern in self.patterns if not _is_prefix(pattern)]


class Sieve:
    """Finds the records whose step is among some hashes.

    First by 16 bits of its hash, which are a table's index (2 ns a record); only those that pass are compared.
    """

    def __init__(self, patterns: Mapping[int, int]) -> None:
        """`patterns`: step hash -> the number of its pattern, below 256."""
        self.hashes = np.array(sorted(patterns), dtype=np.uint64)
        self._patterns = np.array([patterns[code] for code in sorted(patterns)], dtype=np.uint8)
        slots = ((self.hashes >> np.uint64(8)) & np.uint64(0xFFFF)).astype(np.intp)
        self._table = np.zeros(1 << 16, dtype=np.bool_)
        self._table[slots] = True
        self._first_guess = np.zeros(1 << 16, dtype=np.int32)
        self._first_guess[slots] = np.arange(len(slots))

    def sifted(self, words: Words) -> tuple[Words, NDArray[np.uint8]]:
        """The records that are of a pattern, and of which each is."""
        words = words.take(np.flatnonzero(self._table.take(trail.middle_bits(words))), axis=0)
        if not len(words):
            return words, np.empty(0, np.uint8)
        step = trail.Columns(words, 0).step
        place = self._first_guess.take(trail.middle_bits(words))
        wrong = np.flatnonzero(self.hashes.take(place) != step)
        if len(wrong):  # another hash with these 16 bits
            place[wrong] = np.searchsorted(self.hashes, step.take(wrong)).clip(max=len(self.hashes) - 1)
            rows = np.flatnonzero(self.hashes.take(place) == step)
            words, place = words.take(rows, axis=0), place.take(rows)
        return words, self._patterns.take(place)


def _is_prefix(pattern: str) -> bool:
    return pattern.startswith(PREFIX) and pattern.endswith("*")


def _holds(outer: str, inner: str) -> bool:
    """Whether every event of `inner` is one of `outer` too."""
    if not _is_prefix(outer):
        return outer == inner
    return (inner[:-1] if _is_prefix(inner) else inner).startswith(outer[:-1])
