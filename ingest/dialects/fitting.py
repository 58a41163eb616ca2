"""What is too big for an event of ours, made to fit: it was sent by a client that nobody can change, so the event is
taken, and what had to go is said in it.

    name, conversion_type, error_type               cut at 64 characters; the whole stays in the properties
    user_id, anonymous_id, session_id, event_id     too long: the beginning and a hash, so that no two become one
    properties, context     nested too deep: that member becomes JSON text
                            too big: the biggest members go, and `not_kept` names them
    currency                the site's, where the dialect has no word for it
    address                 of the visitor, which is none: it goes

An address that is too long, or an amount that is none, is still refused: what would be left of it is another's.

What a message says once of all its events is copied into each, so a small one could become a huge one: there is a
limit to what all its documents come to.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import orjson

from ..admit import ADDRESS_CHARACTERS, EVENT_ID_CHARACTERS, NAME_CHARACTERS, SESSION_CHARACTERS, USER_CHARACTERS
from ..body import INFLATED_BYTES
from ..errors import TooLarge
from ..fields import DOCUMENT_BYTES, DOCUMENT_DEPTH, depth

NOT_KEPT: Final = "not_kept"

_NAMES: Final = {"conversion": "conversion_type", "error": "error_type", "event": "name"}
_DOCUMENTS: Final = {"error": "context"}  # of what type the rest goes there, and not into properties
_IDS: Final = {
    "user_id": USER_CHARACTERS,
    "anonymous_id": USER_CHARACTERS,
    "session_id": SESSION_CHARACTERS,
    "event_id": EVENT_ID_CHARACTERS,
}
# Of all documents of a message, before they are cut. Without copies they are no more than its body.
DOCUMENTS_BYTES: Final = 2 * INFLATED_BYTES
_UNKNOWN_BYTES: Final = DOCUMENTS_BYTES // 16  # what one counts for that cannot be encoded as it is

_HASH_BYTES: Final = 8
_NAMED: Final = 10  # of the members that had to go
_UNENCODABLE: Final = DOCUMENT_BYTES + 1  # the size of what JSON cannot hold: it goes first


class Fitting:
    """Of the items of one message. currency: the site's."""

    def __init__(self, currency: str = "") -> None:
        self._currency = currency
        self._left = DOCUMENTS_BYTES

    def fit(self, item: object) -> tuple[object, list[str]]:
        """The item as `ingest.admit` can take it, and what was changed, each change as a sentence.

        Raises `TooLarge`.
        """
        if not isinstance(item, dict):
            return item, []
        document = _DOCUMENTS.get(str(item.get("type")), "properties")
        members = item.get(document)
        if isinstance(members, dict):
            encoded = _encoded(members)
            self._left -= _UNKNOWN_BYTES if encoded is None else len(encoded)
            if self._left < 0:
                raise TooLarge(f"the properties of all events come to more than {DOCUMENTS_BYTES:,} bytes")
        return _fitted(item, document, self._currency)


def fit(item: object, currency: str = "") -> tuple[object, list[str]]:
    """The same for one item."""
    return Fitting(currency).fit(item)


def kept(members: dict[str, Any]) -> dict[str, Any]:
    """What fits into an event, of what is to be copied into many."""
    return _document(members, "", [])


def _fitted(item: dict[str, Any], document: str, currency: str) -> tuple[object, list[str]]:
    fitted, changes = dict(item), list[str]()
    kind = str(fitted.get("type"))
    if kind == "conversion" and currency and not fitted.get("currency"):
        fitted["currency"] = currency
    for field, limit in _IDS.items():
        value = fitted.get(field)
        if isinstance(value, str) and len(value) > limit:
            fitted[field] = _shortened(value, limit)
            changes.append(f"{field} had {len(value):,} characters: its first and a hash of the whole are kept")
    address = fitted.get("address", "")
    if not isinstance(address, str) or len(address) > ADDRESS_CHARACTERS:
        del fitted["address"]
        changes.append("address was none, and went")
    name = _NAMES.get(kind)
    if name and isinstance(value := fitted.get(name), str) and len(value) > NAME_CHARACTERS:
        fitted[name] = value[:NAME_CHARACTERS]
        fitted[document] = beside({name: value}, fitted.get(document) or {})
        changes.append(
            f"{name} had {len(value):,} characters: it is cut at {NAME_CHARACTERS}, the whole is in {document}"
        )
    if isinstance(members := fitted.get(document), dict):
        fitted[document] = _document(members, document, changes)
    return fitted, changes


def beside(properties: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Both in one. What others call by a name that is taken gets an underscore in front, so that nothing is lost."""
    found = dict(properties)
    for name, value in others.items():
        while name in found:
            name = f"_{name}"  # noqa: PLW2901 - the name that is free
        found[name] = value
    return found


def _shortened(value: str, limit: int) -> str:
    digest = blake2b(value.encode(errors="surrogatepass"), digest_size=_HASH_BYTES).hexdigest()
    return f"{value[: limit - 1 - len(digest)]}~{digest}"


def _document(members: dict[str, Any], document: str, changes: list[str]) -> dict[str, Any]:
    encoded = _encoded(members)
    # There are no more levels than opening brackets: few of them settle it without a walk.
    if (encoded is not None and len(encoded) <= DOCUMENT_BYTES) and (
        encoded.count(b"{") + encoded.count(b"[") <= DOCUMENT_DEPTH or depth(members) <= DOCUMENT_DEPTH
    ):
        return members
    found: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    for name, member in members.items():
        text = _encoded(member)
        if text is not None and depth(member) >= DOCUMENT_DEPTH:
            member, text = text.decode(), _encoded(text.decode())  # noqa: PLW2901 - as it is kept
            changes.append(f"{document}.{name} was nested too deep and is kept as JSON text")
        found[name] = member
        sizes[name] = _UNENCODABLE if text is None else len(text) + len(_encoded(name) or b"") + 2
    gone: list[str] = []
    size, named = sum(sizes.values()), 0
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if size + named + 2 <= DOCUMENT_BYTES:
            break
        del found[name]
        size -= sizes[name]
        gone.append(name[:NAME_CHARACTERS])
        named = len(_encoded({NOT_KEPT: gone[:_NAMED]}) or b"")
    if gone:
        changes.append(f"{document} had more than {DOCUMENT_BYTES:,} bytes: {', '.join(gone[:_NAMED])} went")
        found = beside(found, {NOT_KEPT: gone[:_NAMED]})
    return found


def _encoded(value: object) -> bytes | None:
    """None for what JSON cannot hold, or what is nested deeper than it can be encoded."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return None
