"""How many TCP sockets are in which state, and how much waits in their queues.

Asked by sock_diag(7), which costs a tenth of reading /proc/net/tcp, in the form that
tells of IPv4 and IPv6 in one walk over the kernel's table. Sockets in TIME_WAIT, often
the most, are not listed but taken from /proc/net/sockstat. The answer is about the
network namespace that the exporter runs in.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

STATES = Metric(
    "node_tcp_connection_states", "gauge", "Number of connection states.", ("state",)
)

NAMES: Final = {
    1: "established",
    2: "syn_sent",
    3: "syn_recv",
    4: "fin_wait1",
    5: "fin_wait2",
    6: "time_wait",
    7: "close",
    8: "close_wait",
    9: "last_ack",
    10: "listen",
    11: "closing",
}
"""States by the kernel's number (include/net/tcp_states.h)."""

_SOCK_DIAG: Final = 4
_TCP_SOCKETS: Final = 18
_DUMP: Final = 0x301
_ERROR: Final = 2
_DONE: Final = 3
_TIME_WAIT: Final = 6
_LISTED_STATES: Final = 0xFFF & ~(1 << _TIME_WAIT)

_HEADER: Final = struct.Struct("=IHHII")
_LENGTH_AND_KIND: Final = struct.Struct("=IH")
_REQUEST: Final = struct.Struct("=BBBB48xII")
_STATE: Final = _HEADER.size + 1
_TIMER: Final = _HEADER.size + 2
_QUEUES: Final = struct.Struct("=II")
_QUEUES_AT: Final = _HEADER.size + 56
_ERRNO: Final = struct.Struct("=i")
"""Structures of linux/netlink.h and linux/inet_diag.h, in the order of the machine."""

_WAITING_TIMER: Final = 3
"""That of a socket which waits in FIN_WAIT2, and is counted as waiting in sockstat."""

_BUFFER: Final = 1 << 15
"""The kernel sends no longer answers."""
_SECONDS: Final = 2.0


class Tcpstat:
    """Asks the kernel for its TCP sockets, over IPv4 and IPv6."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return a sample for each state that occurs, and for both queues."""
        try:
            counts = count_sockets()
        except (FileNotFoundError, PermissionError) as error:
            raise NothingHere("a kernel that does not tell its sockets") from error
        waiting = time_wait(self._host.proc("net/sockstat")) - counts.waiting
        counts.states[_TIME_WAIT] = max(waiting, 0)
        samples = [
            ((name,), counts.states[state])
            for state, name in NAMES.items()
            if counts.states[state]
        ]
        queues = [(("rx_queued_bytes",), counts.rx), (("tx_queued_bytes",), counts.tx)]
        return [Family(STATES, samples + queues)]


class Counts:
    """Sockets by the number of their state, and the bytes in all their queues.

    `waiting` are those among them that have gone but for a reminder of them.
    """

    def __init__(self) -> None:
        self.states = [0] * 256
        self.waiting = 0
        self.rx = 0
        self.tx = 0

    def take(self, answer: bytes) -> bool:
        """Count the messages of an answer; return whether the dump ends with it.

        Raises OSError if the kernel refuses.
        """
        length_and_kind, queues = _LENGTH_AND_KIND.unpack_from, _QUEUES.unpack_from
        states = self.states
        place, end = 0, len(answer)
        while place < end:
            length, kind = length_and_kind(answer, place)
            if kind == _TCP_SOCKETS:
                states[answer[place + _STATE]] += 1
                if answer[place + _TIMER] == _WAITING_TIMER:
                    self.waiting += 1
                unread, unsent = queues(answer, place + _QUEUES_AT)
                self.rx += unread
                self.tx += unsent
            elif kind == _ERROR:
                (code,) = _ERRNO.unpack_from(answer, place + _HEADER.size)
                raise OSError(-code, os.strerror(-code))
            elif kind == _DONE:
                return True
            place += (length + 3) & ~3
        return False


def count_sockets() -> Counts:
    """Return the TCP sockets of this network namespace but those in TIME_WAIT.

    Raises OSError if the kernel refuses.
    """
    counts = Counts()
    body = _REQUEST.pack(socket.AF_INET, 0, 0, 0, _LISTED_STATES, 0)
    header = _HEADER.pack(_HEADER.size + len(body), _TCP_SOCKETS, _DUMP, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as asking:
        asking.settimeout(_SECONDS)
        asking.send(header + body)
        while not counts.take(asking.recv(_BUFFER)):
            pass
    return counts


def time_wait(sockstat: str) -> int:
    """Return the number of TCP sockets that wait after their end."""
    for line in sockstat.splitlines():
        if line.startswith("TCP:"):
            words = line.split()
            return int(words[words.index("tw") + 1])
    return 0
