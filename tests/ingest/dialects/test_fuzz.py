"""Nothing that is sent in any dialect makes a server error: each item is admitted or refused, each reply is one."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from multidict import CIMultiDict, MultiDict
from redis.asyncio import Redis

from hitstream.problems import status_of
from ingest.dialects import DIALECTS
from ingest.dialects.trial import tried
from ingest.dialects.wire import JSON, Endpoint, Message, Outcome, Reply
from ingest.rejection import Rejection
from store.errors import RequestError
from tests.application import KEYS, serving
from tests.ingest.dialects.hostile import SAMPLES, Sample, at_random, one_by_one

NOW = 1_795_449_600_000
RANDOM, SENT = 2_000, 300


def endpoints(sample: Sample) -> list[Endpoint]:
    """One for each way of reading; the others are the same at another address."""
    fitting = (each for each in DIALECTS[sample.dialect].endpoints if sample.word in each.path)
    return list({(each.read, each.accept): each for each in fitting}.values())


def test_every_dialect_has_a_sample_that_is_right() -> None:
    assert {sample.dialect for sample in SAMPLES} == set(DIALECTS)


def answer(endpoint: Endpoint, message: Message) -> Reply:
    try:
        translation = endpoint.read(message)
    except RequestError as error:
        return endpoint.refuse(message, error, status_of(error))
    assert len(translation.items) == len(translation.places)
    assert all(0 <= place < translation.parts for place in translation.places)
    found = tried(translation, message)
    rejections = [
        Rejection(index, each.rejection.code, each.rejection.message)
        for index, each in enumerate(found)
        if each.rejection
    ]
    return endpoint.accept(message, translation, Outcome(len(found) - len(rejections), rejections))


@pytest.mark.parametrize("hostile", [one_by_one(), at_random(1, RANDOM)], ids=["one by one", "at random"])
def test_whatever_is_read_is_answered(hostile: Iterator[tuple[Sample, bytes, dict[str, str]]]) -> None:
    headers = CIMultiDict({"Authorization": "Bearer K", "User-Agent": "x", "Content-Type": "application/json"})
    for sample, body, query in hostile:
        message = Message({"project": "1"}, MultiDict(query), headers, body, NOW)
        for endpoint in endpoints(sample):
            reply = answer(endpoint, message)
            assert 200 <= reply.status < 500, (endpoint.path, body, query)
            if reply.content_type == JSON and reply.body:
                json.loads(reply.body)


async def test_no_address_answers_with_a_server_error(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    key = KEYS["shop"]["write"]
    async with serving(redis_url, tmp_path, overload_delay_ms=0) as app:
        limit = asyncio.Semaphore(20)

        async def status(path: str, body: bytes, query: dict[str, str]) -> tuple[int, str]:
            async with (
                limit,
                app.session.post(
                    app.url + re.sub(r"{\w+}", "1", path),
                    data=body.replace(b'"K"', json.dumps(key).encode()),
                    params={name: value.replace("K", key) if value == "K" else value for name, value in query.items()},
                    headers={"X-Sentry-Auth": f"Sentry sentry_key={key}", "Content-Type": "application/json"},
                ) as reply,
            ):
                return reply.status, path

        sent = [
            status(endpoint.path, body, query)
            for number, (sample, body, query) in enumerate(at_random(2, SENT))
            for place, endpoint in enumerate(endpoints(sample))
            if place == 0 or (number + place) % 7 == 0
        ]
        replies = await asyncio.gather(*sent)
        assert [(found, path) for found, path in replies if found >= 500] == []
        assert len({found for found, _ in replies}) > 2  # some are taken, some are not
