"""What can go wrong with an ingest request as a whole. One bad event of a batch is a value (`ingest.rejection`).

    RequestError (store.errors)
    └── IngestError
        ├── NotJson              the body is no JSON, so there is nothing to take from it
        ├── CorruptBody          its compressed form is damaged or cut off
        ├── BodyTimeout          it did not arrive in time
        ├── TooLarge             on the wire, or inflated
        ├── TooManyEvents        in one request
        ├── UnsupportedType      its Content-Type
        ├── UnsupportedEncoding  its Content-Encoding
        ├── NothingAccepted      every event in it was rejected
        ├── OriginNotAllowed     the page that sent it is none of the site's
        ├── RateLimited          the key has sent more than it may
        ├── Overloaded           there is more to do than this worker can
        └── JournalError         the events could not be made safe, so they are not acknowledged
            ├── JournalFull      the quota is used up, or the disk is full
            ├── JournalBusy      more is waiting for the disk than memory should hold
            ├── JournalBroken    the disk refused the sync, and refused it in a new segment too
            └── JournalClosed    this worker is stopping

Which HTTP status a class gets stands in `hitstream.problems`.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import to_builtins

from store.errors import RequestError

from .rejection import Rejection


class IngestError(RequestError):
    """Nothing of the request was taken."""


class NotJson(IngestError):
    code = "not_json"


class CorruptBody(IngestError):
    code = "corrupt_body"


class BodyTimeout(IngestError):
    code = "body_timeout"


class TooLarge(IngestError):
    code = "body_too_large"


class TooManyEvents(IngestError):
    code = "too_many_events"


class UnsupportedType(IngestError):
    code = "unsupported_type"


class UnsupportedEncoding(IngestError):
    code = "unsupported_encoding"


class NothingAccepted(IngestError):
    code = "nothing_accepted"

    def __init__(self, rejections: Sequence[Rejection]) -> None:
        self.rejections = rejections
        first = rejections[0].message if rejections else "the request holds no event"
        rejected = [to_builtins(rejection) for rejection in rejections]
        super().__init__(f"no event was accepted: {first}", accepted=0, rejected=rejected)


class OriginNotAllowed(IngestError):
    code = "origin_not_allowed"


class RateLimited(IngestError):
    code = "rate_limited"

    def __init__(self, retry_after: float) -> None:
        super().__init__("the key sends more events than it may; try again later", retry_after=retry_after)


class Overloaded(IngestError):
    """reason: what has run out: time, journal or memory."""

    code = "overloaded"

    def __init__(self, reason: str, retry_after: float) -> None:
        self.reason = reason
        super().__init__(f"more is sent than can be taken now ({reason}); send it again later", retry_after=retry_after)


class JournalError(IngestError):
    """The sender may send the request again."""


class JournalFull(JournalError):
    code = "journal_full"

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=10)


class JournalBusy(JournalError):
    code = "journal_busy"

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=1)


class JournalBroken(JournalError):
    code = "journal_broken"

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=10)


class JournalClosed(JournalError):
    code = "journal_closed"

    def __init__(self) -> None:
        super().__init__("this worker is stopping and takes no more events", retry_after=1)
