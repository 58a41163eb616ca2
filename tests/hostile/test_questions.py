"""Hostile questions against the whole application: the reply of the table."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from yarl import URL

from tests.application import KEYS, Running, serving
from tests.hostile.questions import QUESTIONS, Question

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ = {"Authorization": f"Bearer {KEYS['shop']['read']}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with serving(redis_url, tmp_path_factory.mktemp("questions")) as running:
        yield running


@pytest.mark.parametrize("row", QUESTIONS, ids=[row.name for row in QUESTIONS])
async def test_question(app: Running, row: Question) -> None:
    method = "GET" if row.body is None else "POST"
    target = URL(app.url + row.target, encoded=True)
    async with app.session.request(method, target, data=row.body, headers=READ) as reply:
        answer = await reply.json(content_type=None)
        assert (reply.status, answer.get("code", ""), answer.get("parameter", "")) == (
            row.status,
            row.code,
            row.parameter,
        )
        assert "Set-Cookie" not in reply.headers
