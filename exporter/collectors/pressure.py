"""How long tasks had to wait for something scarce: pressure stall information."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

_MICROSECONDS = 1_000_000

_WAITED = "Total time in seconds that processes have waited"
_STALLED = "Total time in seconds no process could make progress due to"


def _seconds(name: str, text: str) -> Metric:
    return Metric(f"node_pressure_{name}_seconds_total", "counter", text)


PRESSURE = {
    ("cpu", "some"): _seconds("cpu_waiting", f"{_WAITED} for CPU time"),
    ("io", "some"): _seconds("io_waiting", f"{_WAITED} due to IO congestion"),
    ("io", "full"): _seconds("io_stalled", f"{_STALLED} IO congestion"),
    ("memory", "some"): _seconds("memory_waiting", f"{_WAITED} for memory"),
    ("memory", "full"): _seconds("memory_stalled", f"{_STALLED} memory congestion"),
    ("irq", "full"): _seconds("irq_stalled", f"{_STALLED} IRQ congestion"),
}
"""Metrics by resource and line; `full` of cpu is left out: it is always 0."""


class Pressure:
    """Reads /proc/pressure, which kernels may lack or have switched off."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return the stall times of each resource; NothingHere without any."""
        families = [
            family
            for resource in ("cpu", "io", "memory", "irq")
            for family in self._resource(resource)
        ]
        if not families:
            raise NothingHere(
                "no pressure stall information; it needs Linux 4.20 or newer with PSI"
            )
        return families

    def _resource(self, resource: str) -> list[Family]:
        try:
            text = self._host.proc(f"pressure/{resource}")
        except FileNotFoundError:
            return []
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:
                raise NothingHere("PSI is off; boot the kernel with psi=1") from error
            raise
        families = []
        for line in text.splitlines():
            name, _, rest = line.partition(" ")
            metric = PRESSURE.get((resource, name))
            if metric is not None:
                total = int(rest.rpartition("total=")[2])
                families.append(metric.of(total / _MICROSECONDS))
        return families
