"""The sockets that traces send from and hear answers at, with and without rights.

Echo requests go by the sockets of the probe of kind icmp: datagram ones where the
kernel permits them, which have ICMP errors in their error queue, else raw ones, which
receive the messages themselves. UDP needs no right; errors are in its error queue.
"""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from exporter.probes import failures, trace_packets
from exporter.probes.base import ProbeFailed
from exporter.probes.icmp_sockets import (
    IP_RECVERR,
    IPV6_RECVERR,
    SO_TIMESTAMPNS,
    Place,
    open_socket,
)
from exporter.probes.namespaces import in_namespace
from exporter.probes.trace_filters import keep_own_replies
from exporter.probes.trace_packets import Heard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.probes.base import Address

_LARGEST: Final = 2048
_CONTROL: Final = 512
_ERROR: Final = struct.Struct("=IBBBBII")
"""struct sock_extended_err (ip(7)): errno, origin, type, code, pad, info, data."""
_FROM_ICMP: Final = {2, 3}
_TIMESPEC: Final = struct.Struct("=qq")
_SEND_AGAIN: Final = 8
"""A socket tells of errors before at the next send, each once; then that is done."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A socket, and what packets from it look like.

    `kind` is raw or datagram for echo requests, `udp` otherwise; `to` is where packets
    go, `nonce` is in all of them.
    """

    sock: socket.socket
    kind: Literal["raw", "datagram", "udp"]
    family: int
    identifier: int
    target: str
    to: Any
    nonce: bytes

    def send(self, number: int, ttl: int) -> int:
        """Send a packet that may take so many hops; return when, in Unix ns.

        Raises ProbeFailed where this host cannot send.
        """
        content = (
            trace_packets.payload(self.nonce, number)
            if self.kind == "udp"
            else trace_packets.echo(self.family, self.identifier, self.nonce, number)
        )
        hops = (
            (socket.IPPROTO_IP, socket.IP_TTL, struct.pack("=i", ttl))
            if self.family == socket.AF_INET
            else (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, struct.pack("=i", ttl))
        )
        for again in range(_SEND_AGAIN):
            now = time.time_ns()
            try:
                self.sock.sendmsg([content], [hops], 0, self.to)
            except OSError as error:
                if again == _SEND_AGAIN - 1:
                    raise failures.of_system(error) from None
            else:
                return now
        raise AssertionError("unreachable")

    def hear(self) -> Iterator[tuple[Heard, int]]:
        """Yield the answers that are there, each with when it came, in Unix ns."""
        while (message := self._receive(socket.MSG_ERRQUEUE)) is not None:
            if found := self._from_queue(*message):
                yield found, _stamp(message[1])
        while (message := self._receive(0)) is not None:
            if found := self._from_packet(*message):
                yield found, _stamp(message[1])

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()

    def _receive(self, flags: int) -> tuple[bytes, list[Any], Any] | None:
        """Return a message, None if there is none."""
        for _ in range(_SEND_AGAIN):
            try:
                content, control, _, source = self.sock.recvmsg(
                    _LARGEST, _CONTROL, flags
                )
            except BlockingIOError:
                return None
            except OSError:
                continue  # an error that is in the error queue as well
            return content, control, source
        return None

    def _from_queue(
        self, content: bytes, control: list[Any], source: Any
    ) -> Heard | None:
        del source  # where the packet went, not where the error came from
        number = (
            trace_packets.number_in(content, self.nonce)
            if self.kind == "udp"
            else trace_packets.sequence(self.family, content)
        )
        wanted = (
            (socket.IPPROTO_IP, IP_RECVERR)
            if self.family == socket.AF_INET
            else (socket.IPPROTO_IPV6, IPV6_RECVERR)
        )
        for level, kind, data in control:
            if (level, kind) != wanted:
                continue
            _, origin, its_type, code, *_ = _ERROR.unpack_from(data)
            if origin not in _FROM_ICMP:
                return None
            offender = self._offender(data[_ERROR.size :])
            return trace_packets.heard(
                self.family, (its_type, code), number or 0, offender, self.target
            )
        return None

    def _offender(self, data: bytes) -> str:
        part = data[4:8] if self.family == socket.AF_INET else data[8:24]
        return socket.inet_ntop(self.family, part)

    def _from_packet(
        self, content: bytes, control: list[Any], source: Any
    ) -> Heard | None:
        del control
        if self.kind == "udp":
            return None
        packet = content
        if self.kind == "raw" and self.family == socket.AF_INET and content:
            packet = content[(content[0] & 15) * 4 :]
        address = str(source[0]).partition("%")[0]
        number = trace_packets.reply(self.family, packet, self.nonce)
        if number is not None:
            arrived = address == self.target
            return Heard(number, address, arrived=True) if arrived else None
        if self.kind == "datagram" or not packet:
            return None
        destination = socket.inet_pton(self.family, self.target)
        number = trace_packets.quoted(self.family, packet, destination, self.identifier)
        if number is None:
            return None
        return trace_packets.heard(
            self.family, (packet[0], packet[1]), number, address, self.target
        )


def open_sender(
    address: Address, place: Place, protocol: Literal["icmp", "udp"], nonce: bytes
) -> Sender:
    """Return what traces to an address; raise ProbeFailed, saying what is needed."""

    def where() -> Any:
        port = trace_packets.PORT if protocol == "udp" else 0
        flags = socket.AI_NUMERICHOST
        found = socket.getaddrinfo(
            address.ip, port, address.family, socket.SOCK_DGRAM, flags=flags
        )
        return found[0][4]

    to = in_namespace(place.namespace, where)
    target = address.ip.partition("%")[0]
    if protocol == "udp":
        sock = in_namespace(place.namespace, lambda: _open_udp(place))
        return Sender(sock, "udp", address.family, 0, target, to, nonce)
    try:
        opened = open_socket(place, "auto", transmit_stamps=False)
    except ProbeFailed as error:
        if error.reason != "no_permission":
            raise
        raise ProbeFailed(
            error.reason, f"{error}; protocol: udp needs no rights"
        ) from error
    if opened.kind == "raw":
        keep_own_replies(opened.socket, address.family, opened.identifier)
    return Sender(
        opened.socket,
        opened.kind,
        address.family,
        opened.identifier,
        target,
        to,
        nonce,
    )


def _open_udp(place: Place) -> socket.socket:
    sock = socket.socket(place.family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        if place.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        if place.interface:
            interface = place.interface.encode() + b"\0"
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface)
        if place.source:
            sock.bind((place.source, 0))
    except OSError as error:
        sock.close()
        raise failures.of_system(error) from None
    except BaseException:
        sock.close()
        raise
    return sock


def _stamp(control: list[Any]) -> int:
    """Return when the kernel received a message, or now where it does not say."""
    for level, kind, data in control:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIMESPEC.unpack(data[: _TIMESPEC.size])
            return int(seconds * 1_000_000_000 + nanoseconds)
    return time.time_ns()
