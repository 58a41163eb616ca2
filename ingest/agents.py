"""A user agent to its browser, operating system and kind of device: three words of closed sets.

Rules are ordered substrings, the particular before the general, because every browser also names those that it wants
to be taken for. What no rule knows is `other`; versions are not kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from store.event import Agent

SCANNED: Final = 512  # characters; what tells agents apart stands in front, and senders may send 64 KiB

Rules = tuple[tuple[str, tuple[str, ...]], ...]

_PROGRAMS: Final[Rules] = (
    (
        "bot",
        (
            "bot", "crawl", "spider", "slurp", "headless", "lighthouse", "pingdom", "facebookexternalhit", "preview",
            "phantomjs", "archiver", "monitor", "feedfetcher", "google-read-aloud", "inspectiontool", "chatgpt-user",
            "claude-user", "perplexity-user",
        ),
    ),
    (
        "library",
        (
            "curl/", "wget/", "python", "aiohttp", "httpx", "okhttp", "go-http-client", "java/", "axios", "node-fetch",
            "undici", "libwww", "lwp::", "guzzlehttp", "postmanruntime", "insomnia", "dart:io", "apache-httpclient",
            "ruby", "rest-client", "k6/", "cfnetwork",
        ),
    ),
)  # fmt: skip

_BROWSERS: Final[Rules] = (
    ("edge", ("edg/", "edge/", "edga/", "edgios/")),
    ("opera", ("opr/", "opera", "opios/", "opt/", "opx/")),
    ("samsung", ("samsungbrowser",)),
    ("webview", ("; wv)", "fban/", "fbav/", "fb_iab", "instagram", " line/", "micromessenger", "snapchat")),
    ("firefox", ("firefox/", "fxios/", "focus/")),
    ("ie", ("msie ", "trident/")),
    ("chrome", ("chrome/", "crios/", "chromium/")),
)

_SYSTEMS: Final[Rules] = (
    ("console", ("playstation", "xbox", "nintendo")),
    (
        "tv",
        (
            "smart-tv", "smarttv", "smart tv", "web0s", "webos", "appletv", "apple tv", "googletv", "google tv",
            "android tv", "hbbtv", "bravia", "roku", "; aft", "crkey",
        ),
    ),
    ("windows", ("windows",)),
    ("ios", ("iphone", "ipad", "ipod")),
    ("android", ("android",)),
    ("chromeos", ("cros ",)),
    ("macos", ("macintosh", "mac os x")),
    ("linux", ("linux", "x11", "freebsd")),
)  # fmt: skip

_DESKTOPS: Final = frozenset({"windows", "macos", "chromeos", "linux"})


def agent(user_agent: str) -> Agent:
    return _agent(user_agent[:SCANNED])


@lru_cache(maxsize=4096)  # at most 4 KiB each
def _agent(user_agent: str) -> Agent:
    text = user_agent.lower()
    system = _first(_SYSTEMS, text)
    # CUBOT is a maker of telephones.
    if program := _first(_PROGRAMS, text.replace("cubot", ""), ""):
        return Agent(program, system, "other")
    return Agent(_browser(text, system), system, _device(text, system))


def _browser(text: str, system: str) -> str:
    if browser := _first(_BROWSERS, text, ""):
        return browser
    if "applewebkit" not in text:
        return "other"
    if "safari/" in text:
        return "safari" if "version/" in text or system == "ios" else "other"
    return "webview" if system == "ios" else "other"  # an app's own view leaves the word Safari out


def _device(text: str, system: str) -> str:
    if system in _DESKTOPS:
        return "mobile" if "windows phone" in text else "desktop"
    if system == "ios":
        return "tablet" if "ipad" in text else "mobile"
    if system == "android":  # makers leave `Mobile` out on tablets, as Google asks them to
        return "mobile" if "mobile" in text and "tablet" not in text else "tablet"
    if system == "other":
        return "tablet" if "tablet" in text else "mobile" if "mobile" in text else "other"
    return "other"


def _first(rules: Rules, text: str, otherwise: str = "other") -> str:
    for word, marks in rules:
        if any(mark in text for mark in marks):
            return word
    return otherwise
