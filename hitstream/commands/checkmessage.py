"""`hitstream check --dialect`: a message from a file or from standard input, and what it would become."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from multidict import CIMultiDict, MultiDict

from hitstream.config import Config, ConfigError
from hitstream.messages.checkup import Examination, examine_message
from hitstream.messages.reading import Reading
from ingest.dialects import DIALECTS
from ingest.dialects.wire import Message

from .settings import FAILED, OK

STDIN: Final = "-"

_INDENT: Final = "    "
_COLUMN: Final = 18


def describe(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what a message would become (nothing is sent)")
    group.add_argument(
        "--dialect", metavar="NAME", help=f"how it is written: hitstream (our own), {', '.join(DIALECTS)}"
    )
    group.add_argument("message", nargs="?", metavar="FILE", help="its body; - or nothing for standard input")
    group.add_argument("--path", default="", help="the address it is sent to, where a dialect has several")
    group.add_argument("--query", default="", metavar="A=B&...", help="the parameters in the address")
    group.add_argument("--header", action="append", default=[], metavar="NAME: VALUE", help="as often as needed")
    group.add_argument("--json", action="store_true", help="say it as JSON")


def run(config: Config, options: argparse.Namespace) -> int:
    message = Message({}, _query(options.query), _headers(options.header), _body(options), time.time_ns() // 1_000_000)
    found = examine_message(config, options.dialect, options.path, message)
    if options.json:
        print(orjson.dumps(_plain(found), option=orjson.OPT_INDENT_2).decode())
    else:
        _tell(found)
    return OK if found.is_taken else FAILED


def is_misused(options: argparse.Namespace) -> bool:
    """Whether something was asked that goes with --dialect alone."""
    return bool(options.message or options.path or options.query or options.header or options.json)


def _body(options: argparse.Namespace) -> bytes:
    file = options.message
    if file is None and options.query:
        return b""  # all of it stands in the address
    if file in (None, STDIN):
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error


def _query(text: str) -> MultiDict[str]:
    return MultiDict(parse_qsl(text.removeprefix("?"), keep_blank_values=True))


def _headers(lines: list[str]) -> CIMultiDict[str]:
    found: CIMultiDict[str] = CIMultiDict()
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ConfigError(f"--header: {line!r} must be NAME: VALUE")
        found.add(name.strip(), value.strip())
    return found


def _plain(found: Examination) -> dict[str, Any]:
    return {"taken": found.is_taken, **_without_empty(found), "events": [_without_empty(each) for each in found.events]}


def _without_empty(found: Examination | Reading) -> dict[str, Any]:
    return {
        name: value
        for name in found.__struct_fields__
        if (value := getattr(found, name)) not in ("", {}, ()) or name == "part"
    }


def _tell(found: Examination) -> None:
    taken = sum(not event.code for event in found.events)
    print(f"{found.dialect} at {found.path}: {taken} of {len(found.events)} events would be taken")
    if found.code:
        print(f"refused: {found.code}: {found.message}")
    for event in found.events:
        whose = f", for the site {event.site}" if event.site else ""
        if event.code:
            print(f"\npart {event.part}{whose}: not taken: {event.code}: {event.message}")
        else:
            print(f"\npart {event.part}{whose}: {event.type}")
        for name, value in event.fields.items():
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            print(f"{_INDENT}{name:{_COLUMN}}{text}")
        for note in event.notes:
            print(f"{_INDENT}note: {note}")
    print(f"\nanswer: {found.status} {found.reply}".rstrip())
