"""The tracker's script: for pages, told so that the contract is whole."""

from __future__ import annotations

from typing import Any

from hitstream import problems

from .parts import answer, operation, parameter, ref, text


def paths() -> dict[str, Any]:
    script = answer("For a page's script tag.", text(), "text/javascript")
    return {
        "/t.js": {"get": operation("The newest tracker", {200: script})},
        "/t.{version}.{digest}.js": {
            "get": operation(
                "One release of the tracker, for ever the same",
                {200: script, 404: answer("There is no such release.", ref("Problem"), problems.MEDIA_TYPE)},
                parameters=(
                    parameter("version", "Its number.", text(pattern="^[1-9][0-9]*$"), place="path", required=True),
                    parameter(
                        "digest", "How its SHA-256 begins.", text(pattern="^[0-9a-f]{12}$"), place="path", required=True
                    ),
                ),
            )
        },
    }
