"""What a message would become, without its becoming that: for those who want to see it first.

Nothing is looked up and nothing is kept: neither whose site it is, nor whether an event_id was seen before.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from store.event import Event
from store.identity import Identity
from store.site import Presented, Site

from ..admit import Context, admit
from ..rejection import Rejection
from .fitting import Fitting
from .wire import Message, Translation

_SITE: Final = Site("trial")
_IDENTITY: Final = Identity(bytes(32))


class Tried(Struct, frozen=True):
    """One event. place: which part of the message it came from. item: as it is admitted, after `changes` were made to
    what the dialect gave. Either `event` or `rejection` is there."""

    place: int
    presented: Presented
    item: object
    changes: list[str]
    event: Event | None
    rejection: Rejection | None


def tried(
    translation: Translation,
    message: Message,
    *,
    trusted: bool = False,
    implied: str | None = None,
    currency: str = "",
    fitting: bool = True,
) -> list[Tried]:
    """`trusted`: as if it were sent with a server key. `currency`: the site's. `fitting`: as dialects have it, and our
    own calls have not. Raises `TooLarge`."""
    context = Context(
        site=_SITE,
        trusted=trusted,
        now=message.now,
        identity=_IDENTITY,
        salt=b"",
        user_agent=message.headers.get("User-Agent", ""),
        sent_at=translation.sent_at,
        implied=implied,
    )
    found: list[Tried] = []
    fitter = Fitting(currency)
    for share in (translation, *translation.others):
        for place, item in zip(share.places, share.items, strict=True):
            fitted, changes = fitter.fit(item) if fitting else (item, [])
            admission = admit([fitted], context)
            event = admission.events[0] if admission.events else None
            rejection = admission.rejections[0] if admission.rejections else None
            found.append(Tried(place, share.presented, fitted, changes, event, rejection))
    return sorted(found, key=lambda each: each.place)
