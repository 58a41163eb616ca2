"""The live page and the files that it is made of: for browsers, told so that the contract is whole."""

from __future__ import annotations

from typing import Any, Final

from hitstream import problems
from query.dashboard.files import TYPES

from .parts import Part, answer, operation, parameter, ref, text

_NAME: Final = text(pattern="^[A-Za-z0-9._-]+$")


def paths() -> dict[str, Any]:
    return {
        "/": {"get": operation("The live page", {200: answer("For a browser.", text(), "text/html")})},
        "/dashboard/{folder}/{name}": {
            "get": operation(
                "What the live page is made of",
                {200: _file(), 404: answer("There is no such file.", ref("Problem"), problems.MEDIA_TYPE)},
                parameters=(
                    parameter("folder", "The page's version, or `vendor`.", _NAME, place="path", required=True),
                    parameter("name", "Of the file.", _NAME, place="path", required=True),
                ),
            )
        },
    }


def _file() -> Part:
    media = sorted({type_.partition(";")[0] for type_ in TYPES.values()})
    return {"description": "The file.", "content": {each: {"schema": text()} for each in media}}
