"""How fragmented free memory is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric

if TYPE_CHECKING:
    from runtime.settings import OptionalCollector as Options

BLOCKS = Metric(
    "node_buddyinfo_blocks",
    "gauge",
    "Count of free blocks according to size.",
    ("node", "zone", "size"),
)


class Buddyinfo:
    """Reads /proc/buddyinfo; a block of size n has two to the power of n pages."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return one family."""
        samples: list[tuple[tuple[str, ...], float]] = []
        for line in self._host.proc("buddyinfo").splitlines():
            _, node, _, zone, *counts = line.replace(",", " ").split()
            samples += [
                ((node, zone, str(size)), int(count))
                for size, count in enumerate(counts)
            ]
        return [Family(BLOCKS, samples)]
