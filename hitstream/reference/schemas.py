"""A JSON schema in words and tables: `array of Item`, `one of a, b`, `at most 64 characters`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from .html import Html, element, joined, prose

Schema = dict[str, Any]

_REF: Final = "#/components/schemas/"
_BOUNDS: Final = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("exclusiveMinimum", "more than {}"),
    ("exclusiveMaximum", "less than {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("pattern", "like {}"),
    ("default", "{} by default"),
)


def anchor(name: str) -> str:
    return "schema-" + re.sub(r"[^A-Za-z0-9]+", "-", name)  # there is an `event` and an `Event`


def title(name: str) -> str:
    """Schemas of equal names are told apart by their modules, which nobody needs to read."""
    return name.rpartition(".")[2]


def kind(schema: Schema) -> Html:
    """What it is, in a few words; other schemas as links."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        return element("a", title(name), href=f"#{anchor(name)}")
    if "const" in schema:
        return element("code", _value(schema["const"]))
    if "enum" in schema:
        return _separated((element("code", _value(value)) for value in schema["enum"]), ", ")
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return _separated(map(kind, schema[word]), " or ")
    if schema.get("type") == "array":
        return joined("array of ", kind(schema.get("items", {})))
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return joined("object of ", kind(schema["additionalProperties"]))
    type_ = schema.get("type", "anything")
    named = " or ".join(type_) if isinstance(type_, list) else type_
    return joined(f"{named} ({schema['format']})" if "format" in schema else named)


def notes(schema: Schema) -> Html:
    """Its description and its bounds."""
    found = [prose(schema["description"])] if schema.get("description") else []
    bounds = [text.format(f"`{_value(schema[name])}`") for name, text in _BOUNDS if name in schema]
    if bounds:
        found.append(element("span", prose(", ".join(bounds)), class_="bounds"))
    return _separated(found, " ")


def properties(schema: Schema, *, sent: bool) -> Html:
    """A table of an object's members; '' where it is none."""
    members: dict[str, Schema] = schema.get("properties", {})
    required = schema.get("required", ())
    rows = []
    for name, member in members.items():
        if sent:
            marked = named(name, "required" if name in required else "")
        else:
            marked = named(name, "" if name in required else "may be missing")
        rows.append((marked, kind(member), notes(member)))
    return table(("field", "is", "which means"), rows)


def named(name: str, mark: str) -> Html:
    return joined(element("code", name), element("span", mark, class_=f"mark {mark.partition(' ')[0]}") if mark else "")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """'' where there are no rows; without the last column where it says nothing. Wide ones scroll by themselves."""
    rows = list(rows)
    if not rows:
        return Html()
    width = len(heads) if any(row[-1] for row in rows) else len(heads) - 1
    head = element("thead", element("tr", [element("th", text, scope="col") for text in heads[:width]]))
    body = [element("tr", [element("td", cell) for cell in row[:width]]) for row in rows]
    return element("div", element("table", head, element("tbody", body)), class_="wide")


def sent_ones(paths: dict[str, Any], schemas: dict[str, Schema]) -> set[str]:
    """The names of those that requests hold, directly or within one another."""
    bodies = [operation.get("requestBody", {}) for methods in paths.values() for operation in methods.values()]
    found: set[str] = set()
    left = [bodies]
    while left:
        new = set(re.findall(rf'"{_REF}([^"]+)"', orjson.dumps(left.pop()).decode())) - found
        found |= new
        left += [[schemas[name]] for name in new]
    return found


def described(name: str, schema: Schema, *, sent: bool) -> Html:
    """A section of its own, that links lead to."""
    inside = properties(schema, sent=sent) or element("p", kind(schema), class_="kind")
    heading = element("h3", title(name))
    summary = element("p", notes(schema)) if schema.get("description") else Html()
    return element("section", heading, summary, inside, id=anchor(name), class_="schema")


def _separated(parts: Iterable[str], separator: str) -> Html:
    found: list[str] = []
    for part in parts:
        found += [separator, part] if found else [part]
    return joined(found)


def _value(value: object) -> str:
    return value if isinstance(value, str) and value else orjson.dumps(value).decode()
