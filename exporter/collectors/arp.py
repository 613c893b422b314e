"""How many neighbours the machine knows on each interface."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import ArpCollector as Options

ENTRIES = Metric("node_arp_entries", "gauge", "ARP entries by device", ("device",))


class Arp:
    """Reads /proc/net/arp, a line for each neighbour."""

    def __init__(self, host: Host, options: Options) -> None:
        self._host = host
        self._excluded = re.compile(options.exclude_devices)

    def collect(self) -> list[Family]:
        """Return the number of entries for each interface that has any."""
        try:
            text = self._host.proc("net/arp")
        except FileNotFoundError as error:
            raise NothingHere("a kernel without IPv4") from error
        counts: dict[str, int] = {}
        for line in text.splitlines()[1:]:
            device = line.rpartition(" ")[2]
            counts[device] = counts.get(device, 0) + 1
        return [
            Family(
                ENTRIES,
                [
                    ((device,), count)
                    for device, count in counts.items()
                    if not self._excluded.search(device)
                ],
            )
        ]
