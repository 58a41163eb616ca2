"""Every rule of the field table, at its limit and one beyond, by a fixed clock."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.admit import Admission, Context, admit
from ingest.decode import Undecodable, items
from ingest.rejection import CODES, Rejection
from ingest.visitors import cookieless
from store.event import Agent, Conversion, Custom, Error, Event, PageView, Record, decode, encode
from store.identity import Identity
from store.site import Site
from store.trail import VALUE_LIMIT

NOW = 1_795_435_200_123  # 2026-11-23T12:00:00.123Z
DAY = 86_400_000
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
IDENTITY = Identity(b"secret of the tests" * 2)
SALT = b"s" * 32

VIEW: dict[str, Any] = {"type": "page_view", "page_url": "https://example.com/a", "user_id": "u"}
SALE: dict[str, Any] = {"type": "conversion", "conversion_type": "purchase", "user_id": "u"}
FAIL: dict[str, Any] = {"type": "error", "error_type": "TypeError", "user_id": "u"}
CLICK: dict[str, Any] = {"type": "event", "name": "click", "user_id": "u"}

WRITE = Context(
    site=Site("demo"), trusted=False, now=NOW, identity=IDENTITY, salt=SALT, user_agent=CHROME, address="203.0.113.9"
)
SERVER = msgspec.structs.replace(WRITE, trusted=True)


def taken(item: object, context: Context = WRITE) -> Event:
    admission = admit([item], context)
    assert admission.rejections == []
    (event,) = admission.events
    assert decode(encode(Record("demo", [event]))).events == [event]
    return event


def refused(item: object, context: Context = WRITE) -> tuple[str, str]:
    admission = admit([item], context)
    assert admission.events == []
    (rejection,) = admission.rejections
    assert rejection.index == 0
    assert rejection.code in CODES
    return rejection.code, rejection.message


def test_a_page_view() -> None:
    sent = {
        "type": "page_view",
        "event_id": "e-1",
        "user_id": "u-1",
        "session_id": "s-1",
        "timestamp": NOW - 5_000,
        "page_url": "HTTPS://Shop.example.com/a?utm_source=news&b=1#top",
        "referrer": "https://www.google.com/search?q=secret",
        "title": "A\tproduct",
        "extra": {"is": "passed over"},
    }
    assert taken(sent) == PageView(
        at=NOW - 5_000,
        user="u-1",
        session="s-1",
        agent=Agent("chrome", "windows", "desktop"),
        dedup=IDENTITY.event("demo", "e-1"),
        url="https://shop.example.com/a?b=1",
        referrer="https://www.google.com/search",
        source="google.com",
        channel="campaign",
        title="A product",
        utm={"utm_source": "news"},
    )
    with_more = taken({**sent, "properties": {"plan": "pro"}})
    assert isinstance(with_more, PageView)
    assert with_more.properties == '{"plan":"pro"}'


def test_a_conversion() -> None:
    sent = {**SALE, "value": 19.99, "currency": "eur", "properties": {"order": "A-1", "lines": [1, 2]}}
    want = Conversion(
        at=NOW,
        user="u",
        session="",
        agent=Agent("chrome", "windows", "desktop"),
        dedup=0,
        conversion_type="purchase",
        minor=1999,
        currency="EUR",
        properties='{"order":"A-1","lines":[1,2]}',
        trusted=False,
    )
    assert taken(sent) == want
    assert taken(sent, SERVER) == msgspec.structs.replace(want, trusted=True)


def test_an_error() -> None:
    event = taken({**FAIL, "error_message": "x is\nundefined", "context": {"line": 7}})
    assert isinstance(event, Error)
    assert (event.error_type, event.message, event.context) == ("TypeError", "x is undefined", '{"line":7}')


def test_an_event_of_ones_own() -> None:
    event = taken({**CLICK, "properties": {"button": "buy"}}, SERVER)
    assert isinstance(event, Custom)
    assert (event.name, event.properties, event.trusted) == ("click", '{"button":"buy"}', True)


@pytest.mark.parametrize("kind", [VIEW, SALE, FAIL, CLICK], ids=lambda kind: kind["type"])
def test_what_may_be_left_out(kind: dict[str, Any]) -> None:
    optional = [
        "event_id", "anonymous_id", "session_id", "timestamp", "user_agent", "referrer", "title", "value", "currency",
        "properties", "error_message", "context",
    ]  # fmt: skip
    bare = taken(kind)
    assert taken({**kind, **dict.fromkeys(optional)}) == bare
    assert (bare.at, bare.session, bare.dedup) == (NOW, "", 0)


REFUSED = [
    # name, item, code, message
    ("null", None, "invalid_type", "an event must be an object"),
    ("a number", 7, "invalid_type", "an event must be an object"),
    ("an array", [VIEW], "invalid_type", "an event must be an object"),
    ("undecodable", Undecodable("invalid_utf8", "why", b""), "invalid_utf8", "why"),
    ("no type", {}, "missing_field", "type is required: page_view, conversion, error, event"),
    ("null type", {**VIEW, "type": None}, "missing_field", "type is required"),
    ("unknown type", {**VIEW, "type": "pageview"}, "unknown_type", "type must be page_view, conversion, error, event"),
    ("type in capitals", {**VIEW, "type": "PAGE_VIEW"}, "unknown_type", "type must be"),
    ("type is no text", {**VIEW, "type": ["page_view"]}, "unknown_type", "type must be"),
    ("type is an object", {**VIEW, "type": {}}, "unknown_type", "type must be"),
    ("event_id too long", {**VIEW, "event_id": "x" * 65}, "too_long", "event_id must be at most 64 characters"),
    ("event_id true", {**VIEW, "event_id": True}, "invalid_type", "event_id must be text"),
    ("event_id float", {**VIEW, "event_id": 1.5}, "invalid_type", "event_id must be text"),
    ("user_id too long", {**VIEW, "user_id": "x" * 129}, "too_long", "user_id must be at most 128 characters"),
    ("user_id true", {**VIEW, "user_id": True}, "invalid_type", "user_id must be text"),
    ("user_id an object", {**VIEW, "user_id": {"id": 1}}, "invalid_type", "user_id must be text"),
    ("anonymous_id too long", {**VIEW, "user_id": None, "anonymous_id": "x" * 129}, "too_long", "anonymous_id must be"),
    ("session_id too long", {**VIEW, "session_id": "x" * 129}, "too_long", "session_id must be at most 128 characters"),
    ("timestamp no time", {**VIEW, "timestamp": "yesterday"}, "invalid_timestamp", "timestamp must be ISO 8601"),
    ("timestamp true", {**VIEW, "timestamp": True}, "invalid_type", "timestamp must be ISO 8601"),
    ("61 s ahead", {**VIEW, "timestamp": NOW + 60_001}, "in_future", "timestamp must be at most 60 s in the future"),
    ("31 days ago", {**VIEW, "timestamp": NOW - 30 * DAY - 1}, "too_old", "timestamp must be at most 30 days old"),
    ("user_agent no text", {**VIEW, "user_agent": 1}, "invalid_type", "user_agent must be text"),
    ("user_agent too long", {**VIEW, "user_agent": "x" * 65_537}, "too_long", "user_agent must be at most 65,536"),
    ("no page_url", {**VIEW, "page_url": None}, "missing_field", "page_url is required"),
    ("empty page_url", {**VIEW, "page_url": ""}, "missing_field", "page_url is required"),
    ("page_url no text", {**VIEW, "page_url": 1}, "invalid_type", "page_url must be text"),
    ("page_url relative", {**VIEW, "page_url": "/a"}, "invalid_url", "page_url must begin with http:// or https://"),
    ("page_url no host", {**VIEW, "page_url": "https://"}, "invalid_url", "page_url must have a valid host"),
    ("page_url too long", {**VIEW, "page_url": "https://example.com/".ljust(2_049, "a")}, "too_long",
     "page_url must be at most 2,048 characters long"),
    ("referrer no text", {**VIEW, "referrer": 1}, "invalid_type", "referrer must be text"),
    ("title no text", {**VIEW, "title": ["a"]}, "invalid_type", "title must be text"),
    ("no conversion_type", {**SALE, "conversion_type": " "}, "missing_field", "conversion_type is required"),
    ("conversion_type too long", {**SALE, "conversion_type": "x" * 65}, "too_long", "conversion_type must be at most"),
    ("conversion_type no text", {**SALE, "conversion_type": 1}, "invalid_type", "conversion_type must be text"),
    ("value true", {**SALE, "value": True}, "invalid_type", "value must be a decimal number"),
    ("value an array", {**SALE, "value": [1]}, "invalid_type", "value must be a decimal number"),
    ("value no number", {**SALE, "value": "ten"}, "invalid_value", "value must be a decimal number such as 19.99"),
    ("value NaN", {**SALE, "value": float("nan")}, "invalid_value", "value must be a finite number"),
    ("value NaN in text", {**SALE, "value": "NaN"}, "invalid_value", "value must be a decimal number"),
    ("value negative", {**SALE, "value": -5}, "invalid_value", "value must not be negative, but for"),
    ("value too fine", {**SALE, "value": "19.999"}, "invalid_value", "value must have at most 2 digits"),
    ("yen with sen", {**SALE, "value": "1.5", "currency": "JPY"}, "invalid_value", "value must have at most 0 digits"),
    ("value too large", {**SALE, "value": "5497558138.88"}, "invalid_value", "value must be below 5497558138.88 USD"),
    ("value far too large", {**SALE, "value": 1e300}, "invalid_value", "value must be below"),
    ("refund too large", {**SALE, "conversion_type": "refund", "value": -5497558138.88}, "invalid_value", "value"),
    ("currency unknown", {**SALE, "currency": "XYZ"}, "unknown_currency", "currency must be an ISO 4217 code"),
    ("currency a symbol", {**SALE, "currency": "€"}, "unknown_currency", "currency must be an ISO 4217 code"),
    ("currency no text", {**SALE, "currency": 840}, "invalid_type", "currency must be text"),
    ("properties no object", {**SALE, "properties": []}, "invalid_type", "properties must be an object"),
    ("properties too large", {**SALE, "properties": {"a": "x" * 8_185}}, "too_large", "properties must be at most"),
    ("properties too deep", {**SALE, "properties": {"a": [[[[[[[[1]]]]]]]]}}, "too_deep", "properties must be nested"),
    ("no error_type", {**FAIL, "error_type": ""}, "missing_field", "error_type is required"),
    ("error_type too long", {**FAIL, "error_type": "x" * 65}, "too_long", "error_type must be at most 64 characters"),
    ("error_message no text", {**FAIL, "error_message": {}}, "invalid_type", "error_message must be text"),
    ("context no object", {**FAIL, "context": "x"}, "invalid_type", "context must be an object"),
    ("context too large", {**FAIL, "context": {"a": "x" * 8_185}}, "too_large", "context must be at most 8,192 bytes"),
    ("no name", {**CLICK, "name": None}, "missing_field", "name is required"),
    ("name too long", {**CLICK, "name": "x" * 65}, "too_long", "name must be at most 64 characters long"),
    ("name no text", {**CLICK, "name": 7}, "invalid_type", "name must be text"),
    ("view's properties no object", {**VIEW, "properties": []}, "invalid_type", "properties must be an object"),
    ("event properties no object", {**CLICK, "properties": 1}, "invalid_type", "properties must be an object"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "code", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_refused_and_why(item: object, code: str, message: str) -> None:
    found, reason = refused(item)
    assert found == code
    assert reason.startswith(message)


AT_THE_LIMIT = [
    ("event_id", {**VIEW, "event_id": "😀" * 64}),
    ("user_id", {**VIEW, "user_id": "😀" * 128}),
    ("session_id", {**VIEW, "session_id": "x" * 128}),
    ("user_agent", {**VIEW, "user_agent": "x" * 65_536}),
    ("page_url", {**VIEW, "page_url": "https://example.com/".ljust(2_048, "a")}),
    ("referrer", {**VIEW, "referrer": "https://example.org/?q=".ljust(65_536, "a")}),
    ("60 s ahead", {**VIEW, "timestamp": NOW + 60_000}),
    ("30 days ago", {**VIEW, "timestamp": NOW - 30 * DAY}),
    ("conversion_type", {**SALE, "conversion_type": "x" * 64}),
    ("value", {**SALE, "value": "5497558138.87"}),
    ("refund", {**SALE, "conversion_type": "refund", "value": "-5497558138.87"}),
    ("properties", {**SALE, "properties": {"a": "x" * 8_184}}),
    ("depth", {**SALE, "properties": {"a": [[[[[[[1]]]]]]]}}),
    ("error_type", {**FAIL, "error_type": "x" * 64}),
    ("name", {**CLICK, "name": "x" * 64}),
]  # fmt: skip


@pytest.mark.parametrize("item", [row[1] for row in AT_THE_LIMIT], ids=[row[0] for row in AT_THE_LIMIT])
def test_what_is_just_within_its_limit(item: dict[str, Any]) -> None:
    taken(item)


@pytest.mark.parametrize(
    ("field", "sent", "want"),
    [("title", "x" * 501, "x" * 500), ("title", None, ""), ("title", "\ud800\x00", "��")],
)
def test_titles_are_cut_and_cleaned(field: str, sent: object, want: str) -> None:
    event = taken({**VIEW, field: sent})
    assert isinstance(event, PageView)
    assert event.title == want


def test_a_message_is_cut() -> None:
    event = taken({**FAIL, "error_message": "é" * 100_000})
    assert isinstance(event, Error)
    assert event.message == "é" * 500


MONEY = [
    # value, currency, conversion_type, minor units
    (None, None, "purchase", 0),
    ("", "", "purchase", 0),
    (0, "USD", "purchase", 0),
    ("19.99", "USD", "purchase", 1999),
    (19.99, "usd", "purchase", 1999),
    (0.1 + 0.2, "USD", "purchase", 30),
    (1000, "JPY", "purchase", 1000),
    ("1.234", "kwd", "purchase", 1234),
    (-0.0, "USD", "purchase", 0),
    (5, "USD", "refund", -500),  # money given back, whichever way it is written
    ("-5.00", "USD", "refund", -500),
    (0, "USD", "refund", 0),
]


@pytest.mark.parametrize(("value", "currency", "conversion_type", "want"), MONEY)
def test_values_are_exact(value: object, currency: str | None, conversion_type: str, want: int) -> None:
    event = taken({**SALE, "value": value, "currency": currency, "conversion_type": conversion_type})
    assert isinstance(event, Conversion)
    assert event.minor == want
    assert event.currency == (currency or "USD").upper()
    assert abs(event.minor) < VALUE_LIMIT


USERS = [
    # what is sent, whose it is ('' for the cookieless id)
    ({"user_id": "u", "anonymous_id": "a"}, "u"),
    ({"anonymous_id": "a"}, "a"),
    ({"user_id": "", "anonymous_id": "a"}, "a"),
    ({"user_id": None, "anonymous_id": "a"}, "a"),
    ({"user_id": 42}, "42"),
    ({"user_id": 0}, "0"),
    ({"anonymous_id": -7}, "-7"),
    ({"user_id": "a\x00b"}, "a�b"),
    ({"user_id": "", "anonymous_id": ""}, ""),
    ({}, ""),
]


@pytest.mark.parametrize(("sent", "want"), USERS)
def test_whose_event_it_is(sent: dict[str, Any], want: str) -> None:
    event = taken({**CLICK, "user_id": None, **sent})
    assert event.user == (want or cookieless(SALT, "demo", "203.0.113.9", CHROME))


def test_a_numeric_event_id_is_its_text() -> None:
    assert taken({**CLICK, "event_id": 42}).dedup == taken({**CLICK, "event_id": "42"}).dedup != 0


def test_the_events_own_user_agent_goes_before_the_requests() -> None:
    event = taken({**CLICK, "user_id": None, "user_agent": "curl/8.5.0"})
    assert event.agent == Agent("library", "other", "other")
    assert event.user == cookieless(SALT, "demo", "203.0.113.9", "curl/8.5.0")


def test_the_address_is_in_nothing_that_is_kept() -> None:
    admission = admit([{**CLICK, "user_id": None}, {}], WRITE)
    assert b"203.0.113" not in encode(Record("demo", admission.events))
    assert b"203.0.113" not in msgspec.json.encode(admission.rejections)


def test_history_is_for_server_keys() -> None:
    old = {**CLICK, "timestamp": "1999-12-31T23:59:59Z"}
    assert refused(old)[0] == "too_old"
    assert taken(old, SERVER).at == 946_684_799_000
    assert taken({**CLICK, "timestamp": 0}, SERVER).at == 0
    assert refused({**CLICK, "timestamp": -1}, SERVER) == ("too_old", "timestamp must not be before 1970")
    assert refused({**CLICK, "timestamp": NOW + 60_001}, SERVER)[0] == "in_future"


def test_the_senders_clock_is_corrected() -> None:
    fast = msgspec.structs.replace(WRITE, sent_at=NOW + 600_000)  # ten minutes
    assert taken({**CLICK, "timestamp": NOW + 590_000}, fast).at == NOW - 10_000
    assert taken(CLICK, fast).at == NOW
    for nonsense in ("soon", True, Undecodable("invalid_json", "", b""), NOW // 1_000):
        assert taken({**CLICK, "timestamp": NOW - 1}, msgspec.structs.replace(WRITE, sent_at=nonsense)).at == NOW - 1


@pytest.mark.parametrize("kind", [VIEW, SALE, FAIL, CLICK], ids=lambda kind: kind["type"])
def test_the_type_that_the_address_implies(kind: dict[str, Any]) -> None:
    implied = msgspec.structs.replace(WRITE, implied=kind["type"])
    assert taken({**kind, "type": None}, implied) == taken(kind, implied) == taken(kind)
    other = "event" if kind is not CLICK else "error"
    assert refused({**kind, "type": other}, implied) == (
        "unknown_type",
        f"type must be {kind['type']} at this address",
    )


def test_one_bad_event_spoils_nothing() -> None:
    sent = [VIEW, None, {**CLICK, "name": ""}, SALE, Undecodable("invalid_json", "why", b"{"), FAIL]
    admission = admit(sent, WRITE)
    assert admission.events == [taken(VIEW), taken(SALE), taken(FAIL)]
    assert admission.rejections == [
        Rejection(1, "invalid_type", "an event must be an object"),
        Rejection(2, "missing_field", "name is required"),
        Rejection(4, "invalid_json", "why"),
    ]
    assert admission.accepted == 3


def test_nothing_sent() -> None:
    assert admit([], WRITE) == Admission([], [], 0)


def test_an_event_id_counts_once_in_a_request() -> None:
    first, again = {**CLICK, "event_id": "e"}, {**SALE, "event_id": "e"}
    admission = admit([first, CLICK, again, CLICK, {**CLICK, "event_id": "f"}], WRITE)
    assert admission.events == [taken(first), taken(CLICK), taken(CLICK), taken({**CLICK, "event_id": "f"})]
    assert (admission.duplicates, admission.accepted, admission.rejections) == (1, 5, [])


def test_a_refused_event_does_not_use_up_its_id() -> None:
    admission = admit([{**CLICK, "name": "", "event_id": "e"}, {**CLICK, "event_id": "e"}], WRITE)
    assert (len(admission.events), len(admission.rejections), admission.duplicates) == (1, 1, 0)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from(
    [
        "type", "event_id", "user_id", "anonymous_id", "session_id", "timestamp", "user_agent", "page_url", "referrer",
        "title", "conversion_type", "value", "currency", "properties", "error_type", "error_message", "context", "name",
    ]
)  # fmt: skip


@given(st.sampled_from([VIEW, SALE, FAIL, CLICK]), st.dictionaries(fields, values, max_size=5), values, st.booleans())
def test_whatever_is_sent_is_taken_or_refused(
    kind: dict[str, Any], sent: dict[str, Any], sent_at: object, trusted: bool
) -> None:
    context = msgspec.structs.replace(WRITE, sent_at=sent_at, trusted=trusted)
    admission = admit([{**kind, **sent}], context)
    assert len(admission.events) + len(admission.rejections) == 1
    for event in admission.events:
        assert decode(encode(Record("demo", [event]))).events == [event]
        assert 0 <= event.at <= NOW
        kept = encode(Record("demo", [event]))
        assert not any(char < " " for text in _texts(event) for char in text), kept
    for rejection in admission.rejections:
        assert rejection.code in CODES
        assert rejection.message.isprintable()


def _texts(event: Event) -> list[str]:
    """Every text of the event, those inside its JSON as they are written."""
    fields = msgspec.structs.asdict(event)
    return [each for each in fields.values() if isinstance(each, str)] + [*fields.get("utm", {}).values()]


def test_the_body_of_a_whole_request() -> None:
    batch = b",".join([orjson.dumps(VIEW), b'{"type":"event","name":"x\xff"}', orjson.dumps(SALE)])
    body = b'{"sent_at":%d,"batch":[%s]}' % (NOW, batch)
    decoded = items(body, "text/plain;charset=UTF-8")
    admission = admit(decoded.items, msgspec.structs.replace(WRITE, sent_at=decoded.sent_at))
    assert admission.events == [taken(VIEW), taken(SALE)]
    assert [(rejection.index, rejection.code) for rejection in admission.rejections] == [(1, "invalid_utf8")]


def test_a_server_names_its_visitors_address() -> None:
    event = taken({**VIEW, "user_id": None, "address": "198.51.100.7"})
    assert event.user == cookieless(SALT, "demo", "198.51.100.7", CHROME)
    assert refused({**VIEW, "user_id": None, "address": 7})[0] == "invalid_type"
    assert refused({**VIEW, "user_id": None, "address": "1" * 65})[0] == "too_long"
