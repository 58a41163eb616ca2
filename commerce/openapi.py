"""The shop's part of the OpenAPI 3.1 document, made from the same table that the routes are made from. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from .contract import PREFIX, READS, Read
from .parameters import MAX_TEXT, Parameter


def paths() -> dict[str, Any]:
    """Path -> its operations. The error answers are `#/components/responses/Problem`, which the whole document has."""
    return {PREFIX + read.path: {"get": _operation(read)} for read in READS}


def schemas() -> dict[str, Any]:
    """The schemas of the answers, each named after its read: two reads have a `Product`."""
    found: dict[str, Any] = {}
    for read in READS:
        _, parts = msgspec.json.schema_components([read.answer], ref_template=f"#/components/schemas/{_named(read)}")
        found |= {_named(read).replace("{name}", name): schema for name, schema in parts.items()}
    return found


def _named(read: Read) -> str:
    stem = "".join(word.capitalize() for word in read.name.split("_"))
    return f"Commerce{stem}{{name}}"


def _operation(read: Read) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", read.path)
    ]
    parameters += [
        {"name": each.name, "in": "query", "description": each.description, "schema": _schema(each)}
        for each in read.parameters
    ]
    answer = {"$ref": "#/components/schemas/" + _named(read).replace("{name}", read.answer.__name__)}
    return {
        "operationId": f"commerce_{read.name}",
        "summary": read.summary,
        "description": "Takes a read key of the shop's site.",
        "security": [{"bearer": []}, {"basic": []}],
        "tags": ["commerce"],
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
        case "flag":
            return {"type": "boolean"}
        case "currency":
            return {"type": "string", "pattern": "^[A-Z]{3}$"}
        case "amount":
            return {"type": "string", "pattern": r"^\d*(\.\d*)?$", "examples": ["19.99"]}
        case "cursor":
            return {"type": "string"}
        case _:
            return {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
