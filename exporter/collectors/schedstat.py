"""How long tasks ran and waited on each CPU, as the scheduler counted it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.collectors.base import Family, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

RUNNING = Metric(
    "node_schedstat_running_seconds_total",
    "counter",
    "Number of seconds CPU spent running a process.",
    ("cpu",),
)
WAITING = Metric(
    "node_schedstat_waiting_seconds_total",
    "counter",
    "Number of seconds spent by processing waiting for this CPU.",
    ("cpu",),
)
TIMESLICES = Metric(
    "node_schedstat_timeslices_total",
    "counter",
    "Number of timeslices executed by CPU.",
    ("cpu",),
)
_NANOSECONDS: Final = 1e9


class Schedstat:
    """Reads /proc/schedstat, which kernels may lack."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return three families, a sample for each CPU."""
        try:
            text = self._host.proc("schedstat")
        except FileNotFoundError as error:
            raise NothingHere("a kernel without CONFIG_SCHEDSTATS") from error
        running, waiting, slices = [], [], []
        for line in text.splitlines():
            if line.startswith("cpu"):
                name, *_, ran, waited, ran_times = line.split()
                labels = (name[3:],)
                running.append((labels, int(ran) / _NANOSECONDS))
                waiting.append((labels, int(waited) / _NANOSECONDS))
                slices.append((labels, int(ran_times)))
        return [
            Family(RUNNING, running),
            Family(WAITING, waiting),
            Family(TIMESLICES, slices),
        ]
