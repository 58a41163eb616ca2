"""Every read against the plain model of it, over thousands of random networks.

Ten networks stand in the database at once, each with ids, words, weeks and a place of its own; all of them change a
little, two hundred times, and are asked again. A failure names the network and how often it has changed: `Network(n)`
and as many times `change()` make it anew.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any, Final

from redis.asyncio import Redis

from social.contract import READS, Question
from social.database import Database
from social.errors import NotFound
from social.model import Post
from social.snapshots import Snapshots
from store.identity import Identity
from store.keys import SiteKeys
from store.parameters import Asked
from tests.social.model import Plain
from tests.social.networks import TAGS, WORDS, Network, tell

STANDING: Final = 10  # few: without a text index a search looks at all posts
ROUNDS: Final = 200
ASKED: Final = 2  # reads of each network in each round; all of them take turns
AT_ONCE: Final = 4


class Asker:
    """One network's questions. Each method asks a read and the model, and gives both answers in the same shape."""

    def __init__(self, database: Database, snapshots: Snapshots, network: Network) -> None:
        self._database = database
        self._snapshots = snapshots
        self._network = network
        self._plain = Plain(network.documents.values(), network.now)
        self._random = Random(f"{network.number} {network.changes}")
        self.liked_tags = {tag for tag in map(network.word, TAGS) if self._random.random() < 0.3}

    async def ask(self, name: str) -> None:
        await getattr(self, f"_{name}")()

    async def _user(self) -> None:
        viewer, id_ = self._viewer(), self._user_id()
        answers = await self._pages("user", id_, viewer=viewer)
        real = answers and {
            "id": answers[0].id,
            "username": answers[0].username,
            "limited": answers[0].limited,
            "followed": answers[0].followed,
            "followers_count": answers[0].stats.followers_count,
            "birth_date": answers[0].birth_date,
            "city": answers[0].city,
        }
        self._compare(real, self._plain.user(viewer, id_), viewer, id_)

    async def _post(self) -> None:
        viewer, id_ = self._viewer(), self._post_id()
        answers = await self._pages("post", id_, viewer=viewer)
        real = answers and _post(answers[0].post)
        self._compare(real, self._plain.post(viewer, id_), viewer, id_)

    async def _comments(self) -> None:
        viewer, id_ = self._viewer(), self._post_id(3)
        answers = await self._pages("comments", id_, viewer=viewer, limit=self._limit())
        real = answers and [
            (each.id, each.author.id if each.author else None) for answer in answers for each in answer.comments
        ]
        self._compare(real, self._plain.comments(viewer, id_), viewer, id_)

    async def _notifications(self) -> None:
        id_ = self._random.choice(self._network.people[:3])
        unread = self._random.choice((None, None, True, False))
        answers = await self._pages("notifications", id_, unread=unread, limit=self._limit())
        real = answers and [
            {
                "type": group.type,
                "target_id": group.target_id,
                "actors": [actor.id for actor in group.actors],
                "actor_count": group.actor_count,
                "count": group.count,
                "unread": group.unread,
                "latest_at": group.latest_at,
            }
            for answer in answers
            for group in answer.groups
        ]
        self._compare(real, self._plain.notifications(id_, unread), id_, unread)

    async def _search(self) -> None:
        viewer = self._viewer()
        words = {self._network.word(word) for word in self._random.sample(TAGS + WORDS, self._random.randint(1, 2))}
        answers = await self._pages("search", "", viewer=viewer, q=" ".join(sorted(words)), limit=self._limit())
        real = [_post(hit.post) for answer in answers or () for hit in answer.hits]
        self._compare(real, self._posts(viewer, self._plain.search(viewer, words)), viewer, words)

    async def _nearby(self) -> None:
        viewer = self._viewer()
        longitude, latitude = (
            round(at + apart, 5) for at, apart in zip(self._network.spot, (0.00423, 0.00341), strict=True)
        )
        radius_m = self._random.choice((150, 500, 2_000))
        answers = await self._pages(
            "nearby", "", viewer=viewer, lat=latitude, lon=longitude, radius_m=radius_m, limit=self._limit()
        )
        real = [_post(found.post) for answer in answers or () for found in answer.posts]
        ids = self._plain.nearby(viewer, longitude, latitude, radius_m)
        self._compare(real, self._posts(viewer, ids), viewer, radius_m)

    async def _feed(self) -> None:
        id_ = self._user_id()
        answers = await self._pages("feed", id_, limit=self._limit())
        real = answers and [_post(post) for answer in answers for post in answer.posts]
        ids = self._plain.feed(id_, self.liked_tags)
        self._compare(real, None if ids is None else self._posts(id_, ids), id_)

    async def _influence(self) -> None:
        viewer, id_ = self._viewer(), self._user_id()
        answers = await self._pages("influence", id_, viewer=viewer)
        real = answers and [round(part, 9) for part in (answers[0].reach, answers[0].engagement, answers[0].quality)]
        plain = self._plain.influence(viewer, id_)
        self._compare(real, plain and [round(part, 9) for part in plain], viewer, id_)
        if answers:
            assert abs(answers[0].score - answers[0].reach * answers[0].engagement * answers[0].quality) < 1e-9

    async def _trending(self) -> None:
        hours = self._random.choice((3, 12, 23))
        answers = await self._pages("trending", "", hours=hours, limit=3)
        assert answers
        real = [{name: getattr(trend, name) for name in trend.__struct_fields__} for trend in answers[0].hashtags]
        self._compare(real, self._plain.trending(hours), hours)

    async def _pages(self, name: str, subject: str, **parameters: object) -> list[Any] | None:
        """All pages of an answer; None where there is none."""
        read = next(read for read in READS if read.name == name)
        given = {key: str(value).lower() if value is True or value is False else str(value)
                 for key, value in parameters.items() if value is not None}  # fmt: skip
        found: list[Any] = []
        while True:
            asked = Asked(name, read.parameters, given)
            try:
                answer: Any = await read.ask(
                    Question(self._database, self._snapshots, asked, subject, self._network.now)
                )
            except NotFound:
                return None
            found.append(answer)
            cursor = getattr(answer, "next_cursor", None)
            if cursor is None:
                return found
            assert len(found) < 50, "pages without end"
            given["cursor"] = cursor

    def _compare(self, real: object, plain: object, *about: object) -> None:
        network = self._network
        assert real == plain, f"network {network.number}, changed {network.changes} times: {about}"

    def _posts(self, viewer: str | None, ids: list[str]) -> list[Any]:
        return [self._plain.post(viewer, id_) for id_ in ids]

    def _viewer(self) -> str | None:
        return self._random.choice((None, "stranger", *self._network.people))

    def _user_id(self) -> str:
        return self._random.choice(("stranger", *self._network.people * 3))

    def _post_id(self, of: int | None = None) -> str:
        """One of the first so many: those have the comments."""
        return str(self._random.choice(self._network.all(Post)[:of]).id)

    def _limit(self) -> int:
        return self._random.choice((2, 20, 20))


def _post(post: Any) -> dict[str, Any]:
    return {
        "id": post.id,
        "author": post.author.id,
        "text": post.text,
        "stats": post.stats,
        "user_liked": post.user_liked,
    }


async def like(redis: Redis, network: Network, tags: set[str]) -> None:
    """Every user of the network has liked these hashtags."""
    keys = [SiteKeys("net", 1).liked_tags(Identity(bytes(16)).user("net", id_)) for id_ in network.people]
    async with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.delete(key)
            if tags:
                pipe.zadd(key, dict.fromkeys(tags, 1))
                pipe.expire(key, 600)
        await pipe.execute()


async def test_every_read_answers_as_the_model_does(database: Database, redis: Redis) -> None:
    snapshots = Snapshots(redis, Identity(bytes(16)), "net", 1)
    networks = [Network(number) for number in range(STANDING)]
    asked: Counter[str] = Counter()
    free = asyncio.Semaphore(AT_ONCE)

    async def ask(network: Network, names: list[str]) -> None:
        async with free:
            asker = Asker(database, snapshots, network)
            await like(redis, network, asker.liked_tags)
            for name in names:
                await asker.ask(name)

    for turn in range(ROUNDS):
        await tell(database, networks)
        async with asyncio.TaskGroup() as tasks:
            for at, network in enumerate(networks):
                names = [READS[(turn + at * ASKED + one) % len(READS)].name for one in range(ASKED)]
                asked.update(names)
                tasks.create_task(ask(network, names))
        for network in networks:
            network.change()
    assert min(asked[read.name] for read in READS) > 0.9 * STANDING * ROUNDS * ASKED / len(READS)
