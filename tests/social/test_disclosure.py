"""No answer of any read tells what is nobody's business: hashes, addresses, what preferences or visibility hide.

Every call of the contract is walked with everything that it could be asked about, so a later one is covered, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import pytest
from msgspec import Struct
from redis.asyncio import Redis

from social.contract import READS, Question
from social.database import Database
from social.model import (
    Block,
    Comment,
    Content,
    Follow,
    Like,
    Notification,
    Place,
    Point,
    Post,
    Preferences,
    Profile,
    User,
    path_below,
)
from store.contract import Read
from tests.social.asking import NOW, asking, fill

MARK: Final = "zq9x"  # in every secret
BORN: Final = datetime(1991, 7, 23, tzinfo=UTC)
SPOT: Final = Point((15.44, 47.07))
VIEWERS: Final = (None, "fan", "stranger")
NEVER: Final = ("email", "password", "hash", "preferences", "username_key", "last_active", "path", "_id", "read")

GIVEN: Final = {"q": f"wave {MARK}", "lat": "47.07", "lon": "15.44", "radius_m": "50000"}
"""What is asked where a parameter has no default. A new one has to be told here."""


def account(id_: str, **fields: Any) -> User:
    return User(
        id_, NOW, NOW, id_, id_, email=f"{id_}{MARK}@example.com", password_hash=f"$2b$12${MARK}", last_active=BORN,
        **fields,
    )  # fmt: skip


def post(id_: str, author: str, text: str = "wave", **fields: Any) -> Post:
    return Post(id_, author, NOW, NOW, Content(text=text), ("sea",), location=Place(SPOT), **fields)


def secret(id_: str, author: str, **fields: Any) -> Post:
    return Post(
        id_, author, NOW, NOW, Content(text=f"wave {MARK}"), (f"{MARK}tag",), location=Place(SPOT, f"{MARK} street"),
        **fields,
    )  # fmt: skip


def network() -> Iterator[Struct]:
    """What a fan, a stranger and nobody may see, and between it what none of them may."""
    hidden = Profile(first_name="Ada", birth_date=BORN, city=MARK, country=MARK, location=SPOT)
    yield account("ada", profile=hidden, preferences=Preferences(show_birth_date=False, show_location=False))
    shut = Profile(bio=MARK, website=f"https://{MARK}.example", gender=MARK, city=MARK, birth_date=BORN, cover_url=MARK)
    yield account("shy", profile=shut, preferences=Preferences(private_account=True, show_birth_date=True))
    yield account("gone", profile=Profile(first_name=MARK), status="suspended")
    yield account("left", profile=Profile(first_name=MARK), status="deleted")
    yield account("foe", profile=Profile(bio="open to others"))
    yield account("fan")
    yield account("stranger")
    for followed in ("ada", "gone", "left", "foe"):
        yield Follow("fan", followed, NOW)
    yield Follow("fan", "shy", NOW, "pending")
    yield Block("foe", "fan", NOW)
    yield Block("stranger", "foe", NOW)

    yield post("open", "ada")
    yield post("few", "ada", "for followers", visibility="followers_only")
    yield post("theirs", "fan")
    yield Post("foe's", "foe", NOW, NOW)
    yield secret("private", "ada", visibility="private")
    yield secret("draft", "ada", status="draft")
    yield secret("lost", "ada", status="deleted")
    for author in ("shy", "gone", "left"):  # enough accounts to make a trend of their hashtag
        yield secret(f"by {author}", author)
        yield Like(author, "post", "open", NOW)

    at, _ = path_below(None, "c", NOW)
    yield Comment("c", "open", "stranger", "c", at, NOW, NOW, text="indeed")
    yield Comment("c gone", "open", "gone", "c gone", at, NOW, NOW, text=MARK)
    yield Comment("c shy", "open", "shy", "c shy", at, NOW, NOW, text=MARK)
    yield Comment("c lost", "open", "stranger", "c lost", at, NOW, NOW, text=MARK, status="deleted")
    for of in ("fan", "stranger", "ada"):
        yield Notification(f"{of} 1", of, "like", "stranger" if of != "stranger" else "ada", "post", "open", NOW)
        yield Notification(f"{of} 2", of, "mention", "gone", "post", "open", NOW)
        yield Notification(f"{of} 3", of, "reply", "fan", "comment", "c lost", NOW)
        for hidden_post in ("by shy", "by gone", "lost"):
            yield Notification(f"{of} {hidden_post}", of, "mention", "ada", "post", hidden_post, NOW)


def subjects(path: str) -> list[str]:
    """Ids of all that a path could name."""
    of = {"/users/": User, "/posts/": Post}.get(path[: path.find("{")])
    return sorted(str(each.id) for each in network() if isinstance(each, of or (User, Post, Comment)))


def questions(read: Read[Question]) -> Iterator[tuple[str, dict[str, str]]]:
    """(path, parameters) of whatever the call could be asked, but by the authors themselves."""
    parameters = {each.name: GIVEN[each.name] for each in read.parameters if each.name in GIVEN or each.required}
    viewed = any(each.name == "viewer" for each in read.parameters)
    for subject in subjects(read.path) if "{" in read.path else ("",):
        for viewer in VIEWERS if viewed else (None,):
            path = re.sub(r"{\w+}", quote(subject, safe=""), read.path)
            yield path, {**parameters, **({"viewer": viewer} if viewer else {})}


def names(value: Any) -> Iterator[str]:
    """Of all members, at every depth."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from names(each)


@pytest.mark.parametrize("read", READS, ids=lambda read: read.name)
async def test_no_answer_tells_a_secret(database: Database, redis: Redis, read: Read[Question]) -> None:
    await fill(database, *network())
    answered = 0
    async with asking(database, redis) as network_:
        for path, parameters in questions(read):
            async with network_.raw(path, **parameters) as response:
                status, text = response.status, await response.text()
            assert status in (200, 404), text
            answered += status == 200
            assert MARK not in text, (path, parameters, text)
            assert "1991-07-23" not in text, (path, parameters, text)
            told = set(names(json.loads(text)))
            assert not told.intersection(NEVER), (path, told)
    assert answered


async def test_the_walk_would_find_them(database: Database, redis: Redis) -> None:
    """The same words do come out where they may: to the author."""
    await fill(database, *network())
    async with asking(database, redis) as network_:
        for path, found in (
            ("/posts/private?viewer=ada", MARK),
            ("/users/ada?viewer=ada", MARK),
            ("/users/ada?viewer=ada", "1991-07-23"),
            ("/users/shy?viewer=shy", MARK),
            (f"/search?viewer=ada&q={MARK}", MARK),
        ):
            async with network_.raw(path) as response:
                assert found in await response.text()
