"""What the memory of each NUMA node is used for, and how often it was near."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from exporter.collectors.base import (
    Family,
    Gathered,
    Host,
    Kind,
    Metric,
    NothingHere,
    numbered,
    read,
)

if TYPE_CHECKING:
    from runtime.settings import OptionalCollector as Options

_PARENTHESES: Final = re.compile(r"\((.*)\)")


class MeminfoNuma:
    """Reads /sys/devices/system/node/node*/meminfo and numastat."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._folder = f"{host.sysfs}/devices/system/node"
        self._metrics: dict[str, Metric] = {}

    def collect(self) -> list[Family]:
        """Return a family for each field, in bytes where the kernel says kB."""
        found = Gathered()
        for name, number in numbered(self._folder, "node"):
            folder, labels = f"{self._folder}/{name}", (number,)
            for line in read(f"{folder}/meminfo").splitlines():
                _, _, rest = line.partition(f"Node {number} ")
                field, _, figures = rest.partition(":")
                if words := figures.split():
                    value = int(words[0]) * (1024 if words[1:] else 1)
                    plain = _PARENTHESES.sub(r"_\1", field)
                    found.add(self._metric(plain), labels, value)
            for line in read(f"{folder}/numastat").splitlines():
                field, figure = line.split()
                found.add(self._metric(f"{field}_total"), labels, int(figure))
        families = found.families()
        if not families:
            raise NothingHere("a kernel without NUMA")
        return families

    def _metric(self, field: str) -> Metric:
        if field not in self._metrics:
            kind: Kind = "counter" if field.endswith("_total") else "gauge"
            text = f"Memory information field {field}."
            name = f"node_memory_numa_{field}"
            self._metrics[field] = Metric(name, kind, text, ("node",))
        return self._metrics[field]
