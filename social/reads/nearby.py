"""Posts around a point, the nearest first; of those equally far, in the order of their ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field

from store.parameters import CURSOR, Asked, Parameter

from .. import cards
from ..cards import Post, PostRow
from ..database import Database
from ..errors import NotSupported
from ..parameters import LIMIT, VIEWER
from ..schema import BY_ID, POSTS, POSTS_NEAR
from ..visibility import Viewer, posts_for, viewer_of

MAX_RADIUS_M: Final = 50_000
DEFAULT_RADIUS_M: Final = 1_000
NEAREST: Final = 10_000  # posts that one page is looked for among: a whole city's may lie within the radius
ROUNDS: Final = 4  # of posts that are read for one page, where the viewer may not see most of them
_SLACK: Final = 1e-9  # of a distance that is turned into an angle and back

PARAMETERS: Final = (
    Parameter("lat", "Latitude in degrees.", "number", low=-90, high=90, required=True),
    Parameter("lon", "Longitude in degrees.", "number", low=-180, high=180, required=True),
    Parameter("radius_m", "How far at most, in metres.", "whole", default=DEFAULT_RADIUS_M, high=MAX_RADIUS_M),
    VIEWER,
    LIMIT,
    CURSOR,
)


class Found(Struct, frozen=True):
    distance_m: float
    post: Post


class Nearby(Struct, frozen=True):
    """A page may hold fewer than `limit`; it is the last one where `next_cursor` is None."""

    as_of: datetime
    posts: Sequence[Found]
    next_cursor: str | None


class _Near(Struct, frozen=True):
    id: str = field(name="_id")
    distance: float


async def nearby(database: Database, asked: Asked, now: datetime) -> Nearby:
    """Raises `NotSupported`."""
    if not (await database.capabilities()).geo_index:
        raise NotSupported("an index of places")
    viewer = await viewer_of(database, asked["viewer"], now)
    after: tuple[float, str] | None = asked.after(float, str)
    limit = asked["limit"]
    found: list[Found] = []
    for _ in range(ROUNDS):
        nearest = await _nearest(database, viewer, asked, after, limit + 1)
        found += await _visible(database, viewer, nearest)
        after = (nearest[-1].distance, nearest[-1].id) if len(nearest) > limit else None
        if after is None or len(found) > limit:
            break
    more = asked.cursor(*after) if after else None
    if len(found) > limit:
        more = asked.cursor(found[limit - 1].distance_m, found[limit - 1].post.id)
    return Nearby(now, found[:limit], more)


async def _nearest(
    database: Database, viewer: Viewer, asked: Asked, after: tuple[float, str] | None, limit: int
) -> list[_Near]:
    near: dict[str, Any] = {
        "near": {"type": "Point", "coordinates": [asked["lon"], asked["lat"]]},
        "key": "location.point",
        "distanceField": "distance",
        "maxDistance": asked["radius_m"],
        "query": posts_for(viewer),
        "spherical": True,
    }
    stages: list[dict[str, Any]] = [{"$geoNear": near}, {"$limit": NEAREST}, {"$project": {"distance": 1}}]
    if after:
        near["minDistance"] = after[0] * (1 - _SLACK)
        farther = [{"distance": {"$gt": after[0]}}, {"distance": after[0], "_id": {"$gt": after[1]}}]
        stages.append({"$match": {"$or": farther}})
    stages += [{"$sort": {"distance": 1, "_id": 1}}, {"$limit": limit}]
    return await database.aggregate(_Near, POSTS, stages, index=POSTS_NEAR)


async def _visible(database: Database, viewer: Viewer, nearest: Sequence[_Near]) -> list[Found]:
    if not nearest:
        return []
    rows = await database.find(PostRow, POSTS, {"_id": {"$in": [each.id for each in nearest]}}, index=BY_ID)
    seen = {post.id: post for post in await cards.visible(database, viewer, rows)}
    return [Found(each.distance, seen[each.id]) for each in nearest if each.id in seen]
