"""Posts by the words in them, the best first.

MongoDB's text index finds and weighs them: a word in the text counts 10, one among the hashtags 5. Where the server has
no text index, the newest 5,000 posts that hold one of the words are looked at and weighed here (`social.words`); the
answer says which of the two it was, and whether there may be more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct, field

from store.errors import BadParameter
from store.parameters import CURSOR, Asked, Parameter

from .. import cards
from ..cards import Post, PostRow
from ..database import Database
from ..parameters import LIMIT, VIEWER
from ..schema import BY_ID, POSTS, POSTS_OF_TIME, POSTS_TEXT
from ..visibility import Viewer, posts_for, viewer_of
from ..words import Wanted, pattern, score, wanted

LOOKED_AT: Final = 5_000
ROUNDS: Final = 4  # of hits that are read for one page, where the viewer may not see most of them

Method = Literal["text index", "scan"]

PARAMETERS: Final = (
    Parameter("q", 'Words, any of which will do; "a phrase" that must be there; -without.', required=True),
    VIEWER,
    LIMIT,
    CURSOR,
)


class Hit(Struct, frozen=True):
    score: float
    post: Post


class Found(Struct, frozen=True):
    """`complete` is false where not all posts were looked at. A page may hold fewer than `limit`."""

    as_of: datetime
    method: Method
    complete: bool
    hits: Sequence[Hit]
    next_cursor: str | None


class _Scored(Struct, frozen=True):
    id: str = field(name="_id")
    score: float


class _Text(Struct, frozen=True):
    text: str = ""


class _Candidate(Struct, frozen=True):
    id: str = field(name="_id")
    content: _Text = _Text()
    hashtags: Sequence[str] = ()


async def search(database: Database, asked: Asked, now: datetime) -> Found:
    words = wanted(asked["q"])
    if not words.words:
        raise BadParameter("q", "must hold a word to be found")
    viewer = await viewer_of(database, asked["viewer"], now)
    after: tuple[float, str] | None = asked.after(float, str)
    limit = asked["limit"]
    if (await database.capabilities()).text_index:
        hits: list[Hit] = []
        for _ in range(ROUNDS):
            best = await _indexed(database, viewer, asked["q"], after, limit + 1)
            hits += await _hits(database, viewer, best)
            after = (best[-1].score, best[-1].id) if len(best) > limit else None
            if after is None or len(hits) > limit:
                break
        more = _cursor(asked, hits, limit, after)
        return Found(now, "text index", True, hits[:limit], more)
    best, complete = await _scanned(database, viewer, words)
    if after:
        best = [each for each in best if (-each.score, each.id) > (-after[0], after[1])]
    hits = await _hits(database, viewer, best[: ROUNDS * (limit + 1)])
    last = best[: ROUNDS * (limit + 1)][-1:]
    rest = (last[0].score, last[0].id) if len(best) > ROUNDS * (limit + 1) else None
    return Found(now, "scan", complete, hits[:limit], _cursor(asked, hits, limit, rest))


def _cursor(asked: Asked, hits: Sequence[Hit], limit: int, rest: tuple[float, str] | None) -> str | None:
    """After the last hit that is shown; where all are, after the last that was read."""
    if len(hits) > limit:
        return asked.cursor(hits[limit - 1].score, hits[limit - 1].post.id)
    return asked.cursor(*rest) if rest else None


async def _indexed(
    database: Database, viewer: Viewer, q: str, after: tuple[float, str] | None, limit: int
) -> list[_Scored]:
    """The best posts after that one, by the text index. Equal scores go by id."""
    stages: list[dict[str, Any]] = [
        {"$match": {"$text": {"$search": q}, **posts_for(viewer)}},
        {"$project": {"score": {"$meta": "textScore"}}},
    ]
    if after:
        worse = [{"score": {"$lt": after[0]}}, {"score": after[0], "_id": {"$gt": after[1]}}]
        stages.append({"$match": {"$or": worse}})
    stages += [{"$sort": {"score": -1, "_id": 1}}, {"$limit": limit}]
    return await database.aggregate(_Scored, POSTS, stages, index=POSTS_TEXT)


async def _scanned(database: Database, viewer: Viewer, words: Wanted) -> tuple[list[_Scored], bool]:
    """All of the newest posts that are an answer, the best first, and whether those are all there are."""
    held = [{"content.text": {"$regex": pattern(words), "$options": "i"}}, {"hashtags": {"$in": sorted(words.words)}}]
    found = await database.find(
        _Candidate,
        POSTS,
        {"$and": [posts_for(viewer), {"$or": held}]},
        index=POSTS_OF_TIME,
        sort=[("created_at", -1), ("_id", -1)],
        limit=LOOKED_AT,
    )
    scored = [_Scored(each.id, score(words, each.content.text, each.hashtags)) for each in found]
    best = sorted((each for each in scored if each.score), key=lambda each: (-each.score, each.id))
    return best, len(found) < LOOKED_AT


async def _hits(database: Database, viewer: Viewer, best: Sequence[_Scored]) -> list[Hit]:
    """Those that the viewer may see, in the same order."""
    if not best:
        return []
    rows = await database.find(PostRow, POSTS, {"_id": {"$in": [each.id for each in best]}}, index=BY_ID)
    seen = {post.id: post for post in await cards.visible(database, viewer, rows)}
    return [Hit(each.score, seen[each.id]) for each in best if each.id in seen]
