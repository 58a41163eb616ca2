"""Why a question gets no answer.

    RequestError (store.errors)
    └── QueryError
        ├── BadParameter      a parameter is unknown, missing, repeated or out of range
        ├── BadBody           the body of a POST is not the JSON object that it should be
        ├── BodyTooLarge      or is longer than any question
        ├── BodyTimeout       or did not arrive in time
        ├── StoreUnavailable  Redis did not answer in time, or cannot
        ├── TooManyReaders    the site has as many live readers as one worker serves
        ├── TooManyFunnels    as many funnels are waiting as a worker lets wait
        └── FunnelTooLarge    more records match the steps than are worked out at once

Which HTTP status a class gets stands in `hitstream.problems`.
"""

from __future__ import annotations

from store.errors import RequestError


class QueryError(RequestError):
    """The question was not answered; nothing has changed by asking it."""


class BadParameter(QueryError):
    """`parameter` is its name, or for a JSON body the member's."""

    code = "bad_parameter"

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}", parameter=parameter)
        self.parameter = parameter


class BadBody(QueryError):
    code = "bad_body"


class BodyTooLarge(QueryError):
    code = "body_too_large"


class BodyTimeout(QueryError):
    code = "body_timeout"


class StoreUnavailable(QueryError):
    code = "store_unavailable"

    def __init__(self, retry_after: float = 1) -> None:
        super().__init__("the store did not answer in time; nothing is lost, ask again", retry_after=retry_after)


class TooManyReaders(QueryError):
    code = "too_many_readers"

    def __init__(self, limit: int, retry_after: float) -> None:
        super().__init__(f"the site already has {limit} live readers here", retry_after=retry_after)


class TooManyFunnels(QueryError):
    code = "too_many_funnels"

    def __init__(self, retry_after: float = 2) -> None:
        super().__init__("too many funnels are being worked out here, ask again", retry_after=retry_after)


class FunnelTooLarge(QueryError):
    code = "funnel_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit:,} events match these steps; ask for a shorter period or narrower steps")
