"""Where events go: a server's URL and a key, taken apart once."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Target:
    """`path` is that of the call, behind whatever path the server's URL has. The key does not show."""

    https: bool
    host: str
    port: int
    path: str
    key: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "User-Agent": "hitstream-python", "Accept": "application/json"}


def target(url: str, key: str) -> Target:
    """Raises ValueError where the URL is none that events can be sent to, or the key none that a header can hold."""
    parts = urlsplit(url)
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError(f"url must be plain ASCII without a space, not {url!r}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"url must look like https://stats.example, not {url!r}")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("url must end with its path")
    if not key or not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError("key must be a write key or a server key, as `hitstream keys` shows them")
    https = parts.scheme == "https"
    return Target(
        https, parts.hostname, parts.port or (443 if https else 80), parts.path.rstrip("/") + "/v1/events", key
    )
