"""Opens sockets to addresses that were looked up and allowed before."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.probes.base import Address, ProbeFailed
from exporter.probes.hosts import as_address, ascii_name
from exporter.probes.namespaces import in_namespace
from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.probes.trial import Trial
    from runtime.probing.probes import Probe as Settings

_ANY_PORT: Final = 9
"""Of a socket that never sends, to ask the kernel for a route (discard, RFC 863)."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where packets leave: source address, interface or VRF, namespace; '' for any."""

    source: str = ""
    interface: str = ""
    namespace: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Way:
        """Return the way of a probe."""
        return cls(settings.source, settings.interface, settings.namespace)


async def find(trial: Trial, host: str, port: int | None) -> Address:
    """Return the one address of a host that is used from here on.

    The guard has allowed it. Raises ProbeFailed.
    """
    address = await look_up(trial, host)
    trial.tools.guard.check(host, address.ip, port)
    trial.address = address.ip
    return address


async def look_up(trial: Trial, host: str) -> Address:
    """Return the best address of a host, which no guard has seen; raise ProbeFailed."""
    settings = trial.settings
    with trial.phase("resolve"):
        addresses = await trial.tools.resolver.resolve(
            ascii_name(host), settings.family
        )
        address = choose(addresses, Way.of(settings))
    if address.ip != host:
        others = ", ".join(one.ip for one in addresses)
        trial.log.say(f"{host} has the addresses {others}; {address.ip} is taken")
    if address.stale:
        trial.log.say(f"{host} does not resolve now; this is what it was")
    return address


def choose(addresses: Sequence[Address], way: Way) -> Address:
    """Return the first address that there is a route to, else the first.

    Raises ProbeFailed with NO_ADDRESS where none is of the source's family.
    """
    source = as_address(way.source)
    if source is not None:
        family = socket.AF_INET if source.version == 4 else socket.AF_INET6  # noqa: PLR2004
        addresses = [one for one in addresses if one.family == family]
    if not addresses:
        raise ProbeFailed(
            Reason.NO_ADDRESS, f"no address is of the family of the source {way.source}"
        )
    if len(addresses) == 1:
        return addresses[0]
    return in_namespace(way.namespace, lambda: _first_routed(addresses, way))


def _first_routed(addresses: Sequence[Address], way: Way) -> Address:
    for address in addresses:
        try:
            # Connecting a datagram socket sends nothing, it only asks for a route.
            with _open(address.family, socket.SOCK_DGRAM, way) as sock:
                sock.connect(_socket_address(address, _ANY_PORT))
        except OSError:
            continue
        return address
    return addresses[0]


async def connect(
    address: Address, port: int, way: Way, kind: int = socket.SOCK_STREAM
) -> socket.socket:
    """Return a connected socket that does not block; raise OSError or ProbeFailed."""

    def make() -> tuple[socket.socket, Any]:
        place = _socket_address(address, port)
        return _open(address.family, kind, way), place

    sock, place = in_namespace(way.namespace, make)
    try:
        await asyncio.get_running_loop().sock_connect(sock, place)
    except BaseException:
        sock.close()
        raise
    return sock


def _open(family: int, kind: int, way: Way) -> socket.socket:
    sock = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    try:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if way.interface:
            name = way.interface.encode()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
        if way.source:
            sock.bind(_source_address(family, way.source))
    except BaseException:
        sock.close()
        raise
    return sock


def _source_address(family: int, source: str) -> Any:
    literal = as_address(source)
    right = literal is not None and (literal.version == 6) == (  # noqa: PLR2004
        family == socket.AF_INET6
    )
    if not right:
        wanted = "IPv6" if family == socket.AF_INET6 else "IPv4"
        raise ProbeFailed(
            Reason.WRONG_SETTINGS, f"source: {source!r} is no {wanted} address"
        )
    return _socket_address(Address(family, source), 0)


def _socket_address(address: Address, port: int) -> Any:
    """Return what the system calls an address; scopes are those of the namespace."""
    if address.family == socket.AF_INET:
        return address.ip, port
    ip, _, scope = address.ip.partition("%")
    if not scope:
        return ip, port, 0, 0
    try:
        index = int(scope) if scope.isdigit() else socket.if_nametoindex(scope)
    except OSError:
        raise ProbeFailed(
            Reason.WRONG_SETTINGS, f"{address.ip}: there is no interface {scope!r}"
        ) from None
    return ip, port, 0, index
