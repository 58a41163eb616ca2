"""Sentry's envelopes to errors of ours, and the replies in its words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest.dialects.sentry import LIMITS, accept, read_envelope, read_event, refuse
from ingest.dialects.sentry_envelope import MAX_ITEMS, unpacked
from ingest.dialects.wire import Outcome, Translation
from ingest.errors import JournalClosed, NotJson, Overloaded, RateLimited, TooManyEvents
from ingest.rejection import Rejection
from store.event import Error
from store.site import Presented
from tests.ingest.dialects.translating import AT, AT_MS, admitted, message, without_nothing

ID = "9ec79c33ec9942ab8353589fcb2e04dc"
RAISED = {"type": "ValueError", "value": "no", "mechanism": {"type": "generic", "handled": True}}
DSN = "http://DSNKEY@127.0.0.1:8080/1"


def packed(*items: tuple[dict[str, Any], bytes], **header: object) -> bytes:
    lines = [json.dumps(header).encode()]
    for each, payload in items:
        lines += [json.dumps(each).encode(), payload]
    return b"\n".join(lines) + b"\n"


def event(**fields: Any) -> tuple[dict[str, Any], bytes]:
    payload = json.dumps({"event_id": ID, "timestamp": AT, **fields}).encode()
    return {"type": "event", "length": len(payload)}, payload


def item(**fields: Any) -> Any:
    return without_nothing(read_envelope(message(packed(event(**fields)))).items[0])


@pytest.mark.parametrize(
    ("fields", "type_", "says", "context"),
    [
        (
            {"exception": {"values": [RAISED]}, "level": "error", "release": "1.2"},
            "ValueError",
            "no",
            {"level": "error", "release": "1.2", "mechanism": RAISED["mechanism"]},
        ),
        (
            {"exception": {"values": [{"type": "KeyError", "value": "'a'"}, {"type": "ValueError", "value": "no"}]}},
            "ValueError",
            "no",
            {"causes": ["KeyError: 'a'"]},
        ),
        ({"exception": [{"type": None, "value": "no"}]}, "Error", "no", {}),
        ({"exception": [{"type": None, "value": "hi"}], "message": "hi"}, "Message", "hi", {}),
        ({"exception": {"type": "Old", "value": "one"}}, "Old", "one", {}),
        ({"exception": {"values": []}, "message": "hello", "level": "info"}, "Message", "hello", {"level": "info"}),
        ({"logentry": {"message": "a %s", "formatted": "a b"}, "logger": "app"}, "Message", "a b", {"logger": "app"}),
        ({"message": {"message": "a %s"}}, "Message", "a %s", {}),
        (
            {"logentry": {"message": "while saving"}, "exception": {"values": [{"type": "E", "value": "no"}]}},
            "E",
            "no",
            {"message": "while saving"},
        ),
        (
            {"exception": "nonsense", "sdk": {"name": "sentry.python", "version": "2"}},
            "Message",
            "",
            {"sdk": "sentry.python/2"},
        ),
        (
            {"tags": {"a": "b"}, "extra": {"c": 1}, "breadcrumbs": {"values": [1]}, "modules": {"x": "1"}, "dist": ""},
            "Message",
            "",
            {"tags": {"a": "b"}, "extra": {"c": 1}},
        ),
    ],
)
def test_what_an_event_becomes(fields: dict[str, Any], type_: str, says: str, context: dict[str, Any]) -> None:
    assert item(**fields) == {
        "type": "error",
        "error_type": type_,
        "error_message": says,
        "event_id": ID,
        "timestamp": AT,
        "context": context,
    }


def test_the_frame_is_the_innermost_of_the_program_s_own() -> None:
    frames = [
        {"filename": "main.py", "function": "main", "lineno": 1, "in_app": True},
        {
            "filename": "app.py",
            "function": "f",
            "lineno": 7,
            "in_app": True,
            "vars": {"secret": 1},
            "context_line": "x",
        },
        {"filename": "lib.py", "function": "g", "lineno": 9, "in_app": False},
    ]
    found = item(exception={"values": [{**RAISED, "stacktrace": {"frames": frames}}]})
    assert found["context"]["frame"] == {"filename": "app.py", "function": "f", "lineno": 7, "in_app": True}


@pytest.mark.parametrize(
    ("user", "want"),
    [
        ({"id": 7, "email": "a@b", "ip_address": "203.0.113.9"}, "7"),
        ({"username": "ann"}, "ann"),
        ({"id": "", "email": "a@b"}, "a@b"),
        ({"id": {"a": 1}, "email": "a@b"}, "a@b"),
    ],
)
def test_whose_error_it_is(user: dict[str, Any], want: str) -> None:
    (found,) = admitted(read_envelope(message(packed(event(user=user))))).events
    assert found.user == want
    assert "203.0.113.9" not in repr(found)


@pytest.mark.parametrize("headers", [{"user-agent": "Firefox/140.0"}, [["X", "y"], ["User-Agent", "Firefox/140.0"]]])
def test_what_a_request_says(headers: object) -> None:
    request = {"url": "https://shop.example/a", "method": "GET", "headers": headers}
    (found,) = admitted(read_envelope(message(packed(event(request=request))))).events
    assert isinstance(found, Error)
    assert found.agent.browser == "firefox"
    assert json.loads(found.context) == {"url": "https://shop.example/a", "method": "GET"}


@pytest.mark.parametrize("timestamp", [AT, AT_MS / 1000, AT_MS // 1000])
def test_times_are_texts_or_seconds(timestamp: object) -> None:
    (found,) = admitted(read_envelope(message(packed(event(timestamp=timestamp))))).events
    assert found.at == AT_MS


def test_the_sender_s_clock_is_corrected() -> None:
    body = packed(event(timestamp="2026-11-23T14:59:00Z"), sent_at="2026-11-23T15:00:00Z")
    (found,) = admitted(read_envelope(message(body))).events
    assert found.at == AT_MS


def test_other_items_are_passed_over() -> None:
    payload = b'{"a":1}\n{"b":2}'
    body = packed(
        ({"type": "session"}, b"{}"),
        ({"type": "attachment", "length": len(payload)}, payload),
        event(message="x"),
        ({"type": "client_report", "length": None}, b"not JSON"),
        event_id=ID,
    )
    assert [each["error_message"] for each in read_envelope(message(body)).items] == ["x"]  # type: ignore[index]


def test_the_id_of_the_envelope_is_that_of_its_event() -> None:
    (found,) = read_envelope(message(packed(({"type": "event"}, b"{}"), event_id=ID))).items
    assert without_nothing(found)["event_id"] == ID


@pytest.mark.parametrize(
    ("body", "items"),
    [
        (b"{}", 0),
        (b"{}\n", 0),
        (b"{}\n\n\n", 0),
        (b'{}\n{"type":"event"}', 1),
        (b'{}\n{"type":"event","length":100}\n{}', 1),
        (b'{}\n{"type":"event","length":2}\n{}', 1),
        (b'{}\n{"type":"event","length":-1}\n{}\n', 1),
        (b'{}\n{"type":"event","length":true}\n{}\n', 1),
    ],
)
def test_framing(body: bytes, items: int) -> None:
    assert len(unpacked(body).items) == items


@pytest.mark.parametrize("body", [b"", b"\n", b"[]", b"{", b"{}\n[]\n{}", b"{}\nx\n"])
def test_what_is_no_envelope(body: bytes) -> None:
    with pytest.raises(NotJson):
        unpacked(body)


def test_items_are_bounded() -> None:
    with pytest.raises(TooManyEvents):
        unpacked(b"{}\n" + b"{}\n{}\n" * (MAX_ITEMS + 1))


def test_an_event_that_is_no_json_spoils_no_other() -> None:
    admission = admitted(read_envelope(message(packed(({"type": "event"}, b"{"), event(message="x")))))
    assert (len(admission.events), [each.code for each in admission.rejections]) == (1, ["invalid_json"])


@pytest.mark.parametrize(
    ("headers", "query", "dsn", "want"),
    [
        ({"X-Sentry-Auth": "Sentry sentry_key=K, sentry_version=7, sentry_client=x/1"}, {}, DSN, Presented("K")),
        ({"X-Sentry-Auth": "Sentry sentry_version=7,sentry_key=K"}, {}, None, Presented("K")),
        ({"X-Sentry-Auth": "sentry_key=K"}, {}, None, Presented("K")),
        ({"Authorization": "Sentry sentry_key=K"}, {}, None, Presented("K")),
        ({"X-Sentry-Auth": "Sentry x"}, {"sentry_key": "Q"}, DSN, Presented("Q", in_url=True)),
        ({}, {}, DSN, Presented("DSNKEY")),
        ({}, {}, "http://[", Presented("")),
        ({}, {}, 5, Presented("")),
    ],
)
def test_where_the_key_may_stand(headers: dict[str, str], query: dict[str, str], dsn: object, want: Presented) -> None:
    assert read_envelope(message(packed(dsn=dsn), headers, query)).presented == want


def test_the_older_way() -> None:
    translation = read_event(message({"event_id": ID, "message": "x"}, query={"sentry_key": "K"}))
    assert translation.presented == Presented("K", in_url=True)
    assert without_nothing(translation.items[0])["error_message"] == "x"


def test_replies() -> None:
    taken = read_envelope(message(packed(event())))
    assert json.loads(accept(message({}), taken, Outcome(1)).body) == {"id": ID}
    nothing = Translation(Presented(""), [], [], 0)
    assert json.loads(accept(message({}), nothing, Outcome(0)).body) == {}
    reply = accept(message({}), taken, Outcome(0, [Rejection(0, "in_future", "too far")]))
    assert (reply.status, json.loads(reply.body)["causes"]) == (400, ["too far"])


def test_the_rate_is_told_in_sentry_s_words_and_nothing_else_bids_clients_be_silent() -> None:
    reply = refuse(message({}), RateLimited(1.2), 429)
    assert (reply.status, reply.says_when, reply.headers[LIMITS]) == (429, True, "2:error;default:key:rate_limited")
    assert LIMITS in reply.headers["Access-Control-Expose-Headers"]
    for error in (Overloaded("time", 1), JournalClosed()):
        reply = refuse(message({}), error, 503)
        assert (reply.status, reply.says_when, dict(reply.headers)) == (503, False, {})
        assert json.loads(reply.body)["causes"] == [error.code]
