from __future__ import annotations

from typing import Any

import orjson
import pytest
from multidict import MultiDict

from query.errors import BadBody, BadParameter
from query.funnel import question
from query.question import Period
from store.buckets import DAY_MS, HOUR_MS
from tests.query.fill import ms
from tests.store.batches import NOW


def test_what_is_not_said() -> None:
    assert question.from_parameters({"steps": "signup"}, NOW) == question.FunnelQuestion(
        asked=("signup",),
        steps=("conversion:signup",),
        period=Period(NOW - 7 * DAY_MS, NOW + 1),
        spoken="7 days",
        window=7 * DAY_MS,
        order="ordered",
        entry="latest",
        breakdown=None,
    )


def test_everything_said_as_parameters_or_as_json() -> None:
    given = {
        "steps": "page:/blog/*, event:Add to cart,buy",
        "from": "2026-11-20T00:00:00Z",
        "to": "2026-11-21T00:00:00+01:00",
        "window": "90s",
        "order": "strict",
        "entry": "first",
        "breakdown": "device",
    }
    expected = question.FunnelQuestion(
        asked=("page:/blog/*", "event:Add to cart", "buy"),
        steps=("page:/blog/*", "event:Add to cart", "conversion:buy"),
        period=Period(ms("2026-11-20T00:00:00Z"), ms("2026-11-21T00:00:00+01:00")),
        spoken="2026-11-20T00:00:00Z to 2026-11-21T00:00:00+01:00",
        window=90_000,
        order="strict",
        entry="first",
        breakdown="device",
    )
    assert question.from_parameters(given, NOW) == expected
    body = orjson.dumps({**given, "steps": ["page:/blog/*", "event:Add to cart", "buy"], "days": None})
    assert question.from_json(body, NOW) == expected


@pytest.mark.parametrize(
    ("given", "spoken", "length"),
    [
        ({"days": "1"}, "1 days", DAY_MS),
        ({"days": "800"}, "800 days", 800 * DAY_MS),
        ({"hours": "36"}, "36 hours", 36 * HOUR_MS),
        ({"from": "2026-11-23T13:00:00Z"}, "2026-11-23T13:00:00Z to now", 200_000),
    ],
)
def test_periods(given: dict[str, str], spoken: str, length: int) -> None:
    asked = question.from_parameters({"steps": "a", **given}, NOW)
    assert (asked.spoken, asked.period) == (spoken, Period(NOW - length, NOW + 1))


def test_a_json_number_is_a_number() -> None:
    assert question.from_json(b'{"steps": ["a"], "days": 3}', NOW).spoken == "3 days"


@pytest.mark.parametrize(
    ("asked", "step"),
    [
        ("buy", "conversion:buy"),
        ("conversion:buy:now", "conversion:buy:now"),
        ("conversion:buy*", "conversion:buy*"),
        ("error:TypeError", "error:TypeError"),
        ("page:/*", "page:/*"),
        ("page:/café/ü", "page:/caf%C3%A9/%C3%BC"),  # as a page's path is stored
        ("page:/a%20b", "page:/a%20b"),
        ("event:\ud83d", "event:?"),  # half a surrogate pair
    ],
)
def test_steps(asked: str, step: str) -> None:
    assert question.from_parameters({"steps": asked}, NOW).steps == (step,)


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({}, "steps"),
        ({"steps": ""}, "steps"),
        ({"steps": "a,,b"}, "steps"),
        ({"steps": "a, "}, "steps"),
        ({"steps": "page:blog"}, "steps"),
        ({"steps": "visit:/blog"}, "steps"),
        ({"steps": "event:"}, "steps"),
        ({"steps": "event:" + "x" * 2_049}, "steps"),
        ({"steps": ",".join("a" * 21)}, "steps"),
        ({"steps": "a", "days": "0"}, "days"),
        ({"steps": "a", "days": "801"}, "days"),
        ({"steps": "a", "days": "1.5"}, "days"),
        ({"steps": "a", "days": "1", "from": "2026-11-20T00:00:00Z"}, "days"),
        ({"steps": "a", "to": "2026-11-20T00:00:00Z"}, "from"),
        ({"steps": "a", "from": "2024-09-01T00:00:00Z"}, "from"),
        ({"steps": "a", "from": "2026-11-20T00:00:00"}, "from"),
        ({"steps": "a", "window": "7"}, "window"),
        ({"steps": "a", "window": "0s"}, "window"),
        ({"steps": "a", "window": "801d"}, "window"),
        ({"steps": "a", "order": "loose"}, "order"),
        ({"steps": "a", "entry": "last"}, "entry"),
        ({"steps": "a", "breakdown": "country"}, "breakdown"),
        ({"steps": "a", "windw": "1h"}, "windw"),
        (MultiDict([("steps", "a"), ("steps", "b")]), "steps"),
    ],
)
def test_a_bad_parameter_is_named(given: Any, parameter: str) -> None:
    with pytest.raises(BadParameter) as refused:
        question.from_parameters(given, NOW)
    assert refused.value.parameter == parameter


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        (b"{}", "steps"),
        (b'{"steps": "a"}', "steps"),
        (b'{"steps": [1]}', "steps"),
        (b'{"steps": []}', "steps"),
        (b'{"steps": ["a"], "days": true}', "days"),
        (b'{"steps": ["a"], "days": 1.5}', "days"),
        (b'{"steps": ["a"], "window": ["7d"]}', "window"),
        (b'{"steps": ["a"], "limit": 3}', "limit"),
    ],
)
def test_a_bad_member_is_named(body: bytes, parameter: str) -> None:
    with pytest.raises(BadParameter) as refused:
        question.from_json(body, NOW)
    assert refused.value.parameter == parameter


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"a"', b"null", b'{"steps": ["\xff"]}', b'{"steps": NaN}'])
def test_a_body_that_is_no_json_object(body: bytes) -> None:
    with pytest.raises(BadBody):
        question.from_json(body, NOW)


def test_a_step_is_told_back_as_it_was_asked_for() -> None:
    asked = question.from_json('{"steps": ["page:/café", " buy "]}'.encode(), NOW)
    assert asked.asked == ("page:/café", " buy ")
