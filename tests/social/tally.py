"""A plain model of the network: the events one after the other, the edges in sets, each counter a sum. Slow, exact."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import orjson

from social.database import Database
from tests.social.acting import act

Event = dict[str, str]

MAKE_NOBODY_KNOWN = (
    "unfollow", "follow_reject", "unblock", "unlike", "unshare", "poll_unvote", "post_view", "delete_post",
    "delete_comment",
)  # fmt: skip


class Tally:
    """Of one site's events, all well-formed and trusted, in the order of the stream."""

    def __init__(self, events: list[Event]) -> None:
        self.private: set[str] = set()
        self.users: set[str] = set()
        self.follows: dict[tuple[str, str], str] = {}
        self.blocks: set[tuple[str, str]] = set()
        self.posts: dict[str, dict[str, Any]] = {}
        self.comments: dict[str, dict[str, Any]] = {}
        self.likes: set[tuple[str, str, str]] = set()
        self.shares: set[tuple[str, str]] = set()
        self.votes: dict[tuple[str, str], set[int]] = {}
        self.views: Counter[str] = Counter()
        self._waiting: list[tuple[str, dict[str, Any], str]] = []
        for event in events:
            self._see(event["name"], orjson.loads(event["properties"]), event["user_id"])

    def _see(self, name: str, p: dict[str, Any], who: str) -> None:
        needed = [f"post:{p['post_id']}"] if "post_id" in p and name != "post" else []
        needed += [f"comment:{p['comment_id']}"] if "comment_id" in p and name != "comment" else []
        needed += [f"comment:{p['parent_id']}"] if "parent_id" in p else []
        known = {f"post:{id_}" for id_ in self.posts} | {f"comment:{id_}" for id_ in self.comments}
        if name not in MAKE_NOBODY_KNOWN:
            self.users.add(who)
        if not set(needed) <= known:
            self._waiting.append((name, p, who))
            return
        getattr(self, f"_{name}")(who, p)
        if name in ("post", "comment"):
            waiting, self._waiting = self._waiting, []
            for other in waiting:
                self._see(*other)

    def _apart(self, one: str, other: str) -> bool:
        return (one, other) in self.blocks or (other, one) in self.blocks

    def _profile(self, who: str, p: dict[str, Any]) -> None:
        (self.private.add if p["private_account"] else self.private.discard)(who)

    def _follow(self, who: str, p: dict[str, Any]) -> None:
        self.users.add(p["target_id"])
        if (who, p["target_id"]) not in self.follows and not self._apart(who, p["target_id"]):
            self.follows[who, p["target_id"]] = "pending" if p["target_id"] in self.private else "accepted"

    def _unfollow(self, who: str, p: dict[str, Any]) -> None:
        self.follows.pop((who, p["target_id"]), None)

    def _follow_accept(self, who: str, p: dict[str, Any]) -> None:
        if (p["target_id"], who) in self.follows:
            self.follows[p["target_id"], who] = "accepted"

    def _follow_reject(self, who: str, p: dict[str, Any]) -> None:
        self.follows.pop((p["target_id"], who), None)

    def _block(self, who: str, p: dict[str, Any]) -> None:
        self.users.add(p["target_id"])
        self.blocks.add((who, p["target_id"]))
        self.follows.pop((who, p["target_id"]), None)
        self.follows.pop((p["target_id"], who), None)

    def _unblock(self, who: str, p: dict[str, Any]) -> None:
        self.blocks.discard((who, p["target_id"]))

    def _post(self, who: str, p: dict[str, Any]) -> None:
        self.posts.setdefault(p["post_id"], {"by": who, "there": True, "poll": p.get("poll")})

    def _delete_post(self, _: str, p: dict[str, Any]) -> None:
        self.posts[p["post_id"]]["there"] = False

    def _comment(self, who: str, p: dict[str, Any]) -> None:
        post, parent = self.posts[p["post_id"]], self.comments.get(p.get("parent_id", ""))
        if p["comment_id"] in self.comments or not post["there"] or self._apart(who, post["by"]):
            return
        if parent and (not parent["there"] or parent["post"] != p["post_id"] or self._apart(who, parent["by"])):
            return
        self.comments[p["comment_id"]] = {
            "by": who, "there": True, "post": p["post_id"], "parent": p.get("parent_id"),
        }  # fmt: skip

    def _delete_comment(self, _: str, p: dict[str, Any]) -> None:
        self.comments[p["comment_id"]]["there"] = False

    def _target(self, p: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
        if "post_id" in p:
            return "post", p["post_id"], self.posts[p["post_id"]]
        return "comment", p["comment_id"], self.comments[p["comment_id"]]

    def _like(self, who: str, p: dict[str, Any]) -> None:
        kind, id_, target = self._target(p)
        if target["there"] and not self._apart(who, target["by"]):
            self.likes.add((who, kind, id_))

    def _unlike(self, who: str, p: dict[str, Any]) -> None:
        kind, id_, _ = self._target(p)
        self.likes.discard((who, kind, id_))

    def _share(self, who: str, p: dict[str, Any]) -> None:
        post = self.posts[p["post_id"]]
        if post["there"] and not self._apart(who, post["by"]):
            self.shares.add((who, p["post_id"]))

    def _unshare(self, who: str, p: dict[str, Any]) -> None:
        self.shares.discard((who, p["post_id"]))

    def _poll_vote(self, who: str, p: dict[str, Any]) -> None:
        post = self.posts[p["post_id"]]
        if not post["there"] or not post["poll"] or self._apart(who, post["by"]):
            return
        before = self.votes.get((who, p["post_id"]))
        if before is None or post["poll"].get("multiple_choice"):
            self.votes[who, p["post_id"]] = (before or set()) | set(p["options"])

    def _poll_unvote(self, who: str, p: dict[str, Any]) -> None:
        self.votes.pop((who, p["post_id"]), None)

    def _post_view(self, _: str, p: dict[str, Any]) -> None:
        if self.posts[p["post_id"]]["there"]:
            self.views[p["post_id"]] += 1

    def figures(self) -> dict[str, Any]:
        """All edges, and every counter counted from them."""
        accepted = [pair for pair, status in self.follows.items() if status == "accepted"]
        likes = Counter((kind, id_) for _, kind, id_ in self.likes)
        received: Counter[str] = Counter()
        for (kind, id_), n in likes.items():
            received[(self.posts if kind == "post" else self.comments)[id_]["by"]] += n
        there = [comment for comment in self.comments.values() if comment["there"]]
        return {
            "follows": dict(self.follows),
            "blocks": set(self.blocks),
            "likes": set(self.likes),
            "shares": set(self.shares),
            "votes": dict(self.votes),
            "users": {
                user: {
                    "followers_count": sum(pair[1] == user for pair in accepted),
                    "following_count": sum(pair[0] == user for pair in accepted),
                    "posts_count": sum(post["by"] == user and post["there"] for post in self.posts.values()),
                    "likes_count": received[user],
                }
                for user in self.users
            },
            "posts": {
                id_: {
                    "likes_count": likes["post", id_],
                    "comments_count": sum(comment["post"] == id_ for comment in there),
                    "shares_count": sum(share[1] == id_ for share in self.shares),
                    "views_count": self.views[id_],
                }
                for id_ in self.posts
            },
            "polls": {
                id_: [
                    sum(n in options for (_, of), options in self.votes.items() if of == id_)
                    for n in range(len(post["poll"]["options"]))
                ]
                + [sum(of == id_ for _, of in self.votes)]
                for id_, post in self.posts.items()
                if post["poll"]
            },
            "comments": {
                id_: {
                    "likes_count": likes["comment", id_],
                    "replies_count": sum(comment["parent"] == id_ for comment in there),
                }
                for id_ in self.comments
            },
        }


async def figures(database: Database) -> dict[str, Any]:
    """The same as they stand in the database."""
    async with database.working() as handle:
        found = {
            name: await handle[name].find().to_list()
            for name in ("follows", "blocks", "likes", "shares", "poll_votes", "users", "posts", "comments")
        }
    return {
        "follows": {(row["follower_id"], row["following_id"]): row["status"] for row in found["follows"]},
        "blocks": {(row["blocker_id"], row["blocked_id"]) for row in found["blocks"]},
        "likes": {(row["user_id"], row["target_type"], row["target_id"]) for row in found["likes"]},
        "shares": {(row["user_id"], row["post_id"]) for row in found["shares"]},
        "votes": {(row["user_id"], row["post_id"]): set(row["options"]) for row in found["poll_votes"]},
        "users": {row["_id"]: row["stats"] for row in found["users"]},
        "posts": {row["_id"]: row["stats"] for row in found["posts"]},
        "polls": {
            row["_id"]: [option["votes"] for option in poll["options"]] + [poll.get("total_votes", 0)]
            for row in found["posts"]
            if (poll := row["content"].get("poll"))
        },
        "comments": {row["_id"]: row["stats"] for row in found["comments"]},
    }


def random_events(random: Random, count: int, users: int = 12) -> list[Event]:
    """Events of few users about few things, so that they meet: undone, repeated, too early, about what is gone."""
    made: list[Event] = []

    def post() -> str:
        return f"p{random.randrange(max(count // 12, 1))}"

    def target() -> dict[str, str]:
        return {"post_id": post()} if random.random() < 0.7 else {"comment_id": comment()}

    def comment() -> str:
        return f"c{random.randrange(max(count // 12, 1))}"

    while len(made) < count:
        who, other = random.sample([f"u{n}" for n in range(users)], 2)
        poll = {"question": "?", "options": ["a", "b", "c"], "multiple_choice": random.random() < 0.5}
        answered = {"parent_id": comment()} if random.random() < 0.4 else {}
        option = {"options": [random.randrange(3)]}
        choices: list[tuple[str, dict[str, Any]]] = [
            ("profile", {"private_account": random.random() < 0.4}),
            *[("follow", {"target_id": other})] * 4, ("unfollow", {"target_id": other}),
            *[("follow_accept", {"target_id": other})] * 2, ("follow_reject", {"target_id": other}),
            ("block", {"target_id": other}), ("unblock", {"target_id": other}),
            *[("post", {"post_id": post(), **({"poll": poll} if random.random() < 0.4 else {})})] * 5,
            ("delete_post", {"post_id": post()}),
            *[("comment", {"comment_id": comment(), "post_id": post(), **answered})] * 5,
            ("delete_comment", {"comment_id": comment()}),
            *[("like", target())] * 5, *[("unlike", target())] * 2,
            *[("share", {"post_id": post()})] * 3, ("unshare", {"post_id": post()}),
            *[("poll_vote", {"post_id": post(), **option})] * 3, ("poll_unvote", {"post_id": post()}),
            *[("post_view", {"post_id": post()})] * 2,
        ]  # fmt: skip
        name, properties = random.choice(choices)
        made.append(act(who, name, **properties))
    return made
