"""Every error has its row, and what is sent is a problem document."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpClient

from hitstream import access, problems
from ingest import errors as ingest
from query import errors as query
from store.errors import RequestError


def leaves(class_: type[RequestError]) -> Iterator[type[RequestError]]:
    subclasses = class_.__subclasses__()
    if not subclasses:
        yield class_
    for subclass in subclasses:
        yield from leaves(subclass)


@pytest.mark.parametrize("class_", sorted({*leaves(RequestError)}, key=str), ids=lambda class_: class_.__name__)
def test_every_error_has_a_row_and_a_code_of_its_own(class_: type[RequestError]) -> None:
    assert class_ in problems.TABLE
    assert "code" in vars(class_)


def test_the_table_names_nothing_that_is_never_raised() -> None:
    assert set(problems.TABLE) == set(leaves(RequestError))


async def answer(aiohttp_client: AiohttpClient, error: Exception) -> tuple[int, dict[str, str], dict[str, Any]]:
    async def fail(_: web.Request) -> web.Response:
        raise error

    app = web.Application(middlewares=[problems.middleware])
    app.add_routes([web.get("/fail", fail)])
    client = await aiohttp_client(app)
    async with client.get("/fail") as response:
        return response.status, dict(response.headers), await response.json(content_type=problems.MEDIA_TYPE)


async def test_a_problem_says_what_and_why(aiohttp_client: AiohttpClient) -> None:
    status, headers, body = await answer(aiohttp_client, query.BadParameter("metric", "is unknown: \ud800"))
    assert status == 400
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert body == {
        "type": "urn:hitstream:problem:bad_parameter",
        "title": "Bad parameter",
        "status": 400,
        "detail": "metric: is unknown: \ud800",
        "code": "bad_parameter",
        "message": "metric: is unknown: \ud800",
        "parameter": "metric",
    }


async def test_nothing_accepted_lists_the_rejections(aiohttp_client: AiohttpClient) -> None:
    status, _, body = await answer(aiohttp_client, ingest.NothingAccepted([]))
    assert status == 400
    assert (body["code"], body["accepted"], body["rejected"]) == ("nothing_accepted", 0, [])


@pytest.mark.parametrize(
    ("error", "want"),
    [
        (ingest.RateLimited(retry_after=0.02), "1"),
        (ingest.RateLimited(retry_after=2.1), "3"),
        (ingest.JournalFull("full"), "10"),
        (ingest.NotJson("no"), None),
        (access.Unauthorized("no"), None),
    ],
)
async def test_retry_after_is_whole_seconds(aiohttp_client: AiohttpClient, error: RequestError, want: str) -> None:
    _, headers, _ = await answer(aiohttp_client, error)
    assert headers.get("Retry-After") == want


async def test_aiohttps_own_errors_are_problems_too(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(web.Application(middlewares=[problems.middleware]))
    async with client.get("/nowhere") as response:
        body = await response.json(content_type=problems.MEDIA_TYPE)
    assert (body["status"], body["code"]) == (404, "not_found")

    status, headers, body = await answer(aiohttp_client, web.HTTPMethodNotAllowed("GET", ["POST"]))
    assert (status, headers["Allow"], body["code"]) == (405, "POST", "method_not_allowed")

    status, _, body = await answer(aiohttp_client, web.HTTPRequestEntityTooLarge(1, 2))
    assert (status, body["title"]) == (413, "Request Entity Too Large")


async def test_what_nobody_foresaw_is_logged_and_not_told(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        status, _, body = await answer(aiohttp_client, ZeroDivisionError("the secret is 42"))
    assert status == 500
    assert body == {
        "type": "urn:hitstream:problem:internal_error",
        "title": "Internal error",
        "status": 500,
        "code": "internal_error",
        "message": "Internal error",
    }
    [record] = [record for record in caplog.records if record.name == "hitstream.problems"]
    assert record.exc_info
    assert vars(record)["route"] == "/fail"
