"""Bringing in a file of history: its rows become events and go to a running server, in order, each counted once.

    rows.py      a file to rows: CSV, white space, NDJSON, each of them also gzipped
    mapping.py   a row to an event, as the options say
    progress.py  how far an import has come, kept beside the data
    sending.py   events to the server, again where it says so
    bar.py       what the person who waits sees

A row's event_id follows from the file's content, the mapping and the row's number, so what is sent twice within 24
hours is counted once; and because the progress is kept, a stopped import does not send twice what it can avoid.
"""

from __future__ import annotations


class ImportFailed(Exception):
    """The import cannot go on; the text says why, and what was sent before stays counted."""
