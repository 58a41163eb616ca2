"""Why a question about the shop gets no answer.

    RequestError (store.errors)
    ├── BadParameter         (store.errors) a parameter is unknown, repeated, out of range or no cursor
    └── CommerceError
        ├── NotFound         there is no such product, customer, order or segment
        ├── NoShop           the key's site is not the one whose shop this is
        └── ShopUnavailable  PostgreSQL did not answer in time, or cannot

Which HTTP status a class gets stands in `hitstream.problems`.
"""

from __future__ import annotations

from store.errors import RequestError


class CommerceError(RequestError):
    """The question was not answered; nothing has changed by asking it."""


class NotFound(CommerceError):
    code = "not_found"

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"there is no {what} {name[:128]!r}")


class NoShop(CommerceError):
    code = "no_shop"

    def __init__(self, site: str) -> None:
        super().__init__(f"the site {site!r} has no shop here")


class ShopUnavailable(CommerceError):
    code = "shop_unavailable"

    def __init__(self, retry_after: float = 1) -> None:
        super().__init__("the shop's database did not answer in time; nothing is lost, ask again",
                         retry_after=retry_after)  # fmt: skip
