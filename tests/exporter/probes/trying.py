"""Runs a probe as the prober does, with names that a test makes up."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Any

from exporter.probes.base import Address, Open, ProbeFailed, Target, Tools
from exporter.probes.hosts import as_address
from exporter.probes.kinds import PROBES
from runtime.clock import SystemClock
from runtime.probing import probes
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from exporter.probes.base import Guard
    from runtime.probing.wire import Result

KINDS: dict[str, type[probes.Probe]] = {
    "dns": probes.DnsProbe,
    "http": probes.HttpProbe,
    "tcp": probes.TcpProbe,
    "throughput": probes.ThroughputProbe,
    "tls": probes.TlsProbe,
}


def address(ip: str) -> Address:
    return Address(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip)


class Names:
    """Resolves what it is told; a name without addresses never answers."""

    def __init__(self, **names: tuple[str, ...]) -> None:
        self.names: Mapping[str, tuple[str, ...]] = {
            key.replace("_", "."): ips for key, ips in names.items()
        }
        self.asked: list[tuple[str, str]] = []

    async def resolve(self, host: str, family: str) -> Sequence[Address]:
        self.asked.append((host, family))
        ips = (host,) if as_address(host) else self.names.get(host)
        if ips is None:
            raise ProbeFailed(Reason.NOT_RESOLVED, f"{host} does not exist")
        if not ips:
            await asyncio.sleep(60)
        wanted = {"ipv4": [4], "ipv6": [6], "auto": [6, 4]}[family]
        found = [
            address(ip) for v in wanted for ip in ips if (6 if ":" in ip else 4) == v
        ]
        if not found:
            raise ProbeFailed(Reason.NO_ADDRESS, f"{host} has no {family} address")
        return found


class Noting:
    """A guard that notes what it is asked, and refuses some of it."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.asked: list[tuple[str, str, int | None]] = []

    def check(self, host: str, ip: str, port: int | None) -> None:
        self.asked.append((host, ip, port))
        if ip in self.refused or host in self.refused:
            raise ProbeFailed(Reason.NOT_ALLOWED, f"{ip} is not allowed")


def tools(
    names: Names | None = None, guard: Guard | None = None, secrets: Path | None = None
) -> Tools:
    known = names or Names(good_test=("127.0.0.1",))
    return Tools(SystemClock(), known, guard or Open(), os.urandom, secrets)


def module(kind: str, **settings: Any) -> Any:
    return KINDS[kind].model_validate(
        {"name": "m", "kind": kind, "timeout": "3s", **settings}
    )


def tried(kind: str, host: str, using: Tools | None = None, **settings: Any) -> Result:
    """Return the result of a module at a host; nothing is left open afterwards."""
    probe = PROBES[kind](
        Target("somewhere", host), module(kind, **settings), using or tools()
    )
    return asyncio.run(_finished(probe))


async def _finished(probe: Any) -> Result:
    result: Result = await probe
    await asyncio.sleep(0)  # generators that were left end in the loop
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not others
    return result


def said(result: Result) -> str:
    return "\n".join(text for _, text in result.log)
