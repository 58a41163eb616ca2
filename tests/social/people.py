"""Made-up users, posts, comments and what ties them: short to write in a test's story."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from social.model import Block, Comment, Content, Follow, Notification, Post, Preferences, User, path_below
from tests.social.asking import NOW


def ago(**spans: float) -> datetime:
    return NOW - timedelta(**spans)


def user(id_: str, *, private: bool = False, **fields: Any) -> User:
    preferences = fields.pop("preferences", Preferences(private_account=private))
    return User(
        id=id_, created_at=ago(days=900), updated_at=ago(days=1), username=id_.title(), username_key=id_,
        email=f"{id_}@example.com", password_hash=f"$2b$12${id_}", preferences=preferences, **fields,
    )  # fmt: skip


def post(id_: str, author: str, text: str = "", **fields: Any) -> Post:
    at = fields.pop("at", ago(hours=1))
    return Post(id=id_, user_id=author, created_at=at, updated_at=at, content=Content(text=text), **fields)


def comment(id_: str, author: str, on: str, parent: Comment | None = None, **fields: Any) -> Comment:
    at = fields.pop("at", ago(minutes=30))
    path, depth = path_below(parent, id_, at)
    return Comment(
        id=id_, post_id=on, user_id=author, root_id=parent.root_id if parent else id_, path=path, created_at=at,
        updated_at=at, parent_id=parent.id if parent else None, depth=depth, text=fields.pop("text", f"I am {id_}"),
        **fields,
    )  # fmt: skip


def follow(follower: str, following: str, **fields: Any) -> Follow:
    return Follow(follower, following, ago(days=9), **fields)


def block(blocker: str, blocked: str) -> Block:
    return Block(blocker, blocked, ago(days=9))


def told(user_id: str, type_: Any, actor: str, target: Any, id_: str, **fields: Any) -> Notification:
    at = fields.pop("at", ago(hours=1))
    name = f"{user_id}/{type_}/{actor}/{target}/{id_}/{at.timestamp()}"
    return Notification(name, user_id, type_, actor, target, id_, at, **fields)
