"""The calls of a part of the product as a table: from it both the routes and the OpenAPI 3.1 document are made. Pure.

A part has a tag (`commerce`), a prefix (`/v1/commerce`) and its reads; what a read needs, its question, is the part's.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from .parameters import MAX_ID, MAX_TEXT, Parameter

Question = TypeVar("Question")


class Read(Struct, Generic[Question], frozen=True):
    """`path` holds its one path parameter, if any, in braces; the first read whose path fits is meant."""

    name: str
    path: str
    summary: str
    parameters: tuple[Parameter, ...]
    answer: type[Struct]
    ask: Callable[[Question], Awaitable[Struct]]


def paths(tag: str, prefix: str, reads: Sequence[Read[Any]], description: str) -> dict[str, Any]:
    """Path -> its operations. The error answers are `#/components/responses/Problem`, which the whole document has."""
    return {prefix + read.path: {"get": _operation(tag, read, description)} for read in reads}


def schemas(tag: str, reads: Sequence[Read[Any]]) -> dict[str, Any]:
    """The schemas of the answers, each named after its read: two reads may have a `Product`."""
    found: dict[str, Any] = {}
    for read in reads:
        named = _named(tag, read)
        _, parts = msgspec.json.schema_components([read.answer], ref_template=f"#/components/schemas/{named}")
        found |= {named.replace("{name}", name): schema for name, schema in parts.items()}
    return found


def _named(tag: str, read: Read[Any]) -> str:
    return "".join(word.capitalize() for word in (tag, *read.name.split("_"))) + "{name}"


def _operation(tag: str, read: Read[Any], description: str) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", read.path)
    ]
    parameters += [
        {"name": each.name, "in": "query", "description": each.description, "schema": _schema(each)}
        | ({"required": True} if each.required else {})
        for each in read.parameters
    ]
    answer = {"$ref": "#/components/schemas/" + _named(tag, read).replace("{name}", read.answer.__name__)}
    return {
        "operationId": f"{tag}_{read.name}",
        "summary": read.summary,
        "description": description,
        "security": [{"bearer": []}, {"basic": []}],
        "tags": [tag],
        "parameters": parameters,
        "responses": {
            "200": {"description": "The answer.", "content": {"application/json": {"schema": answer}}},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }


def _schema(parameter: Parameter) -> dict[str, Any]:
    default = {} if parameter.default is None else {"default": parameter.default}
    match parameter.kind:
        case "choice" if isinstance(parameter.default, int):
            return {"type": "integer", "enum": [int(choice) for choice in parameter.choices], **default}
        case "choice":
            return {"type": "string", "enum": list(parameter.choices), **default}
        case "whole":
            return {"type": "integer", "minimum": parameter.low, "maximum": parameter.high, **default}
        case "number":
            return {"type": "number", "minimum": parameter.low, "maximum": parameter.high, **default}
        case "flag":
            return {"type": "boolean"}
        case "currency":
            return {"type": "string", "pattern": "^[A-Z]{3}$"}
        case "amount":
            return {"type": "string", "pattern": r"^\d*(\.\d*)?$", "examples": ["19.99"]}
        case "cursor":
            return {"type": "string"}
        case "id":
            return {"type": "string", "minLength": 1, "maxLength": MAX_ID}
        case _:
            return {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
