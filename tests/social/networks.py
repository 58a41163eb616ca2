"""Random small networks, and small changes to them: documents of `social.model`, and how a database is brought to them.

Every network has ids, words, a week and a spot on the globe of its own, so that many of them stand in one database and
none shows in what another is asked.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

from msgspec import Struct
from msgspec.structs import replace

from social.database import Database
from social.model import (
    Block,
    Comment,
    Content,
    Follow,
    FollowStatus,
    Like,
    Mute,
    Notification,
    NotificationTarget,
    NotificationType,
    Place,
    Point,
    Post,
    PostStats,
    Preferences,
    Profile,
    User,
    UserStats,
    document,
    path_below,
)

FIRST: Final = datetime(2036, 1, 1, 12, tzinfo=UTC)  # not past: the server removes what is old by its own clock
APART: Final = timedelta(days=20)  # a network's posts are at most nine days old
TAGS: Final = ("sea", "tea")
WORDS: Final = ("apple", "bread", "cloud")
HOUR: Final = timedelta(hours=1)

FOLLOW_STATUSES: Final[tuple[FollowStatus, ...]] = ("accepted", "accepted", "accepted", "accepted", "pending")
TYPES: Final[tuple[NotificationType, ...]] = get_args(NotificationType)

COLLECTION: Final = {
    User: "users", Post: "posts", Comment: "comments", Like: "likes", Follow: "follows", Block: "blocks",
    Mute: "mutes", Notification: "notifications",
}  # fmt: skip
KEY: Final = {
    "users": ("_id",), "posts": ("_id",), "comments": ("_id",), "notifications": ("_id",),
    "likes": ("user_id", "target_type", "target_id"), "follows": ("follower_id", "following_id"),
    "blocks": ("blocker_id", "blocked_id"), "mutes": ("muter_id", "muted_id"),
}  # fmt: skip


class Network:
    """`documents`: by what names each. `changed`: the names of those that no database has been told of (`tell`)."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.changes = 0
        self.now = FIRST + APART * number
        self.random = random.Random(number)  # the number is the seed
        self.documents: dict[tuple[str, ...], Struct] = {}
        self.changed: set[tuple[str, ...]] = set()
        self._found()

    def all(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.documents.values() if isinstance(each, kind)]

    def id(self, name: object) -> str:
        return f"{self.number}.{name}"

    def word(self, word: str) -> str:
        """The network's own of it."""
        return f"{word}{self.number}"

    @property
    def spot(self) -> tuple[float, float]:
        """(longitude, latitude), more than 100 km from any other network's."""
        return -179 + 2.0 * (self.number % 179), -60 + 2.0 * (self.number // 179)

    @property
    def people(self) -> list[str]:
        return [user.id for user in self.all(User)]

    def put(self, struct: Struct) -> None:
        self.documents[_key(struct)] = struct
        self.changed.add(_key(struct))

    def remove(self, struct: Struct) -> None:
        del self.documents[_key(struct)]
        self.changed.add(_key(struct))

    def _found(self) -> None:
        for name in "abcde"[: self.random.choice((4, 5))]:
            self.put(self._user(self.id(name)))
        for follower in self.people:
            for following in self.people:
                if follower != following:
                    self._tie(follower, following)
        for _ in range(self.random.randint(7, 10)):
            self._post()
        for _ in range(self.random.randint(3, 7)):
            self._comment()
        for _ in range(self.random.randint(4, 9)):
            self._like()
        for _ in range(self.random.randint(4, 8)):
            self._notification()

    def change(self) -> None:
        """One to three things become different."""
        self.changes += 1
        changes = (
            self._change_user, self._change_user, self._change_tie, self._change_tie, self._change_post,
            self._change_post, self._change_post, self._change_comment, self._post, self._lose_post, self._comment,
            self._like, self._notification, self._read, self._lose_notification,
        )  # fmt: skip
        for change in self.random.sample(changes, self.random.randint(1, 3)):
            change()

    # What there is

    def _user(self, id_: str) -> User:
        draw = self.random
        return User(
            id=id_,
            created_at=self.now - 900 * HOUR,
            updated_at=self.now - 900 * HOUR,
            username=id_.upper(),
            username_key=id_,
            email=f"{id_}@secret.example",
            password_hash=f"$2b$12${id_}",
            profile=Profile(
                first_name="Ann", birth_date=datetime(1990, 5, 15, tzinfo=UTC), city="Graz", country="AT",
                location=Point(self.spot),
            ),
            stats=UserStats(draw.choice((0, 1, 3, 8)), draw.randint(0, 5), draw.randint(0, 5), draw.randint(0, 9)),
            preferences=Preferences(
                private_account=draw.random() < 0.2, show_birth_date=draw.random() < 0.5,
                show_location=draw.random() < 0.5,
            ),
            status=draw.choice(("active",) * 12 + ("suspended", "deactivated", "deleted")),
        )  # fmt: skip

    def _tie(self, one: str, other: str) -> None:
        draw = self.random
        if draw.random() < 0.7:
            self.put(Follow(one, other, self._then(), draw.choice(FOLLOW_STATUSES)))
        if draw.random() < 0.06:
            self.put(Block(one, other, self._then()))
        if draw.random() < 0.18:
            expires_at = draw.choice((None, self.now + HOUR, self.now - HOUR))
            self.put(Mute(one, other, self._then(), expires_at))

    def _post(self) -> None:
        draw = self.random
        id_ = self.id(f"p{draw.randrange(10**6)}")
        at = self._then()
        west, south = self.spot
        point = Point((west + draw.randint(0, 9) / 1000, south + draw.randint(0, 9) / 1000))
        self.put(Post(
            id=id_,
            user_id=draw.choice((*self.people, *self.people[:1] * 2)),  # one of them has much to say
            created_at=at,
            updated_at=at,
            content=Content(text=" ".join(self.word(each) for each in draw.choices(WORDS, k=draw.randint(1, 3)))),
            hashtags=tuple(self.word(tag) for tag in draw.sample(TAGS, draw.choice((0, 1, 1, 2)))),
            location=Place(point) if draw.random() < 0.4 else None,
            stats=PostStats(*(draw.choice((0, 0, 1, 2, 7)) for _ in range(4))),
            visibility=draw.choice(("public",) * 6 + ("followers_only", "private")),
            status=draw.choice(("published",) * 10 + ("draft", "deleted")),
        ))  # fmt: skip

    def _comment(self) -> None:
        draw = self.random
        id_, at = self.id(f"c{draw.randrange(10**6)}"), self._then()
        parent = draw.choice([None, *self.all(Comment)])
        post = parent.post_id if parent else draw.choice(self.all(Post)[:2]).id
        path, depth = path_below(parent, id_, at)
        self.put(Comment(
            id_, post, draw.choice(self.people), parent.root_id if parent else id_, path, at, at,
            parent.id if parent else None, depth, "well", status=draw.choice(("published",) * 5 + ("deleted",)),
        ))  # fmt: skip

    def _like(self) -> None:
        like = Like(self.random.choice(self.people), "post", self.random.choice(self.all(Post)).id, self._then())
        if _key(like) in self.documents:
            self.remove(like)
        else:
            self.put(like)

    def _notification(self) -> None:
        draw = self.random
        user, actor = draw.sample(self.people[:3], 2)
        type_ = draw.choice((*TYPES, "reply", "reply"))
        target_type: NotificationTarget = "user" if "follow" in type_ else "post"
        target = user if target_type == "user" else draw.choice(self.all(Post)).id
        if type_ == "reply" and (comments := self.all(Comment)):
            target_type, target = "comment", draw.choice(comments).id
        id_ = self.id(f"n{draw.randrange(10**6)}")
        self.put(Notification(id_, user, type_, actor, target_type, target, self._then(), draw.random() < 0.3))

    # What becomes different

    def _change_user(self) -> None:
        user = self.random.choice(self.all(User))
        self.put(self._user(user.id))

    def _change_tie(self) -> None:
        one, other = self.random.sample(self.people, 2)
        for struct in (Follow(one, other, self.now), Block(one, other, self.now), Mute(one, other, self.now)):
            if _key(struct) in self.documents:
                self.remove(struct)
        self._tie(one, other)

    def _change_post(self) -> None:
        draw = self.random
        post = draw.choice(self.all(Post))
        self.put(replace(
            post,
            visibility=draw.choice(("public",) * 6 + ("followers_only", "private")),
            status=draw.choice(("published",) * 8 + ("draft", "deleted")),
            stats=PostStats(*(draw.choice((0, 0, 1, 2, 7)) for _ in range(4))),
        ))  # fmt: skip

    def _lose_post(self) -> None:
        posts = self.all(Post)
        if len(posts) > 7:
            self.remove(self.random.choice(posts))

    def _lose_notification(self) -> None:
        if notifications := self.all(Notification):
            self.remove(self.random.choice(notifications))

    def _change_comment(self) -> None:
        if comments := self.all(Comment):
            comment = self.random.choice(comments)
            self.put(replace(comment, status="deleted" if comment.status == "published" else "published"))

    def _read(self) -> None:
        if notifications := self.all(Notification):
            notification = self.random.choice(notifications)
            self.put(replace(notification, read=not notification.read))

    def _then(self) -> datetime:
        """Whole hours, so that there are ties, on both sides of where something begins; and sometimes after now."""
        return self.now - HOUR * self.random.choice((-1, 0, 1, 1, 1, 2, 2, 3, 5, 11, 12, 13, 24, 30, 168, 200))


def _key(struct: Struct) -> tuple[str, ...]:
    """What names a document: its collection, and the fields that are unique in it."""
    fields = document(struct)
    name = COLLECTION[type(struct)]
    return name, *(fields[field] for field in KEY[name])


async def tell(database: Database, networks: Iterable[Network]) -> None:
    """Brings a database to what the networks hold, with two commands a collection for all of them together."""
    gone, new = defaultdict(list), defaultdict(list)
    for network in networks:
        for key in network.changed:
            name, id_ = key[0], ">".join(key[1:])
            gone[name].append(id_)
            if struct := network.documents.get(key):
                new[name].append({**document(struct), "_id": id_})
        network.changed.clear()
    async with database.working() as handle:
        for name, ids in gone.items():
            await handle[name].delete_many({"_id": {"$in": ids}})
        for name, documents in new.items():
            await handle[name].insert_many(documents, ordered=False, bypass_document_validation=True)
