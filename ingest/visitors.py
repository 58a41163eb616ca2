"""Visitors without cookies: an id that holds for one day and cannot be traced back, and the salt that makes it so.

The id is a hash of (site, address, user agent) keyed with the day's salt. The salt is random, is shared by all workers
of a data directory, and is overwritten when the UTC day ends: from then on nobody can tell which address an id was. The
address itself is never stored, logged or journalled.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Final

from store.buckets import DAY_MS

from .agents import SCANNED

SALT_BYTES: Final = 32
PREFIX: Final = "c-"

_PERSON: Final = b"hitstream salted"  # BLAKE2b's personalisation: no other hash of the product shares it
_NETWORK: Final = (1 << 128) - (1 << 64)  # a household has a /64, and its machines change their halves of it daily
_DAY_BYTES: Final = 8

log = logging.getLogger(__name__)


def cookieless(salt: bytes, site: str, address: str, user_agent: str) -> str:
    """`c-` and 16 hex digits: the same for the same sender of a site, as long as the salt is."""
    who = f"{site}\0{_network(address)}\0{user_agent[:SCANNED]}".encode(errors="replace")
    return PREFIX + blake2b(who, digest_size=8, key=salt, person=_PERSON).hexdigest()


def _network(address: str) -> str:
    """An IPv4 address as it is, also one mapped into IPv6; of an IPv6 address the network."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped or IPv6Address(int(ip) & _NETWORK))


class Salt:
    """The salt of the day, kept in the file `salt` of the data directory: 8 bytes of day, then the salt."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "salt"
        self._day = -1
        self._salt = b""

    def of(self, now: int) -> bytes:
        """The salt of the UTC day of `now` (epoch ms). Opens the file once a day; the first to ask makes the new one.

        Where the file cannot be kept this worker has a salt of its own until tomorrow: a visitor then counts once a
        worker, and nothing else suffers.
        """
        day = now // DAY_MS
        if day != self._day:
            try:
                with self._locked():
                    self._salt = self._read(day) or self._renew(day)
            except OSError as error:
                log.error("the day's salt cannot be shared", extra={"error": str(error)})
                self._salt = secrets.token_bytes(SALT_BYTES)
            self._day = day
        return self._salt

    def _read(self, day: int) -> bytes:
        """The salt that another worker has made, or b''.

        Tomorrow's counts as today's: a clock that was set back over midnight must not make visitors new twice.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return b""
        kept = int.from_bytes(content[:_DAY_BYTES], "little")
        whole = len(content) == _DAY_BYTES + SALT_BYTES
        return content[_DAY_BYTES:] if whole and kept in (day, day + 1) else b""

    def _renew(self, day: int) -> bytes:
        """Replaces the file, so that a crash leaves the old salt or the new one."""
        salt = secrets.token_bytes(SALT_BYTES)
        fresh = self._path.with_name("salt.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(day.to_bytes(_DAY_BYTES, "little") + salt)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(self._path)
        return salt

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One worker at a time. The lock is a file of its own, for the salt's own is replaced."""
        descriptor = os.open(self._path.with_name("salt.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
