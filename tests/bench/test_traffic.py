"""The bodies of a load: always the same, never a duplicate, and all of them admitted."""

from __future__ import annotations

from itertools import islice

import orjson
import pytest

from bench.traffic import bodies, fill, page_views, request
from ingest.admit import Context, admit
from store.identity import Identity
from store.site import Site

NOW = 1_795_000_000_123


def test_the_same_seed_makes_the_same_traffic() -> None:
    first, again, other = (list(islice(page_views(seed), 300)) for seed in (1, 1, 2))
    assert first == again != other


def test_visits_have_several_views_and_popular_pages_are_viewed_more() -> None:
    views = list(islice(page_views(1), 20_000))
    sessions = {view["session_id"] for view in views}
    assert 4 < len(views) / len(sessions) < 6
    pages = [view["page_url"] for view in views]
    assert pages.count("https://shop.example/products/linen-0000") > 20 * pages.count(
        "https://shop.example/products/linen-0040"
    )


@pytest.mark.parametrize("batch", [1, 10])
def test_every_event_is_admitted_and_has_an_id_of_its_own(batch: int) -> None:
    templates = bodies("load", batch, 20, seed=1)
    sent = [fill(templates[serial % 20], serial, NOW) for serial in range(60)]
    decoded = [orjson.loads(body) for body in sent]
    items = decoded if batch == 1 else [item for items in decoded for item in items]
    context = Context(site=Site("demo"), trusted=False, now=NOW, identity=Identity(b"k" * 16), salt=b"s" * 16)
    admission = admit(items, context)
    assert not admission.rejections
    assert len({event.dedup for event in admission.events}) == len(items) == 60 * batch
    assert {event.at for event in admission.events} == {NOW}


def test_a_request_announces_its_body_whatever_is_filled_in() -> None:
    template = request("POST", "/v1/events", {"X-Write-Key": "k"}, bodies("load", 3, 1, seed=1)[0])
    head, _, body = fill(template, 4_000_000_000, NOW).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/events HTTP/1.1\r\nHost: ")
    assert b"Content-Length: %d" % len(body) in head.splitlines()
    assert b"@@" not in body


def test_a_request_without_a_body_announces_none() -> None:
    assert b"Content-" not in request("GET", "/", {})
