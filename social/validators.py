"""The `$jsonSchema` of a collection, made from the struct of its documents. Pure.

Every field that has no default is required; a field that no struct names is refused, so that a misspelt one is noticed
when it is written and not when it is missed.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, inspect

Schema = dict[str, Any]


def validator(document: type[Struct]) -> Schema:
    """What `create` and `collMod` take."""
    schema = _schema(inspect.type_info(document))
    schema["properties"].setdefault("_id", {})  # the server makes those that no struct names
    return {"$jsonSchema": schema}


def _schema(info: inspect.Type) -> Schema:
    match info:
        case inspect.Metadata(type=inner):
            return _schema(inner)
        case inspect.StructType(fields=fields):
            required = [each.encode_name for each in fields if each.required]
            return {
                "bsonType": "object",
                **({"required": required} if required else {}),
                "properties": {each.encode_name: _schema(each.type) for each in fields},
                "additionalProperties": False,
            }
        case inspect.UnionType(types=types):
            return _schema(next(each for each in types if not isinstance(each, inspect.NoneType)))  # None is absent
        case inspect.LiteralType(values=values):
            return {"enum": list(values)}
        case inspect.StrType(min_length=low, max_length=high):
            return _bounded({"bsonType": "string"}, minLength=low, maxLength=high)
        case inspect.IntType(ge=low, le=high):
            return _bounded({"bsonType": ["int", "long"]}, minimum=low, maximum=high)
        case inspect.FloatType(ge=low, le=high):
            return _bounded({"bsonType": ["double", "int", "long"]}, minimum=low, maximum=high)
        case inspect.BoolType():
            return {"bsonType": "bool"}
        case inspect.DateTimeType():
            return {"bsonType": "date"}
        case inspect.CollectionType(item_type=item, min_length=low, max_length=high):
            return _bounded({"bsonType": "array", "items": _schema(item)}, minItems=low, maxItems=high)
        case inspect.TupleType(item_types=items):
            # The same bounds for all of them: MongoDB knows `items` as a list, the embedded server does not.
            return {"bsonType": "array", "items": _merged(items), "minItems": len(items), "maxItems": len(items)}
        case _:
            raise TypeError(f"no document holds {info!r}")


def _merged(items: tuple[inspect.Type, ...]) -> Schema:
    schemas = [_schema(item) for item in items]
    low, high = min(each["minimum"] for each in schemas), max(each["maximum"] for each in schemas)
    return {**schemas[0], "minimum": low, "maximum": high}


def _bounded(schema: Schema, **bounds: float | None) -> Schema:
    return schema | {name: bound for name, bound in bounds.items() if bound is not None}
