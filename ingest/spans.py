"""Where the parts of a JSON array or object stand in its bytes, also where one of them is no JSON.

The scanner knows only strings, brackets and commas. So a part may hold NaN, raw control characters or invalid UTF-8 and
its neighbours are still found; what it cannot see through is a string or a bracket that never closes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

SPACE: Final = b" \t\n\r"  # JSON's white space

# Possessive throughout: nothing is tried twice, so the cost is linear whatever the bytes are.
STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TO_BRACKET: Final = re.compile(rb'(?:[^"\[\]{}]++|' + STRING + rb")*+[\[\]{}]", re.DOTALL)
_TO_MARK: Final = re.compile(rb'(?:[^"\[\]{},]++|' + STRING + rb")*+[\[\]{},]", re.DOTALL)
_MEMBER: Final = re.compile(rb"[ \t\n\r]*+(" + STRING + rb")[ \t\n\r]*+:", re.DOTALL)

_OPENING: Final = frozenset(b"[{")
_COMMA: Final = ord(",")

# An 8 MiB body of real events opens far fewer. Each costs about 0.4 µs, and the event loop waits.
_MAX_BRACKETS: Final = 500_000


class Unbalanced(ValueError):
    """A string or a bracket does not close, or brackets are all there is."""


class TooManyParts(ValueError):
    """More than the caller asked for."""


def parts(data: bytes, start: int, most: int) -> tuple[list[bytes], int]:
    """What the commas separate in the array or object whose bracket opens at `start`, and where that one ends.

    Empty brackets have no parts; nothing between two commas is an empty part. Raises `Unbalanced`, and `TooManyParts`
    where there are more than `most`.
    """
    found: list[bytes] = []
    at = start + 1
    for end in _ends(data, at):
        if len(found) == most:
            raise TooManyParts
        found.append(data[at:end].strip(SPACE))
        at = end + 1
    return ([] if found == [b""] else found), at


def member(part: bytes) -> tuple[bytes, bytes] | None:
    """A part of an object as its key (a JSON string, quotes and all) and the bytes of its value."""
    match = _MEMBER.match(part)
    return (match[1], part[match.end() :].strip(SPACE)) if match else None


def _ends(data: bytes, at: int) -> Iterator[int]:
    """The places of the commas of this level, and last of the bracket that closes it."""
    depth = brackets = 0
    while match := (_TO_BRACKET if depth else _TO_MARK).match(data, at):
        at = match.end()
        mark = data[at - 1]
        if mark in _OPENING:
            depth += 1
            brackets += 1
            if brackets > _MAX_BRACKETS:
                break
        elif depth:
            depth -= 1
        else:
            yield at - 1
            if mark != _COMMA:
                return
    raise Unbalanced
