"""How much lies in the queues of all UDP sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

QUEUES = Metric(
    "node_udp_queues",
    "gauge",
    "Number of allocated memory in the kernel for UDP datagrams in bytes.",
    ("queue", "ip"),
)


class UdpQueues:
    """Reads /proc/net/udp and udp6, a line for each socket."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return the bytes of both queues, for each version of IP that is there."""
        samples = []
        for name, version in (("udp", "v4"), ("udp6", "v6")):
            try:
                sent, received = _queued(self._host.proc(f"net/{name}"))
            except FileNotFoundError:
                continue
            samples += [(("tx", version), sent), (("rx", version), received)]
        if not samples:
            raise NothingHere("a kernel without UDP")
        return [Family(QUEUES, samples)]


def _queued(text: str) -> tuple[int, int]:
    sent = received = 0
    for line in text.splitlines()[1:]:
        waiting, _, unread = line.split(maxsplit=5)[4].partition(":")
        sent += int(waiting, 16)
        received += int(unread, 16)
    return sent, received
