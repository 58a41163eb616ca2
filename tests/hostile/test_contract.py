"""The calls of the OpenAPI document with made-up values, right ones and wrong ones, against a whole server.

The same values in every run. `/v1/live` is left out, for its answer has no end: what it refuses stands in
`tests.hostile.questions`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from typing import Any, Final

import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hitstream.openapi import document
from tests.endtoend.serving import Server, serving

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ENDLESS: Final = {"/v1/live"}
SENDING: Final = {"/v1/events", "/v1/page_view", "/v1/conversion", "/v1/error", "/v1/event", "/v1/pixel.gif"}
CALLS: Final = [
    (method, path, mode)
    for path, item in document()["paths"].items()
    if path not in ENDLESS
    for method, operation in item.items()
    for mode in schemathesis.GenerationMode
    if mode is schemathesis.GenerationMode.POSITIVE or operation.keys() & {"parameters", "requestBody"}
]
SEEDED = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("contract") / "data") as running:
        yield running


@cache
def schema() -> Any:
    return schemathesis.openapi.from_dict(document())


@pytest.mark.parametrize(("method", "path", "mode"), CALLS, ids=[f"{m} {path} {mode.value}" for m, path, mode in CALLS])
def test_call(server: Server, method: str, path: str, mode: Any) -> None:
    secret = {"Authorization": f"Bearer {server.key('read')}"}
    headers = {"X-Write-Key": server.key("write")} if path in SENDING else secret
    with requests.Session() as session:

        @SEEDED
        @given(st.data())
        def call(data: st.DataObject) -> None:
            case = data.draw(schema()[path][method.upper()].as_strategy(generation_mode=mode))
            case.call_and_validate(server.url, session, headers, checks=CHECKS, timeout=30)

        call()


async def test_the_server_has_noticed_nothing(server: Server) -> None:
    said = (server.directory / "server.log").read_text()
    assert "Traceback" not in said
    assert '"level": "error"' not in said
