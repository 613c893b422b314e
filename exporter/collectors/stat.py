"""What the kernel counts since boot: switches, forks, interrupts, tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric

if TYPE_CHECKING:
    from runtime.settings import StatCollector as Options

STAT = {
    "btime": Metric("node_boot_time_seconds", "gauge", "Node boot time, in unixtime."),
    "ctxt": Metric(
        "node_context_switches_total",
        "counter",
        "Total number of context switches.",
    ),
    "processes": Metric("node_forks_total", "counter", "Total number of forks."),
    "intr": Metric(
        "node_intr_total", "counter", "Total number of interrupts serviced."
    ),
    "procs_running": Metric(
        "node_procs_running", "gauge", "Number of processes in runnable state."
    ),
    "procs_blocked": Metric(
        "node_procs_blocked",
        "gauge",
        "Number of processes blocked waiting for I/O to complete.",
    ),
}
"""Metrics by the word that begins their line in /proc/stat."""


SOFTIRQS = Metric(
    "node_softirqs_total", "counter", "Number of softirq calls.", ("vector",)
)
VECTORS = (
    "hi",
    "timer",
    "net_tx",
    "net_rx",
    "block",
    "block_iopoll",
    "tasklet",
    "sched",
    "hrtimer",
    "rcu",
)
"""In the order of the line `softirq`, behind the sum of all."""


class Stat:
    """Reads the lines of /proc/stat that are not about one CPU."""

    def __init__(self, host: Host, options: Options) -> None:
        self._host = host
        self._softirqs = options.softirqs

    def collect(self) -> list[Family]:
        """Return the counters and gauges that this kernel has."""
        families = []
        for line in self._host.proc("stat").splitlines():
            word, _, rest = line.partition(" ")
            metric = STAT.get(word)
            if metric is not None:
                families.append(metric.of(int(rest.split(" ", 1)[0])))
            elif word == "softirq" and self._softirqs:
                counts = rest.split()[1:]
                samples = [
                    ((vector,), int(count))
                    for vector, count in zip(VECTORS, counts, strict=False)
                ]
                families.append(Family(SOFTIRQS, samples))
        return families
