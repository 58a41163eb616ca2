"""What a small network of tea people does: accounts, follows, posts with hashtags, likes, comments, shares. Pure.

The events are those that `social.actions` reads; an application's server would send them. Who follows whom, and which
posts there are, is kept while the demo lasts, so every action is about something that exists.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import Any, Final

from msgspec import Struct

from .personas import Persona

Event = dict[str, Any]
Timed = tuple[int, Event]  # epoch ms

FOLLOWS: Final = 8  # each follows so many at first, on average
REMEMBERED: Final = 400  # posts that people still react to
OPENING_MS: Final = 300_000  # in which everybody joins

_PRIVATE: Final = 0.07
_NEARBY_DEGREES: Final = 0.06  # how far around a city's middle people live

_TOPICS: Final = (
    ("stoneware", "kiln", "glaze"), ("firstflush", "greentea", "spring"), ("slowmorning", "teatime"),
    ("kitchen", "tablesetting"), ("workshop", "handmade", "kiln"), ("smokedtea", "rain"), ("linen", "mending"),
    ("harbour", "fog"),
)  # fmt: skip
_TEXTS: Final = (
    "Opened the kiln this morning: {n} cups, two cracked, one perfect.",
    "The first pour was thin. The second one was worth the wait.",
    "Found a glaze that looks like the harbour at six in the morning.",
    "Rain since {n} o'clock, so it is the smoked one today.",
    "Does anybody else keep a pot for one kind of leaf only?",
    "{n} minutes at eighty degrees. I will not discuss this.",
    "My cup survived the dishwasher, the cat and my brother.",
    "A bowl for rice, for soup, for keys. Mostly for keys.",
    "Half a batch slumped overnight. Back to the wheel.",
    "Mended a tea cloth for the {n}th time, and it is better for it.",
    "What do you pour from when {n} people come by unannounced?",
    "New leaves came in the post. The kitchen smells of cut grass.",
    "Turned the lamp off and drank in the fog.",
    "The handle fits four fingers in mittens. Winter may come.",
)  # fmt: skip
_COMMENTS: Final = (
    "The second one always is.", "Where did you get that?", "I tried, and it held.", "Eighty? Seventy-five!",
    "Send it over, I will drink it.", "That colour.", "Mine cracked on the second day.", "Same here, every Monday.",
    "Worth every minute.", "The cat approves.", "Save me a cup.", "I keep two, and I am not ashamed.",
)  # fmt: skip
_BIOS: Final = (
    "Throws pots, drinks tea.", "Here for the glazes.", "Morning person, unwillingly.", "Collects cups with a chip.",
    "Tea before talk.", "Learning the wheel, slowly.", "Kettle on, phone off.", "",
)  # fmt: skip
_ACTIONS: Final = (
    ("like", 44), ("post_view", 26), ("post", 5), ("comment", 11), ("follow", 6), ("share", 4), ("unlike", 2),
    ("unfollow", 1), ("mute", 0.5), ("block", 0.3), ("notifications_read", 0.2),
)  # fmt: skip


class _Post(Struct, frozen=True):
    id: str
    author: Persona
    appeal: float


class Network:
    """The accounts are `members`; `run` begins every id of a post, so that two demos do not take each other's."""

    def __init__(self, draw: Random, members: Sequence[Persona], run: str) -> None:
        self._draw = draw
        self._members = members
        self._run = run
        self._reach = list(accumulate(member.keen for member in members))
        self._posts: deque[_Post] = deque(maxlen=REMEMBERED)
        self._follows: dict[str, set[str]] = {member.id: set() for member in members}
        self._private = {member.id for member in members if draw.random() < _PRIVATE}
        self._likes: deque[tuple[Persona, str]] = deque(maxlen=REMEMBERED)
        self._number = 0

    def opening(self, at: int) -> Iterator[tuple[int, list[Timed]]]:
        """Everybody's account, and then whom they follow, within the first minutes."""
        draw = self._draw
        step = OPENING_MS / (len(self._members) * (FOLLOWS + 2))
        moment = float(at)
        for member in self._members:
            yield int(moment), [(int(moment), self._event(member, "profile", self._profile(member), int(moment)))]
            moment += step
        for member in self._members:
            for _ in range(min(len(self._members) - 1, round(draw.expovariate(1 / FOLLOWS)))):
                yield int(moment), self._follow(member, int(moment))
                moment += step

    def act(self, at: int) -> list[Timed]:
        """Something that somebody does; often nothing comes of it."""
        draw = self._draw
        actor = self._anybody()
        names, weights = zip(*_ACTIONS, strict=True)
        name = draw.choices(names, weights)[0]
        match name:
            case "post":
                return [self._publish(actor, at)]
            case "follow":
                return self._follow(actor, at)
            case "unfollow":
                return self._unfollow(actor, at)
            case "mute" | "block":
                other = self._anybody()
                return [] if other.id == actor.id else [(at, self._event(actor, name, {"target_id": other.id}, at))]
            case "notifications_read":
                return [(at, self._event(actor, name, {}, at))]
            case "unlike":
                return self._unlike(at)
        post = self._recent()
        return [] if post is None else [(at, self._event(actor, name, self._reaction(name, actor, post), at))]

    def _reaction(self, name: str, actor: Persona, post: _Post) -> Event:
        if name == "like":
            self._likes.append((actor, post.id))
        if name == "post_view":
            return {"post_id": post.id, "count": self._draw.randint(1, 40)}
        if name == "comment":
            self._number += 1
            text = self._draw.choice(_COMMENTS)
            if self._draw.random() < 0.2:
                text = f"@{post.author.id} {text}"
            return {"comment_id": f"{self._run}-c{self._number}", "post_id": post.id, "text": text}
        return {"post_id": post.id}

    def _publish(self, actor: Persona, at: int) -> Timed:
        """Its hashtags are the hour's more often than chance would have it, so that something trends."""
        draw = self._draw
        self._number += 1
        post = _Post(f"{self._run}-p{self._number}", actor, draw.lognormvariate(0, 1))
        self._posts.append(post)
        current = _TOPICS[(at // (6 * 3_600_000)) % len(_TOPICS)]
        own = _TOPICS[actor.number % len(_TOPICS)]
        topic = current if draw.random() < 0.35 else own
        tags = draw.sample(topic, draw.randint(1, len(topic)))
        text = draw.choice(_TEXTS).format(n=draw.randint(3, 40))
        properties: Event = {
            "post_id": post.id,
            "text": f"{text} {' '.join('#' + tag for tag in tags)}",
            "visibility": draw.choices(("public", "followers_only", "private"), (90, 9, 1))[0],
        }
        if draw.random() < 0.3:
            properties["location"] = self._spot(actor)
        return at, self._event(actor, "post", properties, at)

    def _follow(self, actor: Persona, at: int) -> list[Timed]:
        """A private account is asked, and mostly lets one in a little later."""
        other = self._anybody()
        if other.id == actor.id or other.id in self._follows[actor.id]:
            return []
        self._follows[actor.id].add(other.id)
        events = [(at, self._event(actor, "follow", {"target_id": other.id}, at))]
        if other.id in self._private and self._draw.random() < 0.8:
            later = at + self._draw.randint(1_000, 60_000)
            events.append((later, self._event(other, "follow_accept", {"target_id": actor.id}, later)))
        return events

    def _unfollow(self, actor: Persona, at: int) -> list[Timed]:
        followed = sorted(self._follows[actor.id])
        if not followed:
            return []
        other = self._draw.choice(followed)
        self._follows[actor.id].remove(other)
        return [(at, self._event(actor, "unfollow", {"target_id": other}, at))]

    def _unlike(self, at: int) -> list[Timed]:
        if not self._likes:
            return []
        actor, post = self._likes.popleft()
        return [(at, self._event(actor, "unlike", {"post_id": post}, at))]

    def _recent(self) -> _Post | None:
        """One of the newest posts, the likelier the newer and the better it is."""
        if not self._posts:
            return None
        newest = [self._posts[-1 - min(len(self._posts) - 1, int(self._draw.expovariate(1 / 40)))] for _ in range(3)]
        return max(newest, key=lambda post: post.appeal)

    def _anybody(self) -> Persona:
        return self._draw.choices(self._members, cum_weights=self._reach)[0]

    def _profile(self, member: Persona) -> Event:
        place = member.place
        return {
            "username": member.id,
            "email": member.email,
            "first_name": member.first_name,
            "last_name": member.last_name,
            "bio": self._draw.choice(_BIOS),
            "city": place.city,
            "country": place.country,
            "location": self._spot(member),
            "private_account": member.id in self._private,
            "show_location": True,
        }

    def _spot(self, member: Persona) -> Event:
        place, draw = member.place, self._draw
        return {
            "lat": round(place.lat + draw.gauss(0, _NEARBY_DEGREES), 4),
            "lon": round(place.lon + draw.gauss(0, _NEARBY_DEGREES), 4),
            "name": place.city,
        }

    def _event(self, actor: Persona, name: str, properties: Event, at: int) -> Event:
        return {"type": "event", "name": name, "user_id": actor.id, "properties": properties, "timestamp": at}
