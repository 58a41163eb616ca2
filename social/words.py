"""Finding words in posts without a text index: what is asked for, and how well a post answers it. Pure.

What MongoDB's text search does with a question, as far as it matters here: any of the words will do, "a phrase" must be
there, -a word must not; the more often a word stands in the fewer words, the better. Words are compared without case.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

TEXT_WEIGHT: Final = 10
HASHTAG_WEIGHT: Final = 5
MAX_WORDS: Final = 20

_PART: Final = re.compile(r'(-?)"([^"]*)"|(-?)(\S+)')
_WORD: Final = re.compile(r"\w+")


class Wanted(Struct, frozen=True):
    """`words`: those of phrases, too."""

    words: frozenset[str]
    phrases: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    without_phrases: tuple[str, ...] = ()


def wanted(question: str) -> Wanted:
    words: list[str] = []
    without: list[str] = []
    phrases: list[str] = []
    without_phrases: list[str] = []
    for match in _PART.finditer(question.casefold()):
        quoted_minus, phrase, minus, word = match.groups()
        if phrase is not None:
            (without_phrases if quoted_minus else phrases).append(phrase)
            if not quoted_minus:
                words += _WORD.findall(phrase)
        elif minus:
            without += _WORD.findall(word)
        else:
            words += _WORD.findall(word)
    return Wanted(
        frozenset(words[:MAX_WORDS]), tuple(filter(None, phrases)), frozenset(without),
        tuple(filter(None, without_phrases)),
    )  # fmt: skip


def score(asked: Wanted, text: str, hashtags: Sequence[str]) -> float:
    """0 where the post is no answer. Of a word that stands n times among m: weight · (1/2 + n/2m) · (2 - 2^(1-n))."""
    folded = text.casefold()
    in_text, in_tags = _WORD.findall(folded), [tag.casefold() for tag in hashtags]
    if asked.without.intersection(in_text) or asked.without.intersection(in_tags):
        return 0.0
    if any(phrase in folded for phrase in asked.without_phrases):
        return 0.0
    if not all(phrase in folded or phrase in in_tags for phrase in asked.phrases):
        return 0.0
    found = TEXT_WEIGHT * _density(asked.words, in_text) + HASHTAG_WEIGHT * _density(asked.words, in_tags)
    return round(found, 9)


def pattern(asked: Wanted) -> str:
    """A regular expression, in any case, for texts that may hold one of the words."""
    return "|".join(re.escape(word) for word in sorted(asked.words))


def _density(words: frozenset[str], held: Sequence[str]) -> float:
    counted = Counter(word for word in held if word in words)
    return sum((0.5 + count / (2 * len(held))) * (2 - 2.0 ** (1 - count)) for count in counted.values())
