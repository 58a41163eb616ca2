"""The page views that the load is made of: seeded, and so the same in every run. Pure.

20,000 visitors, 500 of them on the site at a time, who see five of its 1,000 pages in a visit (geometric) and come from
search, from other sites or directly; pages whose popularity falls with their rank (Zipf, s = 1); real user agents. One
event is about 400 bytes of JSON.

A request is a template: what must differ each time it is sent, event ids and timestamps, has a fixed width and is put
in by `fill`, so that a client can repeat a few thousand bodies without a single duplicate.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, islice
from random import Random
from typing import Any, Final

import orjson

PAGES: Final = 1_000
VISITORS: Final = 20_000
VISITS: Final = 500  # at the same time
VIEWS: Final = 5  # in a visit, on average

SERIAL: Final = b"@@serial@@"  # ten digits: which request of its load this is
STAMP: Final = b"@@@epochms@@@"  # thirteen: when it was due

_CUMULATED: Final = list(accumulate(1 / rank for rank in range(1, PAGES + 1)))
_SECTIONS: Final = ("products", "collections", "blog", "guides", "help")
_WORDS: Final = ("linen", "oak", "copper", "harbour", "merino", "slate", "cedar", "ivory")
_REFERRERS: Final = (
    "", "", "", "https://www.google.com/", "https://www.google.com/", "https://duckduckgo.com/",
    "https://www.instagram.com/", "https://news.example/2026/best-shops?page=2", "https://t.co/abcdEFGH12",
)  # fmt: skip
_APPLE: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
_AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_APPLE} Safari/605.1.15",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {_APPLE} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
)


def page(rank: int) -> tuple[str, str]:
    """(URL, title) of the page that is the `rank`-th in popularity, from 0."""
    section, word = _SECTIONS[rank % len(_SECTIONS)], _WORDS[rank // len(_SECTIONS) % len(_WORDS)]
    return f"https://shop.example/{section}/{word}-{rank:04d}", f"{word.title()} No. {rank} - {section.title()} - Shop"


def page_views(seed: int) -> Iterator[dict[str, Any]]:
    """Without end, in the order of time; `event_id` and `timestamp` are for the caller to add."""
    draw = Random(seed)
    visits = [_Visit(draw) for _ in range(VISITS)]
    while True:
        place = draw.randrange(VISITS)
        yield visits[place].view(draw)
        if draw.random() * VIEWS < 1:
            visits[place] = _Visit(draw)


class _Visit:
    """One visitor on the site: comes from somewhere, then goes from page to page."""

    def __init__(self, draw: Random) -> None:
        visitor = draw.randrange(VISITORS)
        self._user = f"visitor-{visitor:05d}"
        self._session = f"{draw.getrandbits(64):016x}"
        self._agent = _AGENTS[visitor % len(_AGENTS)]
        self._referrer = draw.choice(_REFERRERS)

    def view(self, draw: Random) -> dict[str, Any]:
        url, title = page(draw.choices(range(PAGES), cum_weights=_CUMULATED)[0])
        referrer, self._referrer = self._referrer, url
        return {
            "type": "page_view",
            "user_id": self._user,
            "session_id": self._session,
            "page_url": url,
            "referrer": referrer,
            "user_agent": self._agent,
            "title": title,
        }


def bodies(name: str, batch: int, distinct: int, seed: int) -> list[bytes]:
    """`distinct` templates, of one event where `batch` is 1, else of an array. `name` begins every event id."""
    views = page_views(seed)
    made = []
    for _ in range(distinct):
        events = [
            {"event_id": f"{name}-{SERIAL.decode()}-{place}", "timestamp": STAMP.decode(), **view}
            for place, view in enumerate(islice(views, batch))
        ]
        body = orjson.dumps(events if batch > 1 else events[0])
        made.append(body.replace(b'"' + STAMP + b'"', STAMP))  # a timestamp is a number
    return made


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A whole request: what a browser sends with a beacon, and `headers`."""
    sent = {
        "Host": "127.0.0.1",
        "User-Agent": _AGENTS[0],
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Accept-Language": "en-GB,en;q=0.9",
        "Origin": "https://shop.example",
        "Referer": "https://shop.example/",
        **headers,
    }
    if body:
        sent |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def fill(template: bytes, serial: int, epoch_ms: int) -> bytes:
    return template.replace(SERIAL, b"%010d" % serial).replace(STAMP, b"%013d" % epoch_ms)
