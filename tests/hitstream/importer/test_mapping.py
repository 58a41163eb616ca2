"""Rows to events."""

from __future__ import annotations

from typing import Any

import pytest

from hitstream.importer.mapping import Columns, Unmappable, check_field

CASES: list[tuple[str, Columns, dict[str, Any], dict[str, Any]]] = [
    (
        "mapped and set",
        Columns({"user_id": "customer"}, {"type": "conversion"}, "", "UTC"),
        {"customer": "00001", "other": "x"},
        {"user_id": "00001", "type": "conversion"},
    ),
    (
        "a column named like a field",
        Columns({}, {"type": "event"}, "", "UTC"),
        {"name": " signup ", "type": "credit", "event": "x"},
        {"name": "signup", "type": "event"},
    ),
    ("an empty cell is no value", Columns({}, {}, "", "UTC"), {"title": " ", "name": None, "value": 0}, {"value": 0}),
    (
        "members of the properties",
        Columns({"properties.plan": "plan", "properties.seats": "seats"}, {}, "", "UTC"),
        {"plan": "pro", "seats": 3},
        {"properties": {"plan": "pro", "seats": 3}},
    ),
    ("properties as JSON in a cell", Columns({}, {}, "", "UTC"), {"properties": '{"a": 1}'}, {"properties": {"a": 1}}),
    ("a number for a name", Columns({}, {}, "", "UTC"), {"user_id": 17, "value": 12}, {"user_id": "17", "value": 12}),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "values", "want"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_event(columns: Columns, values: dict[str, Any], want: dict[str, Any]) -> None:
    assert columns.event(values) == want


TIMES: list[tuple[Any, str, str, int]] = [
    ("2024-03-13 10:21:14", "", "UTC", 1_710_325_274_000),
    ("2024-03-13T10:21:14.5Z", "", "Asia/Tokyo", 1_710_325_274_500),
    ("2024-03-13T10:21:14+09:00", "", "UTC", 1_710_292_874_000),
    ("2024-03-13 10:21:14", "", "Asia/Tokyo", 1_710_292_874_000),
    ("19970101", "%Y%m%d", "UTC", 852_076_800_000),
    ("19970101", "%Y%m%d", "America/New_York", 852_094_800_000),
    ("1710325274.5", "epoch", "UTC", 1_710_325_274_500),
    ("1710325274500", "epoch_ms", "UTC", 1_710_325_274_500),
    (1710325274500, "", "UTC", 1_710_325_274_500),
]


@pytest.mark.parametrize(("value", "time_format", "zone", "want"), TIMES)
def test_timestamp(value: Any, time_format: str, zone: str, want: int) -> None:
    assert Columns({}, {}, time_format, zone).event({"timestamp": value}) == {"timestamp": want}


@pytest.mark.parametrize(
    ("columns", "values", "why"),
    [
        (Columns({"user_id": "who"}, {}, "", "UTC"), {"a": 1, "b": 2}, "has no column 'who'; it has a, b"),
        (Columns({}, {}, "", "UTC"), {"timestamp": "yesterday"}, "timestamp: 'yesterday' is not an ISO 8601 time"),
        (Columns({}, {}, "%Y", "UTC"), {"timestamp": "x"}, "timestamp: 'x' is not of the form %Y"),
        (Columns({}, {}, "epoch", "UTC"), {"timestamp": "1e999"}, "timestamp: '1e999' is not of the form epoch"),
        (Columns({}, {}, "", "UTC"), {"properties": "{"}, "properties: '{' is not a JSON object"),
    ],
)
def test_a_row_that_gives_no_event_says_why(columns: Columns, values: dict[str, Any], why: str) -> None:
    with pytest.raises(Unmappable) as caught:
        columns.event(values)
    assert str(caught.value).startswith(why)


@pytest.mark.parametrize("name", ["user_id", "properties", "properties.plan", "context.release"])
def test_a_field(name: str) -> None:
    check_field(name)


@pytest.mark.parametrize("name", ["user", "", "user_id.x", "properties."])
def test_no_field(name: str) -> None:
    with pytest.raises(ValueError, match="an event has no field"):
        check_field(name)
