"""The collections of the network: made once, kept to the table, and closed to what no struct names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError, WriteError

from social import model
from social.database import Database
from social.migrate import ensure
from social.schema import COLLECTIONS, USERS, USERS_BY_USERNAME

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def indexes(database: Database, collection: str) -> dict[str, Any]:
    return {each["name"]: dict(each) for each in await (await database.handle[collection].list_indexes()).to_list()}


async def test_makes_every_index_that_the_server_can_have(database: Database) -> None:
    capabilities = await database.capabilities()
    for collection in COLLECTIONS:
        wanted = {
            index.name for index in collection.indexes if index.needs is None or getattr(capabilities, index.needs)
        }
        assert set(await indexes(database, collection.name)) == {"_id_", *wanted}


async def test_again_changes_nothing_and_puts_right_what_was_changed(database: Database) -> None:
    before = await indexes(database, "users")
    users = database.handle["users"]
    await users.drop_index(USERS_BY_USERNAME.name)
    await users.create_index([("username_key", -1)], name=USERS_BY_USERNAME.name)
    await database.handle.command("collMod", "users", validator={})
    await ensure(database)
    await ensure(database)
    assert await indexes(database, "users") == before
    with pytest.raises(WriteError):
        await users.insert_one({"_id": "x"})


async def test_what_a_struct_says_comes_back_as_it_was(database: Database) -> None:
    user = model.User(
        id="ada", created_at=NOW, updated_at=NOW, username="Ada", username_key="ada",
        profile=model.Profile(bio="Countess", location=model.Point((-0.12, 51.5))),
    )  # fmt: skip
    await database.handle["users"].insert_one(model.document(user))
    assert await database.find(model.User, USERS, {"username_key": "ada"}, index=USERS_BY_USERNAME) == [user]
    twin = model.document(model.User(id="eve", created_at=NOW, updated_at=NOW, username_key="ada"))
    with pytest.raises(DuplicateKeyError):
        await database.handle["users"].insert_one(twin)


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "sleeping"},
        {"nick": "A"},
        {"stats.followers": 1},
        {"created_at": "2026-03-01"},
        {"profile.location": [0.0, 0.0]},
        {"profile.bio": "x" * 10_001},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_refuses_what_no_struct_says(database: Database, changed: dict[str, Any]) -> None:
    users = database.handle["users"]
    await users.insert_one(model.document(model.User(id="ada", created_at=NOW, updated_at=NOW)))
    with pytest.raises(WriteError):
        await users.update_one({"_id": "ada"}, {"$set": changed})
