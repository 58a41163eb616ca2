"""What can go wrong with an ingest request as a whole. One bad event of a batch is a value (`ingest.rejection`).

    IngestError
    └── JournalError       the events could not be made safe, so they are not acknowledged (503)
        ├── JournalFull    the quota is used up, or the disk is full
        ├── JournalBusy    more is waiting for the disk than memory should hold
        ├── JournalBroken  the disk refused the sync, and refused it in a new segment too
        └── JournalClosed  this worker is stopping
"""

from __future__ import annotations


class IngestError(Exception):
    """`code` is a stable word, `message` tells a person what and why, `retry_after` is in seconds."""

    def __init__(self, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after


class JournalError(IngestError):
    """Nothing of the request was kept: the sender may send it again."""


class JournalFull(JournalError):
    def __init__(self, message: str) -> None:
        super().__init__("journal_full", message, retry_after=10)


class JournalBusy(JournalError):
    def __init__(self, message: str) -> None:
        super().__init__("journal_busy", message, retry_after=1)


class JournalBroken(JournalError):
    def __init__(self, message: str) -> None:
        super().__init__("journal_broken", message, retry_after=10)


class JournalClosed(JournalError):
    def __init__(self) -> None:
        super().__init__("journal_closed", "this worker is stopping and takes no more events", retry_after=1)
