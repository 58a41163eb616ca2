"""Why a question about the network gets no answer.

    RequestError (store.errors)
    ├── BadParameter           a parameter is unknown, repeated, out of range or no cursor
    └── SocialError
        ├── NotFound           there is no such user or post, or none that the viewer may see
        ├── NoNetwork          the key's site is not the one whose network this is
        ├── NotSupported       the database server lacks what the answer is made with
        └── NetworkUnavailable MongoDB did not answer in time, or cannot

Which HTTP status a class gets stands in `hitstream.problems`.
"""

from __future__ import annotations

from store.errors import RequestError


class SocialError(RequestError):
    """The question was not answered; nothing has changed by asking it."""


class NotFound(SocialError):
    """Says the same of what is not there and of what the viewer may not see."""

    code = "not_found"

    def __init__(self, what: str, id_: str) -> None:
        super().__init__(f"there is no {what} {id_[:128]!r} for this viewer")


class NoNetwork(SocialError):
    code = "no_network"

    def __init__(self, site: str) -> None:
        super().__init__(f"the site {site!r} has no network here")


class NotSupported(SocialError):
    code = "not_supported"

    def __init__(self, feature: str) -> None:
        super().__init__(f"this needs {feature}, which the database server does not have; MongoDB has it")


class NetworkUnavailable(SocialError):
    code = "network_unavailable"

    def __init__(self, retry_after: float = 1) -> None:
        super().__init__("the network's database did not answer in time; nothing is lost, ask again",
                         retry_after=retry_after)  # fmt: skip
