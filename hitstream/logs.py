"""Logs on stderr: JSON, one object a line, or text for a terminal.

Messages are constant; what varies travels as fields (`extra=`). No key, no address and nothing that a visitor sent
belongs in them. Whatever gets into one all the same cannot forge a line: control characters are escaped.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, Literal

from aiohttp.http_exceptions import HttpProcessingError

# What every record has; anything else came in as `extra`.
_STANDARD: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)  # this encoder escapes what some readers take for the end of a line


class Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        parts = [_time(record), record.levelname.lower().ljust(7), record.getMessage()]
        parts += [f"{name}={value}" for name, value in _fields(record).items()]
        lines = [_escaped(" ".join(parts))]
        if record.exc_info:
            lines += [f"    | {_escaped(line)}" for line in self.formatException(record.exc_info).splitlines()]
        return "\n".join(lines)


class _Senders(logging.Filter):
    """aiohttp logs as errors of its own what is its sender's doing.

    What is no HTTP, with the address and the bytes, keys included; and a connection that ends in the middle of a body.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError | ConnectionError):
            return False
        if record.args:  # "Error handling request from %s"
            record.msg, record.args = "error handling a request", ()
        return True


def set_up(level: str, format_: Literal["auto", "json", "text"]) -> None:
    """From now on all that is logged in this process goes to stderr. `auto`: as text where that is a terminal."""
    handler = logging.StreamHandler(sys.stderr)
    text = format_ == "text" or (format_ == "auto" and sys.stderr.isatty())
    handler.setFormatter(Text() if text else JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("aiohttp.server").addFilter(_Senders())
    logging.getLogger("aiohttp.access").disabled = True  # it names addresses


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _escaped(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
