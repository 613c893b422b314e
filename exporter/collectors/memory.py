"""What memory is used for: all of /proc/meminfo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

_PARENTHESES = re.compile(r"\((.*)\)")


class Memory:
    """Reads /proc/meminfo; fields without the unit kB are counts, not bytes."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host
        self._metrics: dict[tuple[str, bool], Metric] = {}

    def collect(self) -> list[Family]:
        """Return one gauge per field, in bytes where the kernel says kB."""
        families = []
        for line in self._host.proc("meminfo").splitlines():
            field, _, rest = line.partition(":")
            parts = rest.split()
            if not parts:
                continue
            in_bytes = len(parts) > 1
            value = int(parts[0]) * 1024 if in_bytes else int(parts[0])
            families.append(self._metric(field, in_bytes=in_bytes).of(value))
        return families

    def _metric(self, field: str, *, in_bytes: bool) -> Metric:
        metric = self._metrics.get((field, in_bytes))
        if metric is None:
            name = _PARENTHESES.sub(r"_\1", field) + ("_bytes" if in_bytes else "")
            metric = self._metrics[field, in_bytes] = Metric(
                f"node_memory_{name}", "gauge", f"Memory information field {name}."
            )
        return metric
