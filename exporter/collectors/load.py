"""How many tasks want to run: the load averages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

LOAD = tuple(
    Metric(f"node_load{minutes}", "gauge", f"{minutes}m load average.")
    for minutes in (1, 5, 15)
)


class Load:
    """Reads /proc/loadavg."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return the averages over 1, 5 and 15 minutes."""
        averages = self._host.proc("loadavg").split()
        return [
            metric.of(float(value))
            for metric, value in zip(LOAD, averages, strict=False)
        ]
