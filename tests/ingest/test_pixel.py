"""Fields that come as query parameters."""

from __future__ import annotations

import pytest

from ingest.decode import Undecodable
from ingest.pixel import pixel_event


@pytest.mark.parametrize(
    ("parameters", "want"),
    [
        ({}, {}),
        ({"type": "page_view", "page_url": "https://a.example/?b=1"}, None),
        ({"type": "conversion", "conversion_type": "sale", "value": "19.99", "currency": "EUR"}, None),
        ({"type": "error", "error_type": "404", "timestamp": "1795435200123"}, None),
        ({"type": "event", "name": "", "referrer": ""}, {"type": "event"}),
        ({"type": "event", "key": "secret", "site": "demo"}, {"type": "event"}),
        ({"properties": '{"a":[1,"é"]}'}, {"properties": {"a": [1, "é"]}}),
        ({"context": "[1]"}, {"context": [1]}),  # JSON, and no object: admit says so
    ],
)
def test_parameters(parameters: dict[str, str], want: object) -> None:
    """`None` wants what was sent."""
    assert pixel_event(parameters) == (parameters if want is None else want)


@pytest.mark.parametrize("name", ["properties", "context"])
@pytest.mark.parametrize(
    ("text", "code"),
    [("{", "invalid_json"), ("NaN", "invalid_number"), ("9" * 20, "invalid_number"), ("\ud83d", "invalid_json")],
)
def test_a_document_that_is_no_json(name: str, text: str, code: str) -> None:
    refused = pixel_event({"type": "event", "name": "x", name: text})
    assert isinstance(refused, Undecodable)
    assert (refused.code, refused.message) == (code, f"{name} must be a JSON object")
