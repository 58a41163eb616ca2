"""What an operator can choose: one frozen `Config`, and what must be true of it that no type says.

Where the values come from is told in `hitstream.sources`; `docs/configuration.md` lists all of them.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Final, Literal, get_args
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from commerce.views import PRODUCT_PATH, path_pattern
from ingest.dialects import DIALECTS
from store.cluster import is_cluster, seeds
from store.money import CURRENCIES
from store.site import SITE_ID, KeyKind

Keys = str | tuple[str, ...]

NO_SHOP: Final = "-"  # no site can be called so
NO_NETWORK: Final = "-"
Role = Literal["all", "ingest", "query", "projector"]


# An engine's client would say less, and later.
_SCHEMES: Final = {
    "redis_url": ("redis://", "rediss://", "unix://", "redis+cluster://", "rediss+cluster://"),
    "postgres_url": ("postgresql://", "postgres://"),
    "mongo_url": ("mongodb://", "mongodb+srv://"),
}


class ConfigError(Exception):
    """The configuration cannot be used. The text names the key, where it was read, and the reason."""


class SiteConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[sites.<id>]`. A site that is given no key at all gets its three from `keys.toml`."""

    zone: Annotated[
        str,
        Meta(description="IANA time zone in which the site's days, hours and minutes begin."),
    ] = "UTC"
    currency: Annotated[
        str,
        Meta(description="ISO 4217 code that answers about money are given in when the question names none."),
    ] = "USD"
    origins: Annotated[
        tuple[str, ...],
        Meta(description="Web origins (`https://shop.example`) whose pages may send with the write key; empty: any."),
    ] = ()
    aliases: Annotated[
        tuple[str, ...],
        Meta(description="What other products' clients call the site (a domain, a website or measurement id); public."),
    ] = ()
    write: Annotated[
        Keys,
        Meta(description="Public key that a page carries; may only send. A list where an old key stays valid a while."),
    ] = ()
    server: Annotated[
        Keys,
        Meta(description="Secret key of the site's own servers; may also send history and orders."),
    ] = ()
    read: Annotated[
        Keys,
        Meta(description="Secret key for questions."),
    ] = ()

    def keys(self, kind: KeyKind) -> tuple[str, ...]:
        given: Keys = getattr(self, kind)
        return (given,) if isinstance(given, str) else given


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting, with its unit and reason; `check` has passed for it."""

    data_dir: Annotated[
        str,
        Meta(description="Directory for the journals, the embedded engines, and what is made once: secret and keys."),
    ] = "data"
    host: Annotated[
        str,
        Meta(description="Address to listen on. The default serves this machine alone."),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(ge=0, le=65535, description="TCP port; 0 lets the system choose, and `ready.json` tells which."),
    ] = 8080
    workers: Annotated[
        int,
        Meta(ge=1, le=64, description="Processes that serve the port; one a core is a good measure."),
    ] = 1
    role: Annotated[
        Role,
        Meta(description="What this process does; `all` unless a deployment spreads it over machines."),
    ] = "all"
    redis_url: Annotated[
        str,
        Meta(
            description="`redis://`, `rediss://` or `unix://` URL of Valkey 8+ or Redis 7.2+, or of a cluster "
            "`redis+cluster://host:port,host:port` (`rediss+cluster://`); empty: embedded."
        ),
    ] = ""
    postgres_url: Annotated[
        str,
        Meta(description="`postgresql://` URL of the shop's database; empty: embedded."),
    ] = ""
    shop: Annotated[
        str,
        Meta(
            description="Site whose shop PostgreSQL holds; empty: the only site, where there is one; "
            "`-`: no shop, and no PostgreSQL is started."
        ),
    ] = ""
    product_path: Annotated[
        str,
        Meta(description="Path of the shop's product pages, with `{handle}` in it; views of them are counted."),
    ] = PRODUCT_PATH
    demo_shop: Annotated[
        bool,
        Meta(description="Whether a small shop to click through, which sells nothing, is served under `/demo/`."),
    ] = False
    mongo_url: Annotated[
        str,
        Meta(description="`mongodb://` URL of the social graph's database; empty: embedded."),
    ] = ""
    network: Annotated[
        str,
        Meta(
            description="Site whose social network MongoDB holds; empty: the only site, where there is one; "
            "`-`: no network, and no MongoDB is started."
        ),
    ] = ""
    dialects_off: Annotated[
        tuple[str, ...],
        Meta(description="Other products' dialects that are not spoken: their calls answer 404."),
    ] = ()
    ack: Annotated[
        Literal["journal", "redis"],
        Meta(
            description="What a 202 waits for: the journal's sync, or the commit too, so that one reads one's writes."
        ),
    ] = "journal"
    partitions: Annotated[
        int,
        Meta(ge=1, le=1024, description="Redis hash tags that sites are spread over; fixed once events are stored."),
    ] = 1
    journal_quota_bytes: Annotated[
        int,
        Meta(ge=1 << 20, description="Bytes on disk of all workers' journals; when they are used up, events get 503."),
    ] = 2 << 30
    secret: Annotated[
        str,
        Meta(
            description="Hex, 16 to 64 bytes: the key of every hash; one for all that share a Redis. Empty: made once."
        ),
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Networks (CIDR) whose `X-Forwarded-For` is believed."),
    ] = ()
    events_per_second: Annotated[
        int,
        Meta(ge=0, description="Events a second that each key may send to each worker; 0: unlimited."),
    ] = 50_000
    events_burst: Annotated[
        int,
        Meta(ge=1, description="Events that a key may send at once after a quiet time."),
    ] = 100_000
    overload_delay_ms: Annotated[
        int,
        Meta(
            ge=0,
            description="Milliseconds that a worker's event loop may be late before events get 503; 0: however late.",
        ),
    ] = 50
    request_memory_bytes: Annotated[
        int,
        Meta(ge=4 << 20, description="Memory of each worker for the bodies under way; beyond it, events get 503."),
    ] = 64 << 20
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="The least level that is logged."),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "text"],
        Meta(description="One JSON object a line, for machines; or text, for people; `auto`: text on a terminal."),
    ] = "auto"
    sites: Annotated[
        dict[str, SiteConfig],
        Meta(description="Tables `[sites.<id>]`, an id being `[a-z0-9][a-z0-9-]{1,31}`; none: the site `demo`."),
    ] = {}

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(cidr) for cidr in self.trusted_proxies)


def check(config: Config) -> None:
    """What no type says. Raises `ConfigError`."""
    if config.secret and not re.fullmatch(r"([0-9a-f]{2}){16,64}", config.secret, re.ASCII | re.IGNORECASE):
        raise ConfigError("secret: must be 32 to 128 hex digits, such as `openssl rand -hex 32` makes")
    for name, schemes in _SCHEMES.items():
        if (url := getattr(config, name)) and not url.startswith(schemes):
            raise ConfigError(f"{name}: must begin with {' or '.join(schemes)}")
    if is_cluster(config.redis_url):
        try:
            seeds(config.redis_url)
        except ValueError as error:
            raise ConfigError(f"redis_url: {error}") from error
    if config.shop not in ("", NO_SHOP) and config.sites and config.shop not in config.sites:
        raise ConfigError(f"shop: there is no site {config.shop!r}")
    if config.network not in ("", NO_NETWORK) and config.sites and config.network not in config.sites:
        raise ConfigError(f"network: there is no site {config.network!r}")
    try:
        path_pattern(config.product_path)
    except ValueError as error:
        raise ConfigError(f"product_path: {error}") from error
    for name in config.dialects_off:
        if name not in DIALECTS:
            raise ConfigError(f"dialects_off: no dialect is called {name!r}; there are {', '.join(DIALECTS)}")
    for cidr in config.trusted_proxies:
        try:
            ip_network(cidr)
        except ValueError as error:
            raise ConfigError(f"trusted_proxies: {error}") from error
    owners: dict[str, str] = {}
    for id_, site in config.sites.items():
        _check_site(id_, site)
        for kind in get_args(KeyKind):
            for key in site.keys(kind):
                name = f"sites.{id_}.{kind}"
                if not re.fullmatch(r"[!-~]{16,128}", key):
                    raise ConfigError(f"{name}: must be 16 to 128 printable characters without a space")
                if key in owners:
                    raise ConfigError(f"{name}: is the same key as {owners[key]}")
                owners[key] = name
    for id_, site in config.sites.items():
        name = f"sites.{id_}.aliases"
        for alias in site.aliases:
            if not re.fullmatch(r"[!-~]{1,128}", alias):
                raise ConfigError(f"{name}: must be 1 to 128 printable characters without a space")
            if alias in owners:
                raise ConfigError(f"{name}: {alias!r} is the same as one of {owners[alias]}")
            owners[alias] = name


def _check_site(id_: str, site: SiteConfig) -> None:
    if not SITE_ID.match(id_):
        raise ConfigError(f"sites.{id_}: a site's id is 2 to 32 lower-case letters, digits and '-'")
    try:
        ZoneInfo(site.zone)
    except (LookupError, ValueError, OSError) as error:  # unknown; not a name at all; names a directory
        reason = f"no time zone is called {site.zone!r}; it is a name such as Europe/Paris"
        raise ConfigError(f"sites.{id_}.zone: {reason}") from error
    if site.currency not in CURRENCIES:
        raise ConfigError(f"sites.{id_}.currency: no ISO 4217 currency is called {site.currency!r}")
    for origin in site.origins:
        if not re.fullmatch(r"https?://[^/\s]+", origin):
            raise ConfigError(f"sites.{id_}.origins: {origin!r} must look like https://shop.example, without a path")
