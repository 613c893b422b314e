"""Resolves names for probes, and remembers what they were when they no longer do."""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from exporter.probes.base import Address, ProbeFailed
from exporter.probes.hosts import as_address, ascii_name
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.probes.hosts_file import HostsFile
    from exporter.probes.lookups import Found, Lookup
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

_FAMILIES: Final = {
    "auto": (socket.AF_INET6, socket.AF_INET),
    "ipv6": (socket.AF_INET6,),
    "ipv4": (socket.AF_INET,),
}
_SHORTEST: Final = 1.0
"""Seconds that an answer is kept at least, whatever its TTL."""
_LONGEST: Final = 3600.0
_AGAIN: Final = 5.0
"""Seconds after which a name that failed is asked for again."""
_PATIENCE: Final = 0.5
"""Seconds to wait for a new answer while there is an old one."""
_MOST_NAMES: Final = 50_000


@dataclass(slots=True)
class _Known:
    """What is known of a name; `until` is monotonic."""

    addresses: tuple[Address, ...] = ()
    until: float = 0.0
    failed: ProbeFailed | None = None
    asking: asyncio.Task[None] | None = None


class CachingResolver:
    """Resolves within the TTL from memory; counts failures and changes.

    `failures` are lookups that failed, `changes` those whose addresses were others than
    before, `kept` resolutions that had to be answered with the last good address. One
    question for a name is in flight at a time, whoever waits for it, and those for
    other names do not wait.
    """

    def __init__(self, clock: Clock, lookup: Lookup, hosts: HostsFile) -> None:
        self._clock = clock
        self._lookup = lookup
        self._hosts = hosts
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self.failures = 0
        self.changes = 0
        self.kept = 0

    async def resolve(self, host: str, family: str) -> Sequence[Address]:
        """Return the addresses of a name or literal, IPv6 first for `auto`.

        Those of a name that no longer resolves are marked as stale. Raises ProbeFailed
        with NOT_RESOLVED, NO_ADDRESS or WRONG_SETTINGS.
        """
        families = _FAMILIES[family]
        literal = as_address(host)
        if literal is not None:
            own = socket.AF_INET if literal.version == 4 else socket.AF_INET6  # noqa: PLR2004
            return _of_families(host, [Address(own, host)], families)
        name = ascii_name(host)
        local = self._hosts.addresses(name)
        if local:
            return _of_families(host, local, families)
        return await self._remembered(name, family)

    async def close(self) -> None:
        """Give up the questions that are in flight."""
        tasks = [known.asking for known in self._known.values() if known.asking]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _remembered(self, name: str, family: str) -> Sequence[Address]:
        known = self._of(name, family)
        if known.until > self._clock.monotonic():
            return self._answer(known)
        if known.asking is None:
            known.asking = asyncio.create_task(self._ask(name, family, known))
        # The question goes on for others, whatever becomes of this probe.
        asking = asyncio.shield(known.asking)
        try:
            await asyncio.wait_for(asking, _PATIENCE if known.addresses else None)
        except TimeoutError:
            self.kept += 1
            return [replace(one, stale=True) for one in known.addresses]
        return self._answer(known)

    def _of(self, name: str, family: str) -> _Known:
        key = (name.lower(), family)
        known = self._known.setdefault(key, _Known())
        self._known.move_to_end(key)
        if len(self._known) > _MOST_NAMES:
            self._known.popitem(last=False)
        return known

    def _answer(self, known: _Known) -> Sequence[Address]:
        if known.failed is None:
            return known.addresses
        if not known.addresses:
            # Another traceback each time, not one that grows.
            raise ProbeFailed(known.failed.reason, str(known.failed))
        self.kept += 1
        return [replace(one, stale=True) for one in known.addresses]

    async def _ask(self, name: str, family: str, known: _Known) -> None:
        try:
            found = await self._lookup(name, _FAMILIES[family])
        except ProbeFailed as failed:
            self._forget(name, known, failed)
        except Exception as error:
            log.exception("resolving failed", name=name)
            text = f"{name} could not be resolved: {type(error).__name__}"
            self._forget(name, known, ProbeFailed(Reason.NOT_RESOLVED, text))
        else:
            self._learn(name, known, found)
        finally:
            known.asking = None

    def _forget(self, name: str, known: _Known, failed: ProbeFailed) -> None:
        self.failures += 1
        if known.failed is None:
            kept = [one.ip for one in known.addresses]
            log.warning("name does not resolve", name=name, why=str(failed), kept=kept)
        known.failed = failed
        known.until = self._clock.monotonic() + _AGAIN

    def _learn(self, name: str, known: _Known, found: Found) -> None:
        before = {one.ip for one in known.addresses}
        after = {one.ip for one in found.addresses}
        if before and before != after:
            self.changes += 1
            log.info("name has other addresses", name=name, addresses=sorted(after))
        if known.failed is not None:
            log.info("name resolves again", name=name)
        known.addresses, known.failed = found.addresses, None
        ttl = min(max(found.ttl, _SHORTEST), _LONGEST)
        known.until = self._clock.monotonic() + ttl


def _of_families(
    host: str, addresses: Sequence[Address], families: Sequence[int]
) -> Sequence[Address]:
    wanted = [one for family in families for one in addresses if one.family == family]
    if wanted:
        return wanted
    kind = "IPv6" if families[0] == socket.AF_INET6 else "IPv4"
    raise ProbeFailed(Reason.NO_ADDRESS, f"{host} has no {kind} address")
