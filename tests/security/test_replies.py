"""What every reply says to a browser, and what the metrics' labels may be."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from yarl import URL

from hitstream.openapi import document
from hitstream.problems import TABLE
from ingest.rejection import CODES
from query.metrics import ENDPOINTS
from tests.application import KEYS, Running, serving
from tests.hostile.bodies import BODIES
from tests.hostile.questions import QUESTIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")

ELSEWHERE: Final = ("/v1/commerce/", "/v1/social/")  # served only where their databases are
EVIL: Final = "https://evil.example"
CALLS: Final = [
    (method, path.replace("{user_id}", "ann"))
    for path, item in document()["paths"].items()
    for method in (*item, "options", "delete")
    if (path, method) != ("/v1/live", "get") and not path.startswith(ELSEWHERE)
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()
    async with serving(redis_url, tmp_path_factory.mktemp("replies")) as running:
        yield running


@pytest.mark.parametrize("key", ["", KEYS["shop"]["read"], KEYS["shop"]["write"]], ids=["no key", "read", "write"])
@pytest.mark.parametrize(("method", "path"), [*CALLS, ("get", "/nowhere"), ("get", "/<script>")])
async def test_a_browser_is_told_what_it_gets(app: Running, method: str, path: str, key: str) -> None:
    """No reply is taken for another type than it says, and no page is let in because it asks: no origin comes back."""
    headers = {
        "Origin": EVIL,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true",
    }
    if key:
        headers["Authorization"] = f"Bearer {key}"
    async with app.session.request(method, app.url + path, headers=headers) as reply:
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers.get("Access-Control-Allow-Origin", "*") == "*"
        assert "Access-Control-Allow-Credentials" not in reply.headers
        assert "Access-Control-Allow-Private-Network" not in reply.headers
        assert EVIL not in str(reply.headers)
        assert "Set-Cookie" not in reply.headers
        if "text/html" in reply.headers.get("Content-Type", ""):
            assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
            assert "unsafe" not in reply.headers["Content-Security-Policy"]


LABELS: Final[dict[str, set[str]]] = {
    "type": {"page_views", "conversions", "errors", "events"},
    "endpoint": {*ENDPOINTS, "live"},
    "code": {*CODES, *(class_.code for class_ in TABLE)},
}
BOUND: Final = "le"  # of a histogram's bucket: a number
OURS: Final = ("error", "reason")  # what Redis or a disk did, which a loaded machine may see and no sender names


async def test_labels_come_from_closed_sets(app: Running) -> None:
    """After every hostile body and question of the tables."""
    for rows in BODIES.values():
        for row in rows:
            if len(row.body) < 100_000:
                headers = {"Content-Type": row.type, **({"Content-Encoding": row.encoding} if row.encoding else {})}
                await app.post("/v1/events", data=row.body, headers=headers)
    for question in QUESTIONS:
        method = "GET" if question.body is None else "POST"
        headers = {"Authorization": f"Bearer {KEYS['shop']['read']}"}
        target = URL(app.url + question.target, encoded=True)
        async with app.session.request(method, target, headers=headers, data=question.body) as reply:
            await reply.read()
    async with app.session.get(f"{app.url}/metrics") as reply:
        exposed = await reply.text()
    found: dict[str, set[str]] = {}
    for labels in re.findall(r"^\w+{(.*)} ", exposed, re.MULTILINE):
        for name, value in re.findall(r'(\w+)="([^"]*)"', labels):
            found.setdefault(name, set()).add(value)
    assert all(float(bound) for bound in found.pop(BOUND))
    for name in OURS:
        found.pop(name, None)
    assert found.keys() == LABELS.keys()
    assert all(values <= LABELS[name] for name, values in found.items()), found
    assert len(found["code"]) > 10
