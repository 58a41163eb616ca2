"""What users do, as the stream carries it: an entry's fields in, an exact action or a reason out. Pure.

An application's server sends each as a custom event with a server key; `user_id` is who acts, `name` and `properties`
are those of the table below (docs/social-events.md shows each). A struct is its event's rule: a field without a default
is required, one of a wrong type or length refuses the event, one that no struct names is passed over.

    profile                     post  edit_post  delete_post         follow  unfollow  follow_accept  follow_reject
    delete_profile              comment  delete_comment              block  unblock  mute  unmute
    notifications_read          like  unlike  share  unshare         poll_vote  poll_unvote  post_view
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from .model import Id, Medium, Name, TargetType, Text, Url, Visibility

MAX_ID: Final = 128
_IDS: Final = ("post_id", "comment_id", "parent_id", "quote_post_id", "target_id")
MAX_VIEWS: Final = 1_000_000  # that one event may bring: counted elsewhere and sent as a sum
STEP_BITS: Final = 20  # of a stream id's second part, in a position


class Refused(Exception):
    """The entry can never be an action; the text says why."""


T = TypeVar("T")
Changed: TypeAlias = T | UnsetType | None  # left out: as it was; null: removed


class Action(Struct, frozen=True):
    """What all have in common: nothing but being one."""


class Spot(Struct, frozen=True):
    """Degrees north and east."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    name: Name | None = None


# Accounts


class EditProfile(Action, frozen=True):
    """Makes the account known, or changes what is given."""

    username: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    email: Changed[Name] = UNSET
    first_name: Changed[Name] = UNSET
    last_name: Changed[Name] = UNSET
    bio: Changed[Text] = UNSET
    avatar_url: Changed[Url] = UNSET
    cover_url: Changed[Url] = UNSET
    website: Changed[Url] = UNSET
    birth_date: Changed[date] = UNSET
    gender: Changed[Name] = UNSET
    city: Changed[Name] = UNSET
    country: Changed[Name] = UNSET
    location: Changed[Spot] = UNSET
    private_account: bool | UnsetType = UNSET
    show_birth_date: bool | UnsetType = UNSET
    show_location: bool | UnsetType = UNSET
    allow_mentions: bool | UnsetType = UNSET
    allow_direct_messages: bool | UnsetType = UNSET
    language: Name | UnsetType = UNSET
    timezone: Name | UnsetType = UNSET
    is_verified: bool | UnsetType = UNSET
    verification_type: Changed[Name] = UNSET
    status: Literal["active", "suspended", "deactivated"] | UnsetType = UNSET


class DeleteProfile(Action, frozen=True):
    """For ever: what was known of the person is removed, and the id is not used again."""


class ReadNotifications(Action, frozen=True):
    """All up to a time; None: that of the event."""

    up_to: datetime | None = None


# Posts and comments


class PollGiven(Struct, frozen=True):
    question: Name
    options: Annotated[Sequence[Name], Meta(min_length=2, max_length=20)]
    expires_at: datetime | None = None
    multiple_choice: bool = False


class Publish(Action, frozen=True):
    """hashtags and mentions (ids of users): None: those in the text."""

    post_id: Id
    text: Text = ""
    media: Annotated[Sequence[Medium], Meta(max_length=20)] = ()
    poll: PollGiven | None = None
    hashtags: Annotated[Sequence[Annotated[str, Meta(max_length=100)]], Meta(max_length=100)] | None = None
    mentions: Annotated[Sequence[Id], Meta(max_length=100)] | None = None
    location: Spot | None = None
    visibility: Visibility = "public"
    quote_post_id: Id | None = None
    content_warning: Name | None = None
    is_pinned: bool = False


class EditPost(Action, frozen=True):
    """Changes what is given. Where the text is and the hashtags are not, they are those in the new text."""

    post_id: Id
    text: Text | UnsetType = UNSET
    hashtags: Annotated[Sequence[Annotated[str, Meta(max_length=100)]], Meta(max_length=100)] | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    content_warning: Changed[Name] = UNSET
    is_pinned: bool | UnsetType = UNSET


class DeletePost(Action, frozen=True):
    """Whoever sends it: the author, or one who moderates."""

    post_id: Id


class Reply(Action, frozen=True):
    """With a parent_id it answers that comment."""

    comment_id: Id
    post_id: Id
    text: Text = ""
    parent_id: Id | None = None


class DeleteComment(Action, frozen=True):
    comment_id: Id


class ViewPost(Action, frozen=True):
    post_id: Id
    count: Annotated[int, Meta(ge=1, le=MAX_VIEWS)] = 1


# Edges


class _OfTarget(Action, frozen=True):
    """Of a post or of a comment: by its own field, or by the pair that says which of the two."""

    post_id: Id | None = None
    comment_id: Id | None = None
    target_type: TargetType | None = None
    target_id: Id | None = None

    def __post_init__(self) -> None:
        given = [self.post_id, self.comment_id, self.target_id]
        if sum(id_ is not None for id_ in given) != 1 or (self.target_type is None) != (self.target_id is None):
            raise ValueError("must have one of post_id, comment_id, and target_type with target_id")

    @property
    def target(self) -> tuple[TargetType, str]:
        if self.post_id is not None:
            return "post", self.post_id
        if self.comment_id is not None:
            return "comment", self.comment_id
        assert self.target_type is not None
        assert self.target_id is not None
        return self.target_type, self.target_id


class GiveLike(_OfTarget, frozen=True):
    pass


class TakeLike(_OfTarget, frozen=True):
    pass


class SharePost(Action, frozen=True):
    post_id: Id


class UnsharePost(Action, frozen=True):
    post_id: Id


class CastVote(Action, frozen=True):
    """Positions among the poll's options. Where it allows several, later votes add to earlier ones."""

    post_id: Id
    options: Annotated[Sequence[Annotated[int, Meta(ge=0, lt=20)]], Meta(min_length=1, max_length=20)]


class TakeVote(Action, frozen=True):
    post_id: Id


class _OfUser(Action, frozen=True):
    """Done to another user."""

    target_id: Id


class StartFollow(_OfUser, frozen=True):
    """Of a private account it is a request."""


class EndFollow(_OfUser, frozen=True):
    """Takes a request back, too."""


class AcceptFollow(_OfUser, frozen=True):
    """The acting account lets the target follow it."""


class RejectFollow(_OfUser, frozen=True):
    """The acting account turns the target away, whether it asked or followed already."""


class StartBlock(_OfUser, frozen=True):
    """Ends the follows between the two."""


class EndBlock(_OfUser, frozen=True):
    pass


class StartMute(_OfUser, frozen=True):
    expires_at: datetime | None = None


class EndMute(_OfUser, frozen=True):
    pass


ACTIONS: Final[dict[str, type[Action]]] = {
    "profile": EditProfile,
    "delete_profile": DeleteProfile,
    "notifications_read": ReadNotifications,
    "post": Publish,
    "edit_post": EditPost,
    "delete_post": DeletePost,
    "comment": Reply,
    "delete_comment": DeleteComment,
    "post_view": ViewPost,
    "like": GiveLike,
    "unlike": TakeLike,
    "share": SharePost,
    "unshare": UnsharePost,
    "poll_vote": CastVote,
    "poll_unvote": TakeVote,
    "follow": StartFollow,
    "unfollow": EndFollow,
    "follow_accept": AcceptFollow,
    "follow_reject": RejectFollow,
    "block": StartBlock,
    "unblock": EndBlock,
    "mute": StartMute,
    "unmute": EndMute,
}


class Sent(Struct, frozen=True):
    """An action, by whom, when, and where it stands in the stream. `name` and `properties` are as they were sent."""

    position: int
    at: datetime
    actor: str
    action: Action
    name: str
    properties: str


def position(entry_id: str) -> int:
    """A stream id ('1795439000000-0') as one number of the same order, which fits 63 bits."""
    milliseconds, _, step = entry_id.partition("-")
    return int(milliseconds) << STEP_BITS | min(int(step or 0), (1 << STEP_BITS) - 1)


def entry_id(position: int) -> str:
    return f"{position >> STEP_BITS}-{position & (1 << STEP_BITS) - 1}"


def read(fields: Mapping[str, str], site: str, position: int) -> Sent | None:
    """What an entry of the events stream does in the network of `site`; None where it is none of its business.

    One that was not sent with a server key is not: a page may have events of the same names for its own ends, and what
    a browser says makes no edge. Raises `Refused`.
    """
    name = fields.get("name", "")
    if fields.get("site") != site or name not in ACTIONS or fields.get("trusted") != "1":
        return None
    actor = fields.get("user_id", "")
    if not 1 <= len(actor) <= MAX_ID or not actor.isprintable():
        raise Refused(f"user_id: must be 1 to {MAX_ID} printable characters")
    try:
        at = datetime.fromtimestamp(int(fields["timestamp"]) / 1000, UTC)
    except (KeyError, ValueError, OverflowError) as error:
        raise Refused("timestamp: must be epoch milliseconds") from error
    return decoded(position, at, actor, name, fields.get("properties") or "{}")


def decoded(position: int, at: datetime, actor: str, name: str, properties: str) -> Sent:
    """Raises `Refused`."""
    try:
        action = msgspec.convert(_with_text_ids(msgspec.json.decode(properties)), ACTIONS[name])
    except msgspec.DecodeError as error:
        raise Refused(f"{name}: {error}") from error
    for field in (*_IDS, "mentions"):
        found = getattr(action, field, None) or ()
        if not all(id_.isprintable() for id_ in ([found] if isinstance(found, str) else found)):
            raise Refused(f"{name}: {field} must be printable characters")
    if isinstance(action, _OfUser) and action.target_id == actor:
        raise Refused(f"{name}: target_id must be another user than user_id")
    naive = [field for field in action.__struct_fields__ if _naive(getattr(action, field))]
    poll = getattr(action, "poll", None)
    if naive or (poll is not None and _naive(poll.expires_at)):
        raise Refused(f"{name}: {', '.join(naive) or 'poll.expires_at'} must say its offset from UTC")
    return Sent(position, at, actor, action, name, properties)


def _with_text_ids(properties: Any) -> Any:
    """Numbers are taken as their text: many applications' ids are."""
    if isinstance(properties, dict):
        for name in _IDS:
            if type(properties.get(name)) is int:
                properties[name] = str(properties[name])
        if isinstance(mentions := properties.get("mentions"), list):
            properties["mentions"] = [str(each) if type(each) is int else each for each in mentions]
    return properties


def _naive(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is None
