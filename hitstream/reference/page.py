"""The page: groups of calls in the order in which one meets them, then what they send and answer."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

from .examples import curl
from .html import Html, element, joined, prose
from .schemas import described, kind, named, notes, sent_ones, table

Part = dict[str, Any]

# The first whose beginning fits takes a path.
_GROUPS: Final = (
    ("sending", "Sending events", "A write key may stand in a page; a server key is secret and may send history too.",
     ("/v1/events", "/v1/page_view", "/v1/conversion", "/v1/error", "/v1/event", "/v1/pixel.gif")),
    ("asking", "Asking", "With a read key. The site follows from the key, days and hours are the site's own.",
     ("/v1/metrics", "/v1/users", "/v1/funnels", "/v1/live")),
    ("shop", "Shop", "What the shop's database says, fed by `purchase` and `refund` conversions.", ("/v1/commerce",)),
    ("network", "Network", "What the network's database says, fed by events such as `post` and `follow`.",
     ("/v1/social",)),
    ("server", "Pages and the server itself", "", ("/",)),
)  # fmt: skip

_KEYS: Final = """URL=http://127.0.0.1:8080
WRITE=hw_...   # `hitstream keys` shows all three
READ=hr_...
SERVER=hs_..."""


def rendered(document: Part) -> str:
    """HTML of an OpenAPI document."""
    schemas: dict[str, Part] = document["components"]["schemas"]
    groups = [(*group[:3], _calls(document["paths"], group[3])) for group in _GROUPS]
    content = [
        element(
            "section",
            element("h2", title),
            element("p", prose(intro), class_="lead") if intro else "",
            [_call(method, path, operation, schemas) for method, path, operation in calls],
            id=id_,
        )
        for id_, title, intro, calls in groups
    ]
    sent = sent_ones(document["paths"], schemas)
    shapes = element(
        "section",
        element("h2", "What is sent and answered"),
        [described(name, schema, sent=name in sent) for name, schema in schemas.items()],
        id="schemas",
    )
    info = document["info"]
    page = element(
        "html",
        _head(info["title"]),
        element(
            "body",
            element("a", "Skip to the calls", href="#main", class_="skip"),
            _top(info),
            element("div", _menu(groups), element("main", _intro(), content, shapes, id="main"), class_="frame"),
        ),
        lang="en",
    )
    return f"<!doctype html>\n{page}\n"


def _head(title: str) -> Html:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("title", f"{title}: the API"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="docs/icon.svg", type="image/svg+xml"),
        element("link", rel="stylesheet", href="docs/style.css"),
    )


def _top(info: Part) -> Html:
    return element(
        "header",
        element("a", info["title"], href="./", class_="brand"),
        element("span", f"API {info['version']}", class_="version"),
        element(
            "nav",
            element("a", "Live page", href="./"),
            element("a", "openapi.json", href="openapi.json"),
            aria_label="Elsewhere",
        ),
        class_="top",
    )


def _menu(groups: list[tuple[str, str, str, list[tuple[str, str, Part]]]]) -> Html:
    lists = [
        element(
            "li",
            element("a", title, href=f"#{id_}", class_="group"),
            element("ul", [element("li", _link(method, path)) for method, path, _ in calls]),
        )
        for id_, title, _, calls in groups
    ]
    shapes = element("li", element("a", "What is sent and answered", href="#schemas", class_="group"))
    return element("nav", element("ul", lists, shapes), class_="menu", aria_label="Calls")


def _link(method: str, path: str) -> Html:
    return element("a", _badge(method), _path(path), href=f"#{_anchor(method, path)}")


def _intro() -> Html:
    return element(
        "section",
        element("h1", "The API"),
        element(
            "p",
            prose(
                "JSON in and out. A key travels as `Authorization: Bearer KEY`, as Basic with the key as the user "
                "name, or, a write key, as `X-Write-Key` or `?key=`. An error is an RFC 9457 problem with a stable "
                "`code` for programs and a `message` for people. Instants are ISO 8601 with an offset, durations like "
                "`90s`, `30m`, `24h`, `7d`."
            ),
            class_="lead",
        ),
        element("p", "The examples below take the server and the keys from the shell:"),
        _code(_KEYS),
    )


def _call(method: str, path: str, operation: Part, schemas: dict[str, Part]) -> Html:
    heading = element(
        "h3",
        element("a", _badge(method), _path(path), href=f"#{_anchor(method, path)}"),
        element("span", operation["summary"].rstrip("."), class_="summary"),
    )
    said = operation.get("description")
    parameters = table(
        ("parameter", "is", "which means"),
        (
            (
                joined(named(each["name"], "required" if each.get("required") else ""), _place(each["in"])),
                kind(each["schema"]),
                notes({**each["schema"], "description": each.get("description", "")}),
            )
            for each in operation.get("parameters", ())
        ),
    )
    bodies = operation.get("requestBody", {}).get("content", {})
    body = table(
        ("body", "is", "which means"),
        ((element("code", media), kind(each["schema"]), notes(each["schema"])) for media, each in bodies.items()),
    )
    return element(
        "article",
        heading,
        element("p", prose(said)) if said else "",
        _code(curl(method, path, operation, schemas)),
        parameters,
        body,
        _answers(operation["responses"]),
        id=_anchor(method, path),
        class_="call",
    )


def _answers(responses: dict[str, Part]) -> Html:
    rows = []
    for status, response in responses.items():
        shapes = [kind(each["schema"]) for each in response.get("content", {}).values() if "schema" in each]
        phrase = HTTPStatus(int(status)).phrase if status.isdigit() else ""
        level = "good" if status.startswith("2") else "bad"
        number = element("span", status, class_=f"status {level}", title=phrase)
        rows.append((number, joined(shapes[:1]), prose(response.get("description", ""))))
    return table(("answer", "is", "which means"), rows)


def _calls(paths: dict[str, Part], beginnings: tuple[str, ...]) -> list[tuple[str, str, Part]]:
    found = []
    for path, methods in paths.items():
        taken = next(group[3] for group in _GROUPS if path.startswith(group[3]))
        if taken == beginnings:
            found += [(method, path, operation) for method, operation in methods.items()]
    return found


def _anchor(method: str, path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{method} {path}".lower()).strip("-")


def _badge(method: str) -> Html:
    return element("span", method.upper(), class_=f"method {method}")


def _path(path: str) -> Html:
    """May be broken behind each slash."""
    return element("code", [joined(part, Html("<wbr>")) for part in re.split(r"(?<=/)", path) if part], class_="path")


def _place(place: str) -> Html:
    return Html() if place == "query" else element("span", f"in the {place}", class_="place")


def _code(text: str) -> Html:
    return element("pre", element("code", text), tabindex="0")
