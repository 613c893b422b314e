"""Asks the system's name servers for addresses."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import dns.asyncresolver
import dns.exception
import dns.resolver

from exporter.probes.base import Address, ProbeFailed
from runtime.probing.reasons import Reason

_TYPES: Final[dict[int, str]] = {socket.AF_INET6: "AAAA", socket.AF_INET: "A"}
_MOST_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class Found:
    """Addresses, and the seconds for which they are good."""

    addresses: tuple[Address, ...]
    ttl: float


class Lookup(Protocol):
    """Asks for the addresses of a name."""

    async def __call__(self, name: str, families: tuple[int, ...]) -> Found:
        """Return addresses in the order of the families; raise ProbeFailed.

        The reason is NOT_RESOLVED or NO_ADDRESS.
        """


class NameServers:
    """The name servers of resolv.conf, read again when the file changes.

    `lifetime` are the seconds for all tries of one question, `port` replaces 53.
    """

    def __init__(
        self,
        path: Path = Path("/etc/resolv.conf"),
        lifetime: float = 5.0,
        port: int | None = None,
    ) -> None:
        self._path = path
        self._lifetime = lifetime
        self._port = port
        self._stamp = -1
        self._resolver: dns.asyncresolver.Resolver | None = None
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)

    async def __call__(self, name: str, families: tuple[int, ...]) -> Found:
        """Ask for all families at once; one that answers is enough."""
        resolver = self._current()
        async with self._turns:
            answers = await asyncio.gather(
                *(_ask(resolver, name, family) for family in families),
                return_exceptions=True,
            )
        found = [answer for answer in answers if isinstance(answer, Found)]
        good = [answer for answer in found if answer.addresses]
        if good:
            addresses = (one for answer in good for one in answer.addresses)
            return Found(tuple(addresses), min(answer.ttl for answer in good))
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        kinds = " or ".join(_TYPES[family] for family in families)
        raise ProbeFailed(Reason.NO_ADDRESS, f"{name} has no {kinds} record")

    def _current(self) -> dns.asyncresolver.Resolver:
        try:
            stamp = self._path.stat().st_mtime_ns
            if self._resolver is None or stamp != self._stamp:
                self._resolver = dns.asyncresolver.Resolver(str(self._path))
                self._resolver.lifetime = self._lifetime
                self._resolver.port = self._port or self._resolver.port
                self._stamp = stamp
        except (OSError, dns.exception.DNSException) as error:
            raise ProbeFailed(
                Reason.NOT_RESOLVED, f"{self._path} names no server to ask: {error}"
            ) from error
        return self._resolver


async def _ask(resolver: dns.asyncresolver.Resolver, name: str, family: int) -> Found:
    try:
        answer = await resolver.resolve(
            name, _TYPES[family], raise_on_no_answer=False, search=True
        )
    except dns.resolver.NXDOMAIN:
        raise ProbeFailed(Reason.NOT_RESOLVED, f"{name} does not exist") from None
    except dns.resolver.LifetimeTimeout:
        raise ProbeFailed(
            Reason.NOT_RESOLVED, f"no name server answered for {name} in time"
        ) from None
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise ProbeFailed(
            Reason.NOT_RESOLVED, f"{name} could not be resolved: {error}"
        ) from error
    ttl = answer.chaining_result.minimum_ttl
    records = answer.rrset or ()
    return Found(tuple(Address(family, record.address) for record in records), ttl)
