"""What a message in one of the dialects, or in our own format, would become. Nothing is sent.

Whose site it is follows from the configuration and `keys.toml`, where there are any; else that is left open.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from aiohttp import hdrs
from msgspec import Struct, structs

from ingest.dialects import DIALECTS
from ingest.dialects.http import unpacked
from ingest.dialects.trial import Tried, tried
from ingest.dialects.wire import Dialect, Endpoint, Message, Outcome, Reply, Translation
from ingest.http import SENDERS
from ingest.rejection import Rejection
from store.errors import RequestError
from store.site import Grant, Presented

from ..access import Keyring
from ..config import Config, ConfigError
from ..datadir import DataDir
from ..keyfile import keys_of, read, sites_of
from ..problems import status_of
from .own import NAME, OWN, implied
from .reading import Reading, reading

_BRACES: Final = re.compile(r"{(\w+)}")


class Examination(Struct, frozen=True, omit_defaults=True):
    """path: the address it was read as sent to. parts: what the message counts as its own. status, reply: the answer
    to it, where its site is known and takes events."""

    dialect: str
    path: str
    parts: int
    status: int
    reply: str
    events: tuple[Reading, ...] = ()
    code: str = ""
    message: str = ""

    @property
    def is_taken(self) -> bool:
        return not self.code and not any(event.code for event in self.events)


def examine_message(config: Config, name: str, path: str, message: Message) -> Examination:
    """`path`: '' for the first of the dialect's that the message can be read at. Raises `ConfigError`."""
    dialect = DIALECTS.get(name) if name != NAME else OWN
    if dialect is None:
        raise ConfigError(f"--dialect: there is no {name!r}; there are {', '.join((NAME, *DIALECTS))}")
    endpoints = [(at, each) for each in dialect.endpoints if (at := _matched(each.path, path)) is not None]
    if not endpoints:
        known = ", ".join(dict.fromkeys(each.path for each in dialect.endpoints))
        raise ConfigError(f"--path: {name} takes no events at {path!r}; it takes them at {known}")
    first: tuple[Endpoint, RequestError] | None = None
    for at, endpoint in endpoints:
        sent = structs.replace(message, path=at)
        try:
            body = unpacked(message.body, message.headers.get(hdrs.CONTENT_ENCODING, ""))
            sent = structs.replace(sent, body=body)
            return _examined(config, dialect, endpoint, sent, endpoint.read(sent))
        except RequestError as error:
            first = first or (endpoint, error)
    assert first
    endpoint, refusal = first
    reply = endpoint.refuse(message, refusal, status_of(refusal))
    return Examination(name, endpoint.path, 0, reply.status, _told(reply), (), refusal.code, refusal.message)


def _examined(
    config: Config, dialect: Dialect, endpoint: Endpoint, message: Message, translation: Translation
) -> Examination:
    own = dialect.name == NAME
    whose = _Whose(config)
    found = tried(
        translation,
        message,
        trusted=whose.is_trusted(translation.token or translation.presented),
        implied=implied(endpoint.path) if own else None,
        currency=whose.currency(translation.presented),
        fitting=not own,
    )
    readings = tuple(reading(each, whose.says(each.presented)) for each in found)
    rejected = [Rejection(index, each.rejection.code, each.rejection.message)
                for index, each in enumerate(found) if each.rejection]  # fmt: skip
    reply = endpoint.accept(message, _in_order(translation, found), Outcome(len(found) - len(rejected), rejected))
    return Examination(dialect.name, endpoint.path, translation.parts, reply.status, _told(reply), readings)


def _in_order(translation: Translation, found: list[Tried]) -> Translation:
    """As if all were for one site: the reply is the same, whoever takes its events."""
    return structs.replace(translation, items=[each.item for each in found], places=[each.place for each in found],
                           others=())  # fmt: skip


class _Whose:
    """Which site a key or alias stands for in this deployment; nothing where there is none yet."""

    def __init__(self, config: Config) -> None:
        directory = DataDir(Path(config.data_dir))
        kept = read(directory.keys) if directory.keys.exists() else {}
        known = bool(kept or config.sites)
        self._keyring = Keyring(sites_of(config, kept), keys_of(config, kept)) if known else None

    def says(self, presented: Presented) -> str:
        """The site's name, or why there is none; '' where that cannot be told."""
        if self._keyring is None or not presented.key:
            return ""
        try:
            return self._keyring.recognise(presented, SENDERS).site.id
        except RequestError as error:
            return f"(none: {error.message})"

    def is_trusted(self, presented: Presented) -> bool:
        grant = self._grant(presented)
        return grant is not None and grant.kind == "server"

    def currency(self, presented: Presented) -> str:
        grant = self._grant(presented)
        return grant.site.currency if grant else ""

    def _grant(self, presented: Presented) -> Grant | None:
        with suppress(RequestError):
            return self._keyring.recognise(presented, SENDERS) if self._keyring else None
        return None


def _matched(pattern: str, path: str) -> dict[str, str] | None:
    """What a route's braces hold; nothing known of them where no path is given. None where it is another's path."""
    if not path:
        return dict.fromkeys(_BRACES.findall(pattern), "")
    parts = (
        f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(_BRACES.split(pattern))
    )
    match = re.fullmatch("".join(parts), path)
    return match.groupdict() if match else None


def _told(reply: Reply) -> str:
    return reply.body.decode(errors="replace") if reply.content_type != "image/gif" else "a GIF"
