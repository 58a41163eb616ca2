"""The contract as a page: whole, without a broken link, and safe whatever the document says."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpClient

from hitstream.openapi import document
from hitstream.reference import POLICY, routes
from hitstream.reference.examples import curl, example
from hitstream.reference.html import element, prose
from hitstream.reference.page import rendered
from hitstream.reference.schemas import kind, notes
from query.dashboard.files import load as dashboard

PAGE = rendered(document())


class Outline(HTMLParser):
    """Whether every element is closed in order; ids, links inside the page, and elements by name."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.links: set[str] = set()
        self.tags: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags[tag] += 1
        if given.get("id"):
            self.ids[str(given["id"])] += 1
        if (href := given.get("href") or "").startswith("#"):
            self.links.add(href[1:])
        assert not {"style", "onclick", "onload"} & set(given), "the policy forbids what is inline"
        if tag not in ("meta", "link", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


def test_every_call_and_every_schema_has_its_place() -> None:
    found = outline(PAGE)
    calls = [(method, path) for path, methods in document()["paths"].items() for method in methods]
    assert found.tags["article"] == len(calls)
    assert [id_ for id_, count in found.ids.items() if count > 1] == []
    assert found.links - set(found.ids) == set()
    for name in document()["components"]["schemas"]:
        assert "schema-" + re.sub(r"[^A-Za-z0-9]+", "-", name) in found.ids


def test_nothing_in_it_runs() -> None:
    assert not outline(PAGE).tags.keys() & {"script", "style", "iframe", "object", "form"}
    assert "script" not in POLICY


def test_text_stays_text() -> None:
    evil = "<script>alert('&')</script>`<b>`"
    hostile = {
        "info": {"title": evil, "version": evil},
        "paths": {f"/v1/events/{evil}": {"get": {"summary": evil, "description": evil, "responses": {
            "200": {"description": evil, "content": {evil: {"schema": {"type": evil, "description": evil}}}}},
            "parameters": [{"name": evil, "in": "query", "required": True, "schema": {"enum": [evil]}}],
        }}},
        "components": {"schemas": {evil: {"properties": {evil: {"const": evil}}, "description": evil}}},
    }  # fmt: skip
    page = rendered(hostile)
    outline(page)
    assert "<script" not in page
    assert "<b>" not in page


def test_attributes_cannot_be_left() -> None:
    assert element("a", "x", href='"><script>', title="") == '<a href="&quot;&gt;&lt;script&gt;">x</a>'
    assert prose("a `<b>` c") == "a <code>&lt;b&gt;</code> c"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "uri"}, "string (uri)"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "array", "items": {"type": "integer"}}, "array of integer"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object of number"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"enum": ["a", 1, None]}, "<code>a</code>, <code>1</code>, <code>null</code>"),
        ({"$ref": "#/components/schemas/x.y.Item"}, '<a href="#schema-x-y-Item">Item</a>'),
        ({}, "anything"),
    ],
)
def test_what_a_schema_is(schema: dict[str, Any], said: str) -> None:
    assert kind(schema) == said


def test_what_bounds_it() -> None:
    schema = {"description": "How many.", "minimum": 1, "maximum": 9, "default": 5}
    found = "at least <code>1</code>, at most <code>9</code>, <code>5</code> by default"
    assert notes(schema) == f'How many. <span class="bounds">{found}</span>'


def commands() -> dict[tuple[str, str], str]:
    schemas = document()["components"]["schemas"]
    return {
        (method, path): curl(method, path, operation, schemas)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def test_each_example_is_a_whole_command() -> None:
    for (method, path), command in commands().items():
        assert command.startswith("curl "), path
        assert "{" not in command.partition(" -d ")[0], path
        assert command.count('"') % 2 == 0, path
        assert ("-d " in command) == (method == "post"), path
    assert commands()["post", "/v1/conversion"].endswith("""-d '{"conversion_type": "signup"}'""")
    assert (
        '"$URL/v1/metrics/top?dimension=pages" -H "Authorization: Bearer $READ"' in commands()["get", "/v1/metrics/top"]
    )


def test_examples_are_such_as_the_schema_takes() -> None:
    assert example("x", {"type": "integer", "minimum": 7}, {}) == 7
    assert example("x", {"enum": ["b", "a"]}, {}) == "b"
    assert example("metric", {"enum": ["sessions"]}, {}) == "sessions"  # what is usual is not known here
    assert example("x", {"type": "array", "items": {"type": "boolean"}}, {}) == [True]


async def test_it_is_served_with_all_that_it_loads(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    app.add_routes(routes())
    client = await aiohttp_client(app)
    async with client.get("/docs") as reply:
        assert reply.status == 200
        assert reply.headers["Content-Security-Policy"] == POLICY
        text = await reply.text()
    for href in re.findall(r'<link [^>]*href="([^"]+)"', text):
        async with client.get(f"/{unescape(href)}") as reply:
            assert reply.status == 200, href
    async with client.get("/docs/style.css") as reply:
        [font] = re.findall(r'url\("../dashboard/(\w+)/([^"]+)"\)', await reply.text())
    assert font in dashboard().parts
