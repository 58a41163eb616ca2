"""The root of every error that a sender or an asker is told about.

Each package has its own tree below it (`ingest.errors`, `query.errors`, `hitstream.access`); which HTTP status a class
gets stands in one table, `hitstream.problems`.
"""

from __future__ import annotations

from typing import Any


class RequestError(Exception):
    """A request that is not served, for a reason that the sender can act on.

    code: a stable word for programs. message: for a person; names the field and the reason. retry_after: seconds after
    which the same request may succeed, or None. members: what else the problem document says.
    """

    code: str = "refused"

    def __init__(self, message: str, *, retry_after: float | None = None, **members: Any) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.members = members


class BadParameter(RequestError):
    """A parameter is unknown, repeated, out of range or no cursor. `parameter` is its name."""

    code = "bad_parameter"

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}", parameter=parameter)
        self.parameter = parameter
