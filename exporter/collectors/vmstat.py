"""What the virtual memory system did: chosen fields of /proc/vmstat."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric

if TYPE_CHECKING:
    from runtime.settings import VmstatCollector as Options


class Vmstat:
    """Reads /proc/vmstat; types are unknown, as the kernel does not tell them."""

    def __init__(self, host: Host, options: Options) -> None:
        self._host = host
        self._wanted = re.compile(options.fields)
        self._metrics: dict[str, Metric | None] = {}

    def collect(self) -> list[Family]:
        """Return one family per field that the settings ask for."""
        families = []
        for line in self._host.proc("vmstat").splitlines():
            field, _, value = line.partition(" ")
            try:
                metric = self._metrics[field]
            except KeyError:
                metric = self._metrics[field] = self._metric(field)
            if metric is not None:
                families.append(metric.of(int(value)))
        return families

    def _metric(self, field: str) -> Metric | None:
        if not self._wanted.search(field):
            return None
        return Metric(
            f"node_vmstat_{field}",
            "unknown",
            f"/proc/vmstat information field {field}.",
        )
