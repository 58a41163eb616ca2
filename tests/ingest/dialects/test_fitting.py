"""Whatever a client that nobody can change has sent, its event is taken, and says what is missing of it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ingest.admit import Context, admit
from ingest.dialects.fitting import DOCUMENTS_BYTES, NOT_KEPT, Fitting, beside, fit, kept
from ingest.errors import TooLarge
from ingest.fields import DOCUMENT_BYTES
from store.identity import Identity
from store.site import Site

CONTEXT = Context(
    site=Site("demo"), trusted=False, now=1_795_435_200_000, identity=Identity(b"secret of the tests"), salt=b"salt"
)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"in": value}
    return value


def fitted(item: dict[str, Any]) -> dict[str, Any]:
    """What it became, which is taken."""
    found, _ = fit(item)
    assert isinstance(found, dict)
    assert admit([found], CONTEXT).rejections == []
    return found


def test_what_fits_is_left_as_it_is() -> None:
    item = {"type": "event", "name": "n" * 64, "user_id": "u" * 128, "properties": {"a": nested(7), "b": "x" * 8_000}}
    assert fit(item) == (item, [])
    assert fit("no object") == ("no object", [])


@pytest.mark.parametrize(
    ("type_", "field", "rest"),
    [
        ("event", "name", "properties"),
        ("conversion", "conversion_type", "properties"),
        ("error", "error_type", "context"),
    ],
)
def test_a_long_name_is_cut_and_kept(type_: str, field: str, rest: str) -> None:
    found = fitted({"type": type_, field: "n" * 65, rest: {"a": 1}})
    assert found[field] == "n" * 64
    assert found[rest] == {"a": 1, field: "n" * 65}


@pytest.mark.parametrize(
    ("field", "limit"), [("user_id", 128), ("anonymous_id", 128), ("session_id", 128), ("event_id", 64)]
)
def test_two_long_ids_never_become_one(field: str, limit: int) -> None:
    found = {fitted({"type": "event", "name": "n", field: "x" * limit + end})[field] for end in ("a", "b", "b")}
    assert len(found) == 2
    assert {len(each) for each in found} == {limit}


def test_what_is_nested_too_deep_becomes_text() -> None:
    found = fitted({"type": "event", "name": "n", "properties": {"deep": nested(8), "not": nested(7)}})
    assert found["properties"]["not"] == nested(7)
    assert orjson.loads(found["properties"]["deep"]) == nested(8)
    assert NOT_KEPT in fitted({"type": "event", "name": "n", "properties": {"deep": nested(1_000)}})["properties"]


@pytest.mark.parametrize("document", ["properties", "context"])
def test_the_biggest_members_go(document: str) -> None:
    type_ = {"type": "error", "error_type": "E"} if document == "context" else {"type": "event", "name": "n"}
    small = {str(number): "x" * 70 for number in range(100)}
    found = fitted({**type_, document: {"big": "x" * 9_000, **small, "bigger": ["x"] * 9_000}})[document]
    assert found == {**small, NOT_KEPT: ["bigger", "big"]}


def test_however_many_members_there_are() -> None:
    found = fitted({"type": "event", "name": "n", "properties": {"n" * 300 + str(i): i for i in range(20_000)}})
    assert len(orjson.dumps(found["properties"])) <= DOCUMENT_BYTES
    assert len(found["properties"][NOT_KEPT]) == 10


def test_money_without_a_currency_is_in_the_sites() -> None:
    sale = {"type": "conversion", "conversion_type": "purchase", "value": 5}
    assert fit(sale, "EUR")[0] == {**sale, "currency": "EUR"}
    assert fit({**sale, "currency": "GBP"}, "EUR")[0] == {**sale, "currency": "GBP"}


@pytest.mark.parametrize("address", [7, ["203.0.113.9"], "1" * 65])
def test_an_address_that_is_none_goes(address: object) -> None:
    assert "address" not in fitted({"type": "event", "name": "n", "address": address})


def test_no_name_hides_another() -> None:
    assert beside({"url": 1, "_url": 2}, {"url": 3, "other": 4}) == {"url": 1, "_url": 2, "__url": 3, "other": 4}


def test_what_is_copied_into_many_events_is_cut_before() -> None:
    assert kept({"a": 1, "big": "x" * 9_000}) == {"a": 1, NOT_KEPT: ["big"]}


@pytest.mark.parametrize(("members", "most"), [({"a": "x" * (1 << 20)}, 15), ({"a": nested(1_000)}, 16)])
def test_copies_do_not_make_a_huge_message_of_a_small_one(members: dict[str, Any], most: int) -> None:
    fitting = Fitting()
    for _ in range(most):
        fitting.fit({"type": "event", "name": "n", "properties": members})
    with pytest.raises(TooLarge, match=f"more than {DOCUMENTS_BYTES:,} bytes"):
        fitting.fit({"type": "event", "name": "n", "properties": members})
