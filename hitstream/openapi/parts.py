"""What an OpenAPI document is made of, in as few words as it takes: parameters, bodies, answers and problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from store.errors import RequestError
from store.site import KeyKind

from .. import problems
from ..access import Unauthorized, WrongKind

Part = dict[str, Any]

JSON: Final = "application/json"

# How a key travels. A write key is public, so it may stand in a URL too.
SCHEMES: Final[Mapping[str, Part]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The key as the token."},
    "basic": {"type": "http", "scheme": "basic", "description": "The key as the user name, without a password."},
    "header": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
    "url": {"type": "apiKey", "in": "query", "name": "key", "description": "Write keys only."},
}


def parameter(name: str, description: str, schema: Part, *, place: str = "query", required: bool = False) -> Part:
    return {"name": name, "in": place, "description": description, "schema": schema, "required": required}


def text(**constraints: object) -> Part:
    return {"type": "string", **constraints}


def whole(default: int, low: int, high: int) -> Part:
    return {"type": "integer", "default": default, "minimum": low, "maximum": high}


def one_of(values: Iterable[str], **constraints: object) -> Part:
    return {"type": "string", "enum": list(values), **constraints}


def ref(name: str) -> Part:
    return {"$ref": f"#/components/schemas/{name}"}


def answer(description: str, schema: Part | None = None, media: str = JSON) -> Part:
    return {"description": description, **({"content": {media: {"schema": schema}}} if schema else {})}


def operation(
    summary: str,
    answers: Mapping[int, Part],
    *,
    description: str = "",
    parameters: Iterable[Part] = (),
    body: Part | None = None,
    keys: Iterable[KeyKind] = (),
    errors: Iterable[type[RequestError]] = (),
) -> Part:
    """One method of a path. `keys` are the kinds that may call it; `errors` what it may refuse with besides."""
    kinds = sorted(keys)
    refused = [*errors, *((Unauthorized, WrongKind) if kinds else ())]
    found: Part = {"summary": summary, "responses": {str(status): answer for status, answer in answers.items()}}
    if kinds:
        found["description"] = f"{description} Takes a {' or '.join(kinds)} key.".strip()
        schemes = SCHEMES if "write" in kinds else ("bearer", "basic")
        found["security"] = [{scheme: []} for scheme in schemes]
    elif description:
        found["description"] = description
    if parameters := list(parameters):
        found["parameters"] = parameters
    if body:
        found["requestBody"] = {"required": True, "content": body}
    for status, codes in _by_status(refused).items():
        found["responses"][str(status)] = answer(f"Problem: {', '.join(codes)}.", ref("Problem"), problems.MEDIA_TYPE)
    return found


def _by_status(errors: Iterable[type[RequestError]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for error in errors:
        found.setdefault(problems.TABLE[error][0], []).append(f"`{error.code}`")
    return dict(sorted(found.items()))
