"""One worker's append-only log on local disk: an event is acknowledged when its record is in it, synced.

    journal.py    group commit: `append` is awaited until the record is durable
    appender.py   the end of the log: write, sync, and what is done when the disk refuses
    backlog.py    what is on disk: reading it back, and deleting it when that is safe
    orphan.py     the journal of a worker that has ended, adopted by one that runs
    past.py       what is remembered of what was deleted
    directory.py  names, locks and durable directory entries
    frame.py      the bytes of a segment; pure

Each start of a worker begins a journal of its own, so no journal is ever appended to after a crash.
What the payload of a record means, and what is in Redis by now, is the business of others (`ingest.lane`).
"""

from .backlog import KEEP_MS, Backlog, Damage, Entry, Reader, Retired
from .directory import journals
from .journal import Journal
from .orphan import Orphan

__all__ = ["KEEP_MS", "Backlog", "Damage", "Entry", "Journal", "Orphan", "Reader", "Retired", "journals"]
