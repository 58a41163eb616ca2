"""PostHog's events to ours, both ways to send them, and the replies in its words."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest

from ingest.dialects import posthog_v1
from ingest.dialects.posthog import accept, config, config_script, flags, read, refuse
from ingest.dialects.posthog_event import item
from ingest.dialects.wire import Outcome, Translation
from ingest.errors import NotJson, RateLimited
from ingest.rejection import Rejection
from store.event import Conversion, Error, PageView
from store.site import Presented
from tests.ingest.dialects.translating import AT, AT_MS, NOW, admitted, message, without_nothing

COMMON = {"distinct_id": "u", "uuid": "0199", "timestamp": AT}
OURS = {"user_id": "u", "event_id": "0199", "timestamp": AT}
URL = "https://shop.example/a?q=1"


def event(name: str, /, **properties: Any) -> dict[str, Any]:
    return {**COMMON, "event": name, "properties": properties}


@pytest.mark.parametrize(
    ("sent", "want"),
    [
        (
            event("Signed Up", plan="pro", token="K"),
            {"type": "event", "name": "Signed Up", "properties": {"plan": "pro"}},
        ),
        ({**COMMON, "event": "bare"}, {"type": "event", "name": "bare"}),
        (
            {**COMMON, "event": "$set", "$set": {"email": "a@b"}, "library": "x", "type": "capture"},
            {"type": "event", "name": "$set", "properties": {"$set": {"email": "a@b"}, "library": "x"}},
        ),
        (
            {"$distinct_id": "u", "uuid": "0199", "timestamp": AT, "$token": "K", "$set_once": {"a": 1}},
            {"type": "event", "name": "$set", "properties": {"$set_once": {"a": 1}}},
        ),
        (
            event("$identify", **{"$anon_distinct_id": "x"}),
            {"type": "event", "name": "$identify", "properties": {"$anon_distinct_id": "x"}},
        ),
        (event("x", **{"$session_id": "s", "$ip": "203.0.113.9"}), {"type": "event", "name": "x", "session_id": "s"}),
        (event("x", **{"$session_id": {}}), {"type": "event", "name": "x"}),
        (
            {**COMMON, "event": "odd", "properties": [1]},
            {"type": "event", "name": "odd", "properties": {"properties": [1]}},
        ),
        (event("$pageview"), {"type": "event", "name": "$pageview"}),
        (
            event("$pageview", **{"$current_url": "app://home"}),
            {"type": "event", "name": "$pageview", "properties": {"$current_url": "app://home"}},
        ),
        (
            event("$pageview", **{"$current_url": URL, "$referrer": "https://g.example/", "title": "A", "$lib": "web"}),
            {
                "type": "page_view",
                "page_url": URL,
                "referrer": "https://g.example/",
                "title": "A",
                "properties": {"$lib": "web"},
            },
        ),
        (event("$pageview", **{"$current_url": URL, "$referrer": "$direct"}), {"type": "page_view", "page_url": URL}),
    ],
)
def test_what_each_event_becomes(sent: dict[str, Any], want: dict[str, Any]) -> None:
    assert without_nothing(item(sent, NOW)) == {**OURS, **want}


@pytest.mark.parametrize(
    ("properties", "type_", "says"),
    [
        ({"$exception_list": [{"type": "ValueError", "value": "no"}, {"type": "KeyError"}]}, "ValueError", "no"),
        ({"$exception_list": [{"type": None, "value": 5}], "$exception_message": "m"}, "Error", "m"),
        ({"$exception_type": "TypeError", "$exception_message": "m"}, "TypeError", "m"),
        ({"$exception_types": ["A", "B"], "$exception_values": ["x", "y"]}, "A", "x"),
        ({"$exception_list": "ValueError"}, "Error", ""),
        ({}, "Error", ""),
    ],
)
def test_exceptions(properties: dict[str, Any], type_: str, says: str) -> None:
    (found,) = admitted(read(message([event("$exception", **properties)]))).events
    assert isinstance(found, Error)
    assert (found.error_type, found.message) == (type_, says)


def test_a_long_trace_is_kept_without_source_lines() -> None:
    frames = [{"filename": f"f{n}.py", "lineno": n, "context_line": "x" * 500, "vars": {"a": 1}} for n in range(100)]
    sent = event("$exception", **{"$exception_list": [{"type": "E", "value": "no", "stacktrace": {"frames": frames}}]})
    (found,) = admitted(read(message([sent]))).events
    assert isinstance(found, Error)
    (exception,) = json.loads(found.context)["$exception_list"]
    assert exception["stacktrace"]["frames"] == [{"filename": f"f{n}.py", "lineno": n} for n in range(90, 100)]


def test_a_sale() -> None:
    (found,) = admitted(read(message([event("purchase", revenue="12.50", currency="EUR")]))).events
    assert isinstance(found, Conversion)
    assert (found.conversion_type, found.minor, found.currency) == ("purchase", 1250, "EUR")


def test_who_and_when_and_with_what() -> None:
    properties = {"$current_url": URL, "$session_id": "s", "$raw_user_agent": "Mozilla/5.0 Firefox/140.0"}
    (found,) = admitted(read(message({**event("$pageview", **properties), "offset": 9}))).events
    assert isinstance(found, PageView)
    assert (found.user, found.session, found.agent.browser, found.at) == ("u", "s", "firefox", AT_MS)
    (found,) = admitted(read(message({"event": "x", "offset": 5000, "properties": {"distinct_id": "v"}}))).events
    assert (found.user, found.at) == ("v", NOW - 5000)


def test_without_cookies_the_visitor_is_the_day_s() -> None:
    first, second = admitted(
        read(message([{"event": "x", "distinct_id": "$posthog_cookieless"}, {"event": "x", "distinct_id": "u"}]))
    ).events
    assert first.user not in ("", "$posthog_cookieless")
    assert second.user == "u"


@pytest.mark.parametrize(
    ("ignored", "at"), [(None, AT_MS), (True, AT_MS - 3_600_000), ("true", AT_MS - 3_600_000), (False, AT_MS)]
)
def test_the_sender_s_clock_is_corrected_unless_it_says_not_to(ignored: object, at: int) -> None:
    sent = {**event("x", **{"$ignore_sent_at": ignored}), "timestamp": "2026-11-23T14:59:00Z"}
    (found,) = admitted(read(message({"batch": [sent], "sent_at": "2026-11-23T15:00:00Z"}))).events
    assert found.at == at


ONE = event("x")
TEXT = json.dumps(ONE).encode()


@pytest.mark.parametrize(
    "body",
    [
        ONE,
        [ONE],
        {"api_key": "K", "batch": [ONE]},
        b"data=" + quote(b64encode(TEXT)).encode(),
        b"data=" + b64encode(TEXT).rstrip(b"=") + b"&ip=1&ver=1.0",
        b"data=" + quote(TEXT).encode(),
    ],
)
def test_the_shapes_of_a_body(body: object) -> None:
    assert [without_nothing(each) for each in read(message(body)).items] == [{**OURS, "type": "event", "name": "x"}]


@pytest.mark.parametrize("body", [b"", b"{", b"data=", b"data=%%%", b"data=YWJj", b"data=YQ==="])
def test_what_is_no_body(body: bytes) -> None:
    with pytest.raises(NotJson):
        read(message(body))


@pytest.mark.parametrize(
    ("body", "query", "want"),
    [
        ({"api_key": "K", "batch": []}, {}, Presented("K")),
        ({"token": "K", "event": "x"}, {}, Presented("K")),
        ([{"event": "x"}, {"event": "x", "properties": {"token": "K"}}], {}, Presented("K")),
        ([{"$token": "K"}], {}, Presented("K")),
        ([ONE], {"token": "Q"}, Presented("Q", in_url=True)),
        ([ONE], {"api_key": "Q"}, Presented("Q", in_url=True)),
        ([ONE], {}, Presented("")),
        ([{"api_key": 5}], {}, Presented("")),
    ],
)
def test_where_the_key_may_stand(body: object, query: dict[str, str], want: Presented) -> None:
    assert read(message(body, query=query)).presented == want


REJECTION = Rejection(1, "missing_field", "name is required")


@pytest.mark.parametrize(
    ("outcome", "query", "status", "member", "value"),
    [
        (Outcome(2), {}, 200, "status", "Ok"),
        (Outcome(1, [REJECTION]), {}, 200, "status", "Ok"),
        (Outcome(0), {}, 200, "status", "Ok"),
        (Outcome(0, [REJECTION]), {}, 400, "detail", "name is required"),
        (Outcome(0, [REJECTION]), {"beacon": "1"}, 400, "code", "missing_field"),
    ],
)
def test_replies(outcome: Outcome, query: dict[str, str], status: int, member: str, value: str) -> None:
    reply = accept(message({}, query=query), Translation(Presented(""), [], [], 0), outcome)
    assert (reply.status, json.loads(reply.body)[member]) == (status, value)


def test_a_beacon_gets_an_empty_reply() -> None:
    reply = accept(message({}, query={"beacon": "1"}), Translation(Presented(""), [], [], 0), Outcome(1))
    assert (reply.status, reply.body) == (204, b"")


def test_a_refusal_says_why_where_the_clients_look() -> None:
    reply = refuse(message({}), RateLimited(2), 429)
    assert (reply.status, reply.says_when) == (429, True)
    assert "more events than it may" in json.loads(reply.body)["detail"]


def test_settings_turn_everything_off() -> None:
    for answer in (flags, config):
        found = json.loads(answer(message(b"")).body)
        assert (found["sessionRecording"], found["siteApps"], "surveys" in found) == (False, [], False)
    script = config_script(message(b"", path={"token": '</script>"'})).body.decode()
    assert script.startswith("(function(){")
    assert json.dumps('</script>"') in script


# The newer way.

V1 = {"event": "x", "uuid": "0199", "distinct_id": "u", "timestamp": AT, "properties": {"a": 1}}


def v1(*batch: object, **headers: str) -> Translation:
    return posthog_v1.read(message({"created_at": AT, "batch": list(batch)}, headers))


def test_v1_restores_what_it_moved_out_of_the_properties() -> None:
    options = {"process_person_profile": False, "disable_skew_correction": True}
    sent = {**V1, "session_id": "s", "window_id": "w", "options": options}
    translation = v1(sent, **{"PostHog-Sdk-Info": "posthog-python/7.91.1", "Authorization": "Bearer K"})
    assert translation.presented == Presented("K")
    assert without_nothing(translation.items[0]) == {
        **OURS,
        "type": "event",
        "name": "x",
        "session_id": "s",
        "properties": {
            "$lib": "posthog-python",
            "$lib_version": "7.91.1",
            "a": 1,
            "$window_id": "w",
            "$process_person_profile": False,
            "$ignore_sent_at": True,
        },
    }
    assert translation.sent_at is None


def test_v1_goes_by_the_clock_of_the_request_for_created_at_stays_when_it_is_sent_again() -> None:
    sent = {**V1, "timestamp": "2026-11-23T14:59:00Z"}
    (found,) = admitted(v1(sent, **{"PostHog-Request-Timestamp": "2026-11-23T15:00:00Z"})).events
    assert found.at == AT_MS


@pytest.mark.parametrize("body", [[], {}, {"batch": {}}, 5, b"{"])
def test_v1_wants_a_batch(body: object) -> None:
    with pytest.raises(NotJson):
        posthog_v1.read(message(body))


def test_v1_answers_for_each_event() -> None:
    sent = message({"batch": [V1, {**V1, "uuid": "0200"}, 5, {"uuid": 7}]})
    reply = posthog_v1.accept(sent, posthog_v1.read(sent), Outcome(1, [REJECTION]))
    assert reply.status == 200
    assert json.loads(reply.body) == {
        "results": {"0199": {"result": "ok"}, "0200": {"result": "drop", "details": "name is required"}}
    }


@pytest.mark.parametrize(("status", "want"), [(429, 503), (503, 503), (401, 401), (413, 413)])
def test_v1_never_says_429_which_some_clients_take_for_final(status: int, want: int) -> None:
    reply = posthog_v1.refuse(message({}), RateLimited(2), status)
    assert (reply.status, reply.says_when) == (want, True)
    assert set(json.loads(reply.body)) == {"error", "error_description"}
