"""Decoded items to events and rejections: every rule of the contract's field table, and nothing else. Pure.

For each item, in this order, the first rule that is broken names the rejection:

    the item      is an object
    type          is one of four, or follows from the address that it was sent to
    timestamp     ingest.times
    user          user_id, else anonymous_id, else the day's cookieless id (ingest.visitors), of the request's address
                  or the `address` that a server names for its visitor; it is kept nowhere
    session_id, event_id, user_agent
    its own       page_view: addresses, channel, title · conversion: type, value, currency, properties ·
                  error: type, message, context · event: name, properties

Two events of one request with the same event_id are one: the second counts as accepted, because the first is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Final

from msgspec import Struct

from store.event import Agent, Conversion, Custom, Error, Event, PageView
from store.identity import Identity
from store.money import CURRENCIES, InvalidAmount, decimal_text, minor_units
from store.site import Site
from store.trail import VALUE_LIMIT

from .agents import agent
from .decode import Undecodable
from .fields import Fields, document, identifier, line, name_of, text
from .rejection import Refusal, Rejection
from .sources import visit
from .times import event_time, skew
from .urls import MAX_CHARACTERS, InvalidUrl
from .visitors import cookieless

USER_CHARACTERS: Final = 128
SESSION_CHARACTERS: Final = 128
EVENT_ID_CHARACTERS: Final = 64
NAME_CHARACTERS: Final = 64
TITLE_CHARACTERS: Final = 500
MESSAGE_CHARACTERS: Final = 500
AGENT_CHARACTERS: Final = 64 << 10
ADDRESS_CHARACTERS: Final = 64
REFERRER_CHARACTERS: Final = 64 << 10  # its query is dropped, so a long one is no reason to lose the view

REFUND: Final = "refund"  # the conversion type whose value is money given back
DEFAULT_CURRENCY: Final = "USD"


class Context(Struct, frozen=True, dict=True):
    """What a request says of all its events.

    trusted: sent with a server key. now: our clock, epoch ms. sent_at: the sender's, as it was sent. salt: the day's
    (`ingest.visitors.Salt`). user_agent: the request's own. address: the sender's, for the cookieless id alone.
    implied: the type that follows from the address that the request was sent to.
    """

    site: Site
    trusted: bool
    now: int
    identity: Identity
    salt: bytes
    user_agent: str = ""
    address: str = ""
    sent_at: object = None
    implied: str | None = None

    @cached_property
    def skew(self) -> int:
        return skew(self.sent_at, self.now)


class Admission(Struct, frozen=True):
    """`duplicates`: events left out because an earlier one of the request has their event_id."""

    events: list[Event]
    rejections: list[Rejection]
    duplicates: int

    @property
    def accepted(self) -> int:
        return len(self.events) + self.duplicates


class _Common(Struct, frozen=True):
    """The fields that every event has; `store.event.Base` says what they mean."""

    at: int
    user: str
    session: str
    agent: Agent
    dedup: int


def admit(items: Iterable[object], context: Context) -> Admission:
    admitting = Admitting(context)
    for item in items:
        admitting.add(item)
    return admitting.admission()


class Admitting:
    """The items of one request, one after the other: for who has something else to do between two of them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._index = 0
        self._events: list[Event] = []
        self._rejections: list[Rejection] = []
        self._duplicates = 0
        self._seen: set[int] = set()

    def add(self, item: object) -> None:
        index = self._index
        self._index += 1
        try:
            event = _event(item, self._context)
        except Refusal as refusal:
            self._rejections.append(Rejection(index, refusal.code, refusal.message))
            return
        if event.dedup:
            if event.dedup in self._seen:
                self._duplicates += 1
                return
            self._seen.add(event.dedup)
        self._events.append(event)

    def admission(self) -> Admission:
        return Admission(self._events, self._rejections, self._duplicates)


def _event(item: object, context: Context) -> Event:
    if not isinstance(item, dict):
        if isinstance(item, Undecodable):
            raise Refusal(item.code, item.message)
        raise Refusal("invalid_type", "an event must be an object")
    of_its_kind = _kind(item, context)
    at = event_time(item.get("timestamp"), context.now, context.skew, any_age=context.trusted)
    user_agent = text(item, "user_agent", AGENT_CHARACTERS) or context.user_agent
    user = (
        identifier(item, "user_id", USER_CHARACTERS)
        or identifier(item, "anonymous_id", USER_CHARACTERS)
        or cookieless(
            context.salt,
            context.site.id,
            text(item, "address", ADDRESS_CHARACTERS) or context.address,
            user_agent,
        )
    )
    session = identifier(item, "session_id", SESSION_CHARACTERS)
    event_id = identifier(item, "event_id", EVENT_ID_CHARACTERS)
    dedup = context.identity.event(context.site.id, event_id) if event_id else 0
    return of_its_kind(item, _Common(at, user, session, agent(user_agent), dedup), context)


def _kind(item: Fields, context: Context) -> _Kind:
    """A type that contradicts the address that it was sent to is the sender's mistake, and is not guessed at."""
    named = item.get("type")
    if named is None:
        named = context.implied
        if named is None:
            raise Refusal("missing_field", f"type is required: {_KNOWN}")
    elif context.implied is not None and named != context.implied:
        raise Refusal("unknown_type", f"type must be {context.implied} at this address")
    kind = _KINDS.get(named) if isinstance(named, str) else None
    if kind is None:
        raise Refusal("unknown_type", f"type must be {_KNOWN}")
    return kind


def _page_view(item: Fields, common: _Common, _: Context) -> PageView:
    page_url = name_of(item, "page_url", MAX_CHARACTERS)
    try:
        found = visit(page_url, text(item, "referrer", REFERRER_CHARACTERS))
    except InvalidUrl as invalid:
        raise Refusal("invalid_url", f"page_url {invalid}") from None
    return PageView(
        at=common.at,
        user=common.user,
        session=common.session,
        agent=common.agent,
        dedup=common.dedup,
        url=found.url,
        referrer=found.referrer,
        source=found.source,
        channel=found.channel,
        title=line(item, "title", TITLE_CHARACTERS),
        utm=found.utm,
        properties=document(item, "properties") if item.get("properties") is not None else "",
    )


def _conversion(item: Fields, common: _Common, context: Context) -> Conversion:
    conversion_type = name_of(item, "conversion_type", NAME_CHARACTERS)
    currency = _currency(item)
    return Conversion(
        at=common.at,
        user=common.user,
        session=common.session,
        agent=common.agent,
        dedup=common.dedup,
        conversion_type=conversion_type,
        minor=_minor(item.get("value"), currency, conversion_type),
        currency=currency,
        properties=document(item, "properties"),
        trusted=context.trusted,
    )


def _error(item: Fields, common: _Common, _: Context) -> Error:
    return Error(
        at=common.at,
        user=common.user,
        session=common.session,
        agent=common.agent,
        dedup=common.dedup,
        error_type=name_of(item, "error_type", NAME_CHARACTERS),
        message=line(item, "error_message", MESSAGE_CHARACTERS),
        context=document(item, "context"),
    )


def _custom(item: Fields, common: _Common, context: Context) -> Custom:
    return Custom(
        at=common.at,
        user=common.user,
        session=common.session,
        agent=common.agent,
        dedup=common.dedup,
        name=name_of(item, "name", NAME_CHARACTERS),
        properties=document(item, "properties"),
        trusted=context.trusted,
    )


def _currency(item: Fields) -> str:
    currency = text(item, "currency", NAME_CHARACTERS).upper() or DEFAULT_CURRENCY
    if currency not in CURRENCIES:
        raise Refusal("unknown_currency", "currency must be an ISO 4217 code such as USD")
    return currency


def _minor(value: Any, currency: str, conversion_type: str) -> int:
    """The value in minor units. A refund's is stored negative, whether it is sent as 5 or as -5; no other may be."""
    if value is None or value == "":
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Refusal("invalid_type", "value must be a decimal number, or text that is one")
    try:
        minor = minor_units(value, currency)
    except InvalidAmount as invalid:
        raise Refusal("invalid_value", f"value {invalid}") from None
    if abs(minor) >= VALUE_LIMIT:
        raise Refusal("invalid_value", f"value must be below {decimal_text(VALUE_LIMIT, currency)} {currency}")
    if conversion_type == REFUND:
        return -abs(minor)
    if minor < 0:
        raise Refusal("invalid_value", f"value must not be negative, but for the conversion_type {REFUND}")
    return minor


_Kind = Callable[[Fields, _Common, Context], Event]
_KINDS: Final[dict[str, _Kind]] = {
    "page_view": _page_view,
    "conversion": _conversion,
    "error": _error,
    "event": _custom,
}
_KNOWN: Final = ", ".join(_KINDS)
