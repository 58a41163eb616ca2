"""What each action does to the network, one after the other, in a working set. Pure.

    accounts   profiles, and what is seen of notifications
    posts      posts, comments, polls' questions, views
    pairs      follows and requests, blocks, mutes
    deeds      likes, shares, votes
    telling    the notifications that follow from all of them

An effect first looks at everything that may keep it from happening (`Ignored`, `Waits`, `Refused`) and only then
changes anything, so that what is given up half way leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ..actions import STEP_BITS, Action, Publish, Refused, Reply, Sent, decoded
from ..model import Waiting
from ..working_set import Ignored, Queue, Waits, WorkingSet
from . import accounts, deeds, pairs, posts

PATIENCE: Final = timedelta(days=7)  # two senders' events may pass each other by seconds; a broken one's may by days

EFFECTS: Final[dict[type[Action], Callable[[WorkingSet, Sent, Any], None]]] = {
    **accounts.EFFECTS, **posts.EFFECTS, **pairs.EFFECTS, **deeds.EFFECTS,
}  # fmt: skip


def happen(network: WorkingSet, actions: Iterable[Sent]) -> list[tuple[Sent, str]]:
    """Lets the actions take effect in their order. Returns those that never can, with their reasons."""
    refused: list[tuple[Sent, str]] = []
    waiting: dict[str, list[Sent]] = {}
    todo = [(sent, False) for sent in reversed(list(actions))]
    while todo:
        sent, waited = todo.pop()
        if waited:
            network.drop(Waiting, sent.position)
        try:
            EFFECTS[type(sent.action)](network, sent, sent.action)
        except Ignored as ignored:
            network.ignored[ignored.reason] += 1
        except Refused as error:
            refused.append((sent, f"{sent.name}: {error}"))
        except Waits as waits:
            network.ignored["waiting"] += 1
            waiting.setdefault(waits.needs, []).append(sent)
            network.put(sent.position, Waiting(
                id=sent.position, needs=waits.needs, actor=sent.actor, at=sent.at, name=sent.name,
                properties=sent.properties, expires_at=_came_in(sent.position) + PATIENCE,
            ))  # fmt: skip
        else:
            network.applied[sent.name] += 1
            if (thing := _appeared(sent.action)) is not None:
                kept = network.find(Queue, thing) or Queue()
                network.put(thing, Queue())
                now_due = [decoded(one.id, one.at, one.actor, one.name, one.properties) for one in kept.waiting]
                todo += [(one, True) for one in reversed(now_due + waiting.pop(thing, []))]
    return refused


def _came_in(position: int) -> datetime:
    """When an entry was added to the stream."""
    return datetime.fromtimestamp((position >> STEP_BITS) / 1000, UTC)


def _appeared(action: Action) -> str | None:
    """What others may have been waiting for."""
    if isinstance(action, Publish):
        return f"post:{action.post_id}"
    if isinstance(action, Reply):
        return f"comment:{action.comment_id}"
    return None
