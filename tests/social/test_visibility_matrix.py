"""Who sees what, in every read: one table of what stands between a viewer and an author.

The author has three posts, for everyone, for followers and for nobody else, all with the same word, hashtag and place;
has commented on somebody's post, liked one of the viewer's, and mentions the viewer in all three.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, get_args

import pytest
from msgspec import Struct
from redis.asyncio import Redis

from social.contract import READS, Question
from social.database import Database
from social.errors import NotFound
from social.model import (
    AccountStatus,
    Block,
    Comment,
    Content,
    Follow,
    Mute,
    Notification,
    Place,
    Point,
    Post,
    PostStatus,
    Preferences,
    User,
    Visibility,
    document,
    path_below,
)
from social.snapshots import Snapshots
from store.identity import Identity
from store.parameters import Asked

NOW: Final = datetime(2036, 1, 13, 9, tzinfo=UTC)  # not past: the server removes what is old by its own clock
THEN: Final = NOW - timedelta(hours=1)
GRAZ: Final = Point((15.44, 47.07))

ALL: Final = ("public", "followers_only", "private")
OPEN: Final = ("public", "followers_only")

FOLLOWS: Final = Follow("viewer", "author", THEN)
ASKS: Final = Follow("viewer", "author", THEN, "pending")
FOLLOWED: Final = Follow("author", "viewer", THEN)
BLOCKS: Final = Block("viewer", "author", THEN)
BLOCKED: Final = Block("author", "viewer", THEN)
MUTES: Final = Mute("viewer", "author", THEN)
MUTED: Final = Mute("author", "viewer", THEN)
MUTED_ONCE: Final = Mute("viewer", "author", THEN, NOW - timedelta(seconds=1))


class Case(Struct, frozen=True):
    """posts, feed: which of the author's three are seen. profile: what is seen of the account. said: whether the
    comment, liked: whether the like is. counted: whether trends count the author.
    """

    ties: tuple[Struct, ...] = ()
    account: AccountStatus = "active"
    private: bool = False
    written: PostStatus = "published"
    viewer: str | None = "viewer"
    posts: tuple[str, ...] = ()
    feed: tuple[str, ...] = ()
    profile: Literal["whole", "limited", "none"] = "whole"
    said: bool = True
    liked: bool = True
    counted: bool = True


def unseen(
    *ties: Struct, account: AccountStatus = "active", private: bool = False, viewer: str | None = "viewer"
) -> Case:
    """To whom there is no such author."""
    counted = account == "active" and not private
    return Case(
        ties, account, private, viewer=viewer, profile="none", said=False, liked=False, counted=counted
    )  # fmt: skip


CASES: Final = {
    "the author": Case(viewer="author", posts=ALL),
    "the author, suspended": Case(viewer="author", account="suspended", posts=ALL, liked=False, counted=False),
    "the author, private": Case(viewer="author", private=True, posts=ALL, counted=False),
    "nobody in particular": Case(viewer=None, posts=("public",)),
    "an unknown viewer": Case(viewer="stranger", posts=("public",)),
    "a stranger": Case(posts=("public",)),
    "one who is followed": Case((FOLLOWED,), posts=("public",)),
    "one who asks to follow": Case((ASKS,), posts=("public",)),
    "a follower": Case((FOLLOWS,), posts=OPEN, feed=OPEN),
    "private, a stranger": Case(private=True, profile="limited", said=False, counted=False),
    "private, nobody in particular": Case(
        private=True, viewer=None, profile="limited", said=False, counted=False
    ),
    "private, one who is followed": Case((FOLLOWED,), private=True, profile="limited", said=False, counted=False),
    "private, one who asks to follow": Case((ASKS,), private=True, profile="limited", said=False, counted=False),
    "private, a follower": Case((FOLLOWS,), private=True, posts=OPEN, feed=OPEN, counted=False),
    "a follower who blocks": unseen(FOLLOWS, BLOCKS),
    "a follower who is blocked": unseen(FOLLOWS, BLOCKED),
    "both block": unseen(BLOCKS, BLOCKED),
    "private, a follower who blocks": unseen(FOLLOWS, BLOCKS, private=True),
    "private, a follower who is blocked": unseen(FOLLOWS, BLOCKED, private=True),
    "a follower who mutes": Case((FOLLOWS, MUTES), posts=OPEN, liked=False),
    "a stranger who mutes": Case((MUTES,), posts=("public",), liked=False),
    "a follower who muted once": Case((FOLLOWS, MUTED_ONCE), posts=OPEN, feed=OPEN),
    "a follower who is muted": Case((FOLLOWS, MUTED), posts=OPEN, feed=OPEN),
    "suspended, a follower": unseen(FOLLOWS, account="suspended"),
    "deactivated, a follower": unseen(FOLLOWS, account="deactivated"),
    "deleted, a follower": unseen(FOLLOWS, account="deleted"),
    "deleted, nobody in particular": unseen(account="deleted", viewer=None),
    "deleted posts, a follower": Case((FOLLOWS,), written="deleted", counted=False),
    "deleted posts, the author": Case(viewer="author", written="deleted", counted=False),
    "drafts, a follower": Case((FOLLOWS,), written="draft", counted=False),
}  # fmt: skip

Ask = Callable[..., Awaitable[Any]]


def post(id_: str, author: str, visibility: Visibility = "public", **fields: Any) -> Post:
    return Post(
        id_, author, THEN, THEN, Content(text=f"wave {id_}"), hashtags=("sea" if visibility == "public" else "hush",),
        location=Place(GRAZ), visibility=visibility, **fields,
    )  # fmt: skip


async def furnish(database: Database, case: Case) -> None:
    visibilities: tuple[Visibility, ...] = get_args(Visibility)
    path, _ = path_below(None, "said", THEN)
    documents: dict[str, list[Struct]] = {
        "users": [
            User("viewer", THEN, THEN),
            User("third", THEN, THEN),
            User("author", THEN, THEN, status=case.account, preferences=Preferences(private_account=case.private)),
        ],
        "posts": [
            *(post(each, "author", each, status=case.written) for each in visibilities),
            # Others' posts, with all that would make trends of the author's two hidden ones.
            post("viewer's", "viewer"),
            Post("third's", "third", THEN, THEN, hashtags=("sea", "hush")),
        ],
        "comments": [
            Comment("said", "third's", "author", "said", path, THEN, THEN, text="well said"),
            *(
                Comment(f"on {each}", each, "third", f"on {each}", path, THEN, THEN, text="indeed")
                for each in visibilities
            ),
        ],
        "notifications": [
            Notification("1", "viewer", "like", "author", "post", "viewer's", THEN),
            *(Notification(each, "viewer", "mention", "author", "post", each, THEN) for each in visibilities),
        ],
    }
    names = {Follow: "follows", Block: "blocks", Mute: "mutes"}
    for tie in case.ties:
        documents.setdefault(names[type(tie)], []).append(tie)
    async with database.working() as handle:
        for name, structs in documents.items():
            await handle[name].insert_many([document(each) for each in structs])


@pytest.fixture
def ask(database: Database, redis: Redis) -> Ask:
    """`ask(name, subject, viewer=..., ...)`: the answer, or None where there is none for this viewer."""
    snapshots = Snapshots(redis, Identity(bytes(16)), "net", 1)

    async def ask(name: str, subject: str = "", **parameters: object) -> Any:
        read = next(read for read in READS if read.name == name)
        given = {key: str(value) for key, value in parameters.items() if value is not None}
        try:
            return await read.ask(Question(database, snapshots, Asked(name, read.parameters, given), subject, NOW))
        except NotFound:
            return None

    return ask


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_sees(database: Database, ask: Ask, case: Case) -> None:
    await furnish(database, case)
    viewer = case.viewer

    def authors(posts: list[Any]) -> set[str]:
        return {each.id for each in posts if each.author.id == "author"}

    for visibility in ALL:
        seen = visibility in case.posts
        assert (await ask("post", visibility, viewer=viewer) is not None) == seen, visibility
        assert (await ask("comments", visibility, viewer=viewer) is not None) == seen, visibility
    hits = (await ask("search", q="wave", viewer=viewer)).hits
    assert authors([hit.post for hit in hits]) == set(case.posts)
    near = (await ask("nearby", lat=47.07, lon=15.44, viewer=viewer)).posts
    assert authors([found.post for found in near]) == set(case.posts)

    user = await ask("user", "author", viewer=viewer)
    assert case.profile == ("none" if user is None else "limited" if user.limited else "whole")
    assert (await ask("influence", "author", viewer=viewer) is not None) == (case.profile == "whole")
    comments = (await ask("comments", "third's", viewer=viewer)).comments
    assert [each.text for each in comments] == (["well said"] if case.said else [])

    trends = (await ask("trending")).hashtags
    assert [trend.hashtag for trend in trends] == ["sea"]  # the viewer and the third are two
    assert trends[0].user_count == (3 if case.counted else 2)

    if viewer == "viewer":
        assert {each.id for each in (await ask("feed", "viewer")).posts} == set(case.feed)
        groups = (await ask("notifications", "viewer")).groups
        assert ("like" in {group.type for group in groups}) == case.liked
        mentions = {group.target_id for group in groups if group.type == "mention"}
        assert mentions == (set(case.posts) if case.liked else set())


def test_the_matrix_asks_every_read() -> None:
    """A new read has to be looked at here, too."""
    asked = {"post", "comments", "search", "nearby", "user", "influence", "trending", "feed", "notifications"}
    assert {read.name for read in READS} == asked
