"""Opening sockets for echo requests, with or without rights."""

from __future__ import annotations

import errno
import os
import socket
import struct
from dataclasses import dataclass
from typing import Final, Literal

from exporter.probes.base import ProbeFailed
from exporter.probes.namespaces import in_namespace
from runtime.probing.reasons import Reason

Kind = Literal["raw", "datagram"]
Wanted = Literal["auto", "raw", "datagram"]

# From Linux's headers; Python's socket module has only some of them.
ICMP_FILTER: Final = 1
ICMP6_FILTER: Final = 1
SO_RCVBUFFORCE: Final = 33
SO_SNDBUFFORCE: Final = 32
SO_RXQ_OVFL: Final = 40
SO_TIMESTAMPNS: Final = 64
SO_TIMESTAMPING: Final = 65
IP_MTU_DISCOVER: Final = 10
IP_RECVERR: Final = 11
IP_RECVTTL: Final = 12
IP_PMTUDISC_DONT: Final = 0
IP_PMTUDISC_PROBE: Final = 3
IPV6_MTU_DISCOVER: Final = 23
IPV6_RECVERR: Final = 25
IPV6_DONTFRAG: Final = 62

# SOF_TIMESTAMPING_: SOFTWARE, OPT_ID, OPT_TSONLY; TX_SOFTWARE (timestamping.rst in
# Linux's Documentation/networking).
TELL_STAMPS: Final = 1 << 4 | 1 << 7 | 1 << 11
STAMP_SENDING: Final = 1 << 1

_RECEIVE_BYTES: Final = 8 * 2**20
_V4_WANTED: Final = (0, 3, 11, 12)
_V6_WANTED: Final = (1, 2, 3, 4, 129)
_MISSING: Final = {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}
_RIGHTS: Final = (
    "echo requests need a group of this process in net.ipv4.ping_group_range (a sysctl "
    "of the network namespace), or CAP_NET_RAW"
)
_WANTED_RIGHTS: Final = {
    "auto": _RIGHTS,
    "raw": "raw sockets need CAP_NET_RAW (exporter.prober.sockets: raw)",
    "datagram": "datagram sockets need a group of this process in "
    "net.ipv4.ping_group_range, a sysctl of the network namespace "
    "(exporter.prober.sockets: datagram)",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a socket sends from; one socket serves all that goes from there."""

    family: int
    namespace: str = ""
    source: str = ""
    interface: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A socket for echo requests, what it is, and the identifier of its requests."""

    socket: socket.socket
    kind: Kind
    identifier: int
    stamps_sending: bool


def open_socket(place: Place, wanted: Wanted, *, transmit_stamps: bool) -> Opened:
    """Return a socket that sends and receives echo requests and errors about them.

    `auto` tries datagram first, as that needs the lesser right. Raises ProbeFailed with
    NO_PERMISSION, WRONG_SETTINGS (source, interface, namespace) or SEND_FAILED.
    """
    return in_namespace(
        place.namespace, lambda: _open(place, wanted, transmit_stamps=transmit_stamps)
    )


def _open(place: Place, wanted: Wanted, *, transmit_stamps: bool) -> Opened:
    kinds: tuple[Kind, ...] = ("datagram", "raw") if wanted == "auto" else (wanted,)
    for kind in kinds:
        try:
            made = _new(place.family, kind)
        except PermissionError:
            continue
        except OSError as error:
            raise _cannot_open(place, error) from None
        try:
            _prepare(made, place, kind, transmit_stamps=transmit_stamps)
            identifier = _bound(made, place, kind)
            return Opened(made, kind, identifier, transmit_stamps)
        except BaseException:
            made.close()
            raise
    raise ProbeFailed(Reason.NO_PERMISSION, f"not permitted: {_WANTED_RIGHTS[wanted]}")


def _new(family: int, kind: Kind) -> socket.socket:
    protocol = (
        socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
    )
    return socket.socket(
        family, socket.SOCK_RAW if kind == "raw" else socket.SOCK_DGRAM, protocol
    )


def _cannot_open(place: Place, error: OSError) -> ProbeFailed:
    if error.errno in _MISSING:
        name = "IPv4" if place.family == socket.AF_INET else "IPv6"
        return ProbeFailed(Reason.SEND_FAILED, f"this host has no {name}")
    return ProbeFailed(Reason.SEND_FAILED, f"cannot open a socket: {error.strerror}")


def _prepare(
    made: socket.socket, place: Place, kind: Kind, *, transmit_stamps: bool
) -> None:
    made.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    _roomy(made)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    made.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    flags = TELL_STAMPS | (STAMP_SENDING if transmit_stamps else 0)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, flags)
    if place.family == socket.AF_INET:
        made.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        if kind == "raw":
            made.setsockopt(socket.IPPROTO_RAW, ICMP_FILTER, _blocking_v4())
        else:
            made.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        if kind == "raw":
            made.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, _blocking_v6())
        else:
            made.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    if place.interface:
        _bind_to_device(made, place.interface)


def _blocking_v4() -> bytes:
    # A set bit blocks the type.
    mask = 0xFFFFFFFF
    for number in _V4_WANTED:
        mask &= ~(1 << number)
    return struct.pack("=I", mask)


def _blocking_v6() -> bytes:
    words = [0xFFFFFFFF] * 8
    for number in _V6_WANTED:
        words[number >> 5] &= ~(1 << (number & 31))
    return struct.pack("=8I", *words)


def _roomy(made: socket.socket) -> None:
    # The larger buffers need CAP_NET_ADMIN; without, net.core.[rw]mem_max bounds them.
    for forced, plain in (
        (SO_RCVBUFFORCE, socket.SO_RCVBUF),
        (SO_SNDBUFFORCE, socket.SO_SNDBUF),
    ):
        try:
            made.setsockopt(socket.SOL_SOCKET, forced, _RECEIVE_BYTES)
        except PermissionError:
            made.setsockopt(socket.SOL_SOCKET, plain, _RECEIVE_BYTES)


def _bind_to_device(made: socket.socket, interface: str) -> None:
    try:
        made.setsockopt(
            socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0"
        )
    except PermissionError:
        raise ProbeFailed(
            Reason.NO_PERMISSION,
            f"cannot send through the interface {interface!r}: needs CAP_NET_RAW",
        ) from None
    except OSError as error:
        raise ProbeFailed(
            Reason.WRONG_SETTINGS,
            f"cannot send through the interface {interface!r}: {error.strerror}",
        ) from None


def _bound(made: socket.socket, place: Place, kind: Kind) -> int:
    any_address = "0.0.0.0" if place.family == socket.AF_INET else "::"  # noqa: S104 - not a server
    try:
        # A datagram socket gets its identifier by this, as a port.
        if kind == "datagram" or place.source:
            made.bind((place.source or any_address, 0))
    except OSError as error:
        raise ProbeFailed(
            Reason.WRONG_SETTINGS,
            f"cannot send from the address {place.source!r}: {error.strerror}",
        ) from None
    if kind == "datagram":
        return int(made.getsockname()[1])
    return int.from_bytes(os.urandom(2), "big")
