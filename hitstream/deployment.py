"""What a server's processes share: the configuration, and all that is read, made or started once before they begin."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from store.commit import Planner
from store.identity import Identity
from store.site import Site

from . import keyfile
from .config import NO_NETWORK, NO_SHOP, Config, ConfigError
from .datadir import DataDir
from .keyfile import SiteKeys


class Deployment(Struct, frozen=True):
    """`secret` keys every hash. The URLs are the embedded servers' where none is configured.

    shop: the site whose shop `postgres_url` holds; None where there is no shop.
    network: the site whose network `mongo_url` holds; None where there is no network.
    """

    config: Config
    redis_url: str
    postgres_url: str
    mongo_url: str
    shop: Site | None
    network: Site | None
    secret: bytes
    sites: list[Site]
    keys: dict[str, SiteKeys]

    @property
    def directory(self) -> DataDir:
        return DataDir(Path(self.config.data_dir))

    def planner(self) -> Planner:
        sites = {site.id: site for site in self.sites}
        return Planner(sites, Identity(self.secret), self.config.partitions)


def resolve(config: Config, redis_url: str, postgres_url: str = "", mongo_url: str = "") -> Deployment:
    """Makes what the data directory lacks; to be called by who holds its lock. Raises `ConfigError`.

    Without a `postgres_url` there is no shop, without a `mongo_url` no network.
    """
    directory = DataDir(Path(config.data_dir))
    secret = bytes.fromhex(config.secret) or directory.secret() or directory.make_secret()
    keys = keyfile.complete(config, directory.keys)
    sites = keyfile.sites_of(config, keyfile.read(directory.keys))
    for name, id_ in (("shop", config.shop), ("network", config.network)):
        if id_ not in ("", NO_SHOP, NO_NETWORK) and not _named(id_, sites):
            raise ConfigError(f"{name}: there is no site {id_!r}; the known ones are {', '.join(keys)}")
    shop = shop_of(config, sites) if postgres_url else None
    network = network_of(config, sites) if mongo_url else None
    return Deployment(config, redis_url, postgres_url, mongo_url, shop, network, secret, sites, keys)


def shop_of(config: Config, sites: list[Site]) -> Site | None:
    """The site whose shop the deployment keeps; None where the settings name none."""
    return _named(config.shop, sites)


def network_of(config: Config, sites: list[Site]) -> Site | None:
    """The site whose network the deployment keeps; None where the settings name none."""
    return _named(config.network, sites)


def _named(id_: str, sites: list[Site]) -> Site | None:
    if id_:
        return next((site for site in sites if site.id == id_), None)
    return sites[0] if len(sites) == 1 else None
