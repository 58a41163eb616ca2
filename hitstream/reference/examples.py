"""A command line to try for each call: what it needs and no more, with made-up values."""

from __future__ import annotations

import json
import shlex
from typing import Any, Final
from urllib.parse import quote, urlencode

Part = dict[str, Any]

# What says more than a schema can.
_KNOWN: Final[dict[str, object]] = {
    "page_url": "https://shop.example/hats", "conversion_type": "signup", "error_type": "TypeError", "name": "search",
    "user_id": "ann", "id": "ann", "steps": "page:/hats,conversion:purchase", "q": "bowl", "metric": "page_views",
    "dimension": "pages", "lat": 53.55, "lon": 9.99, "radius_m": 5000, "viewer": "ann", "sku": "hat-1",
    "number": "1001", "type": "page_view",
}  # fmt: skip
_IN_PATH: Final = {"/posts/": "post-1", "/segments/": "VIP"}  # by what stands before it
_LINE: Final = 90  # characters, past which it is broken


def curl(method: str, path: str, operation: Part, schemas: dict[str, Part]) -> str:
    asked = [each for each in operation.get("parameters", ()) if each.get("required") or each["name"] == "page_url"]
    for parameter in asked:
        if parameter["in"] == "path":
            before, _, after = path.partition(f"{{{parameter['name']}}}")
            usual = example(parameter["name"], parameter["schema"], schemas)
            value = next((known for end, known in _IN_PATH.items() if before.endswith(end)), str(usual))
            path = f"{before}{quote(value)}{after}"
    query = {each["name"]: example(each["name"], each["schema"], schemas) for each in asked if each["in"] == "query"}
    words = ["curl" if "text/event-stream" not in str(operation["responses"]) else "curl -N"]
    words.append(f'"$URL{path}{"?" + urlencode(query, safe=":/,") if query else ""}"')
    if key := _key(operation):
        words.append(f'-H "Authorization: Bearer ${key}"')
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        given = _body(path, body["schema"], schemas)
        words += ["-H 'Content-Type: application/json'", "-d " + shlex.quote(json.dumps(given))]
    elif method != "get":
        words.append(f"-X {method.upper()}")
    line = " ".join(words)
    return line if len(line) <= _LINE else " \\\n     ".join([" ".join(words[:2]), *words[2:]])


def example(name: str, schema: Part, schemas: dict[str, Part]) -> object:
    """A value that the schema takes."""
    if "$ref" in schema:
        return example(name, schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "const" in schema:
        return schema["const"]
    if name in _KNOWN and "properties" not in schema and _KNOWN[name] in schema.get("enum", [_KNOWN[name]]):
        found = _KNOWN[name]
        return str(found).split(",") if schema.get("type") == "array" else found
    for choices in ("examples", "enum"):
        if schema.get(choices):
            return schema[choices][0]
    if "default" in schema:
        return schema["default"]
    for choices in ("oneOf", "anyOf"):
        if choices in schema:
            return example(name, schema[choices][0], schemas)
    match schema.get("type"):
        case "object":
            required = schema.get("required", ())
            return {each: example(each, schema["properties"][each], schemas) for each in required}
        case "array":
            return [example(name, schema.get("items", {}), schemas)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return name.upper()


def _body(path: str, schema: Part, schemas: dict[str, Part]) -> object:
    """Of a call that implies the type of its events, one without it."""
    implied = path.rpartition("/")[2]
    if implied in schemas:
        found = example("", schemas[implied], schemas)
        assert isinstance(found, dict)
        return {name: value for name, value in found.items() if name != "type"}
    return example("", schema, schemas)


def _key(operation: Part) -> str:
    """The name of the variable that holds the key: the least mighty that will do."""
    if not operation.get("security"):
        return ""
    said = operation.get("description", "")
    return next((kind.upper() for kind in ("write", "read", "server") if kind in said), "READ")
