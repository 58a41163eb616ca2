"""What becomes of an event that is not taken: a value with its place in the request, a reason, and a text for a person.

The codes are a closed set: they are part of the contract, and they become the label of a metric.
"""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

Code = Literal[
    "invalid_json",  # the element is no JSON: NaN, Infinity, 1e999, a raw control character, a stray comma
    "invalid_utf8",
    "invalid_number",  # an integer beyond 64 bits
    "invalid_type",  # the right field, the wrong JSON type
    "invalid_value",
    "invalid_url",
    "invalid_timestamp",
    "missing_field",
    "unknown_type",
    "unknown_currency",
    "too_long",
    "too_large",
    "too_deep",
    "too_old",
    "in_future",
]
CODES: frozenset[str] = frozenset(get_args(Code))


class Rejection(Struct, frozen=True):
    """`index` counts the request's events from 0. `message` names field, reason and limit, never the value sent."""

    index: int
    code: Code
    message: str


class Refusal(Exception):
    """A field that cannot be taken, on its way from the rule that says so to `admit`, which makes it a `Rejection`."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message
