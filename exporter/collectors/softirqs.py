"""How often each CPU ran each kind of deferred work of the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

FUNCTIONS = Metric(
    "node_softirqs_functions_total",
    "counter",
    "Softirq counts per CPU.",
    ("cpu", "type"),
)


class Softirqs:
    """Reads /proc/softirqs, a line for each kind and a column for each CPU."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return one family."""
        header, *lines = self._host.proc("softirqs").splitlines()
        cpus = [name.removeprefix("CPU") for name in header.split()]
        samples: list[tuple[tuple[str, ...], float]] = []
        for line in lines:
            name, _, counts = line.partition(":")
            kind = name.strip()
            samples += [
                ((cpu, kind), int(count))
                for cpu, count in zip(cpus, counts.split(), strict=False)
            ]
        return [Family(FUNCTIONS, samples)]
