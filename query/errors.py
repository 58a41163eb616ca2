"""Why a question gets no answer.

    QueryError              code, message, retry_after
    ├─ BadParameter         a parameter is unknown, missing, repeated or out of range
    ├─ BadBody              the body of a POST is not the JSON object that it should be
    ├─ BodyTooLarge         ... or is longer than any question
    ├─ StoreUnavailable     Redis did not answer in time, or cannot
    └─ TooManyReaders       the site has as many live readers as this worker serves

Which HTTP status each gets is not decided here (`hitstream.problems`).
"""

from __future__ import annotations

from typing import ClassVar


class QueryError(Exception):
    """The root. `message` is for a person; `retry_after` is in seconds, None where asking again will not help."""

    code: ClassVar[str] = "query_error"

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class BadParameter(QueryError):
    """`parameter` is its name, or for a JSON body the member's."""

    code = "bad_parameter"

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter


class BadBody(QueryError):
    code = "bad_body"


class BodyTooLarge(QueryError):
    code = "body_too_large"


class StoreUnavailable(QueryError):
    code = "store_unavailable"

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("the store did not answer in time; nothing is lost, ask again", retry_after=retry_after)


class TooManyReaders(QueryError):
    code = "too_many_readers"

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(f"this site already has {limit} live readers here", retry_after=retry_after)
