"""MongoDB's operators, wherever a client can put text, are the text that they are.

A user and a post are called like them, so that each can be found, and only by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest
from redis.asyncio import Redis

from social.contract import READS, Question
from social.database import Database
from social.model import Content, Follow, Place, Point, Post, User
from store.contract import Read
from tests.social.asking import NOW, Asking, asking, fill
from tests.social.test_disclosure import GIVEN

OPERATORS: Final = (
    '{"$gt": ""}', '{"$regex":".*"}', '{"$in":["ada"]}', "$$ROOT", "$user_id", ".*", "ada\0", "{", "a/b", "a%2Fb",
)  # fmt: skip
"""Each is also what a user and a post are called."""


async def furnish(database: Database) -> None:
    await fill(
        database,
        User("ada", NOW, NOW),
        User("fan", NOW, NOW),
        Follow("fan", "ada", NOW),
        Post("wave", "ada", NOW, NOW, Content(text="wave"), ("sea",), location=Place(Point((15.44, 47.07)))),
        *(User(text, NOW, NOW) for text in OPERATORS),
        *(Post(text, text, NOW, NOW, Content(text="hello")) for text in OPERATORS),
    )


def called(path: str, text: str) -> str:
    return re.sub(r"{\w+}", quote(text, safe=""), path)


@pytest.fixture
async def told(database: Database, redis: Redis) -> Any:
    await furnish(database)
    async with asking(database, redis) as network:
        yield network


async def reply(network: Asking, path: str, **parameters: str) -> tuple[int, Any]:
    async with network.raw(path, **parameters) as response:
        return response.status, await response.json(content_type=None)


def given(read: Read[Question]) -> dict[str, str]:
    return {each.name: GIVEN[each.name] for each in read.parameters if each.required}


@pytest.mark.parametrize("read", [read for read in READS if "{" in read.path], ids=lambda read: read.name)
async def test_in_a_path_they_name_only_what_is_called_so(told: Asking, read: Read[Question]) -> None:
    for text in OPERATORS:
        status, answer = await reply(told, called(read.path, text), **given(read))
        assert status == 200, (text, answer)
        held = answer.get("post", answer)
        assert text in (held.get("id"), held.get("user_id"), held.get("post_id"))
        status, answer = await reply(told, called(read.path, text + "!"), **given(read))
        assert (status, answer["code"]) == (404, "not_found")


def texts(read: Read[Question]) -> Iterator[str]:
    """The parameters that take any text as a value."""
    return (each.name for each in read.parameters if each.kind in ("id", "text"))


@pytest.mark.parametrize("read", READS, ids=lambda read: read.name)
async def test_in_every_parameter_they_are_text_or_refused_by_its_name(told: Asking, read: Read[Question]) -> None:
    subject = "wave" if "/posts/" in read.path else "fan"
    path = called(read.path, subject)
    status, plain = await reply(told, path, **given(read))
    assert status == 200, plain
    for parameter in read.parameters:
        for text in OPERATORS:
            status, answer = await reply(told, path, **{**given(read), parameter.name: text})
            if status == 200:
                assert parameter.name in texts(read)
                # As for a viewer or a word that nobody knows: nothing more is seen than without.
                assert len(str(answer)) <= len(str(plain)), (parameter.name, text)
            elif status == 404:
                assert answer["code"] == "not_found"
            else:
                assert (status, answer["parameter"]) == (400, parameter.name), answer
        for name in (f"{parameter.name}[$ne]", f"{parameter.name}.$gt", f"${parameter.name}"):
            status, answer = await reply(told, path, **{**given(read), name: "x"})
            assert (status, answer["parameter"]) == (400, name)


async def test_a_search_for_them_finds_no_more_than_their_words(told: Asking) -> None:
    for text in OPERATORS:
        status, answer = await reply(told, "/search", q=text)
        if status == 200:
            assert answer["hits"] == []
        else:
            assert (status, answer["parameter"]) == (400, "q")
