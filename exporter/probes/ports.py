"""A port: one socket for all requests that leave from one place."""

from __future__ import annotations

import errno
import socket
import struct
import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.probes import icmp_sockets
from exporter.probes.echo import HEADER, Packets
from exporter.probes.reading import Reader
from exporter.probes.sending_stamps import SendingStamps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from exporter.probes.echo import Marks
    from exporter.probes.icmp_sockets import Opened
    from exporter.probes.reading import Batch
    from runtime.probing.probes import IcmpProbe

    Numbers = NDArray[np.int64]
    SocketAddress = tuple[str, int] | tuple[str, int, int, int]

_LEAST_ROOM: Final = 512
_IP_HEADERS: Final = 128
# Errors of requests before, which a datagram socket tells with the next call.
_OF_OTHERS: Final = {
    errno.ECONNREFUSED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EMSGSIZE,
    errno.EPROTO,
    errno.EOPNOTSUPP,
    errno.ENOPROTOOPT,
    errno.EHOSTDOWN,
    errno.ENONET,
    errno.EACCES,
}
_STAMPED: Final = (
    (
        socket.SOL_SOCKET,
        icmp_sockets.SO_TIMESTAMPING,
        struct.pack("=I", icmp_sockets.STAMP_SENDING),
    ),
)
# The interface or the address that the socket is bound to is gone.
_STALE: Final = {errno.ENODEV, errno.ENXIO, errno.EADDRNOTAVAIL}


@dataclass(frozen=True, slots=True)
class Way:
    """What is the same for all requests of a volley, and set on the socket."""

    ttl: int
    dscp: int
    dont_fragment: bool

    @classmethod
    def of(cls, settings: IcmpProbe) -> Way:
        """Return the way of a probe's requests."""
        return cls(settings.ttl, settings.dscp, settings.dont_fragment)


class Port:
    """Sends requests through a socket, and reads what comes of them.

    A way is set on the shared socket before requests that go another one than those
    before: sending builds the packet at once, so that no other request is touched.
    `identity` is that of the namespace in which the socket was opened; a port that
    `is_stale` should be opened anew. One that `is_cold` has not sent for a while.
    """

    def __init__(
        self,
        family: int,
        opened: Opened,
        pattern: bytes,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self.family = family
        self.kind = opened.kind
        self.identifier = opened.identifier
        self.pattern = np.frombuffer(pattern, np.uint8)
        self._bytes = pattern
        self._socket = opened.socket
        self._now = now
        self._way: Way | None = None
        self._packets: dict[int, Packets] = {}
        self.dropped = 0
        self.identity = 0
        self.is_stale = False
        self.is_cold = True
        self._has_stumbled = False
        self.stamps = SendingStamps(opened.socket, every=opened.stamps_sending)
        self._reader = Reader(_LEAST_ROOM)
        self._errors = Reader(_LEAST_ROOM)

    def fileno(self) -> int:
        """Return the descriptor of the socket, -1 when it is closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def go(self, way: Way) -> None:
        """Have the next requests go this way; raises OSError."""
        if way == self._way:
            return
        self._way = None
        if self.family == socket.AF_INET:
            fragments = (
                icmp_sockets.IP_PMTUDISC_PROBE
                if way.dont_fragment
                else icmp_sockets.IP_PMTUDISC_DONT
            )
            options = (
                (socket.IP_TTL, way.ttl),
                (socket.IP_MULTICAST_TTL, way.ttl),
                (socket.IP_TOS, way.dscp << 2),
                (icmp_sockets.IP_MTU_DISCOVER, fragments),
            )
            level = socket.IPPROTO_IP
        else:
            options = (
                (socket.IPV6_UNICAST_HOPS, way.ttl),
                (socket.IPV6_MULTICAST_HOPS, way.ttl),
                (socket.IPV6_TCLASS, way.dscp << 2),
                (icmp_sockets.IPV6_DONTFRAG, int(way.dont_fragment)),
            )
            level = socket.IPPROTO_IPV6
        for option, value in options:
            self._socket.setsockopt(level, option, value)
        self._way = way

    def packets(self, size: int) -> Packets:
        """Return the room for requests with so many bytes behind the header."""
        if size not in self._packets:
            self._packets[size] = Packets(
                self.family, self.identifier, size, self._bytes
            )
            if self._reader.room < size + HEADER + _IP_HEADERS:
                self._reader = Reader(size + HEADER + _IP_HEADERS)
        return self._packets[size]

    def send(
        self,
        packets: Packets,
        marks: Marks,
        sequence: int,
        addresses: Sequence[SocketAddress],
    ) -> tuple[Numbers, dict[int, OSError]]:
        """Send a request to each address, with its own mark.

        Returns the times of sending in ns of the realtime clock, and by place in the
        chunk why some could not be sent.
        """
        packets.write(marks, sequence)
        stamps = [0] * len(addresses)
        failed: dict[int, OSError] = {}
        each = zip(range(len(addresses)), packets.views, addresses, strict=False)
        stamped = marks.places
        if not self.stamps.every:
            stamped = stamped[: int(self.is_cold)]
            self._send(islice(each, len(stamped)), self._send_stamped, stamps, failed)
            self.is_cold = False
        self._send(each, self._socket.sendto, stamps, failed)
        self.stamps.sent(stamped, smoothly=not self._has_stumbled)
        self._has_stumbled = False
        return np.array(stamps, np.int64), failed

    def _send(
        self,
        each: Iterator[tuple[int, memoryview, SocketAddress]],
        send: Callable[[memoryview, SocketAddress], int],
        stamps: list[int],
        failed: dict[int, OSError],
    ) -> None:
        now = self._now
        while True:
            # The iterator goes on behind what failed, and costs less than an index.
            try:
                for place, view, address in each:
                    stamps[place] = now()
                    send(view, address)
            except OSError as error:
                self._has_stumbled = True
                if problem := self._again(view, address, error):
                    failed[place] = problem
                    self.is_stale |= problem.errno in _STALE
                continue
            return

    def _send_stamped(self, view: memoryview, address: SocketAddress) -> int:
        return self._socket.sendmsg([view], _STAMPED, 0, address)

    def _again(
        self, view: memoryview, address: SocketAddress, error: OSError
    ) -> OSError | None:
        """Try once more where the error may be that of a request before."""
        of_another = self.kind == "datagram" and error.errno in _OF_OTHERS
        if not of_another and not isinstance(error, InterruptedError):
            return error
        try:
            self._socket.sendto(view, address)
        except OSError as its_own:
            return its_own
        return None

    def read(self) -> Batch | None:
        """Return what came, None if nothing did."""
        for _ in range(3):
            try:
                return self._reader.read(self._socket.fileno())
            except OSError as error:
                # Told in full by the error queue.
                if error.errno not in _OF_OTHERS:
                    raise
        return None

    def read_errors(self) -> Batch | None:
        """Return what the error queue holds, None if nothing."""
        return self._errors.read(self._socket.fileno(), errors=True)
