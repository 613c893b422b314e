"""How many tasks the kernel has found hung."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric, NothingHere

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

HUNG = Metric(
    "node_kernel_hung_tasks_total",
    "counter",
    "Total number of tasks that have been detected as hung since the system booted.",
)


class KernelHung:
    """Reads /proc/sys/kernel/hung_task_detect_count, which came with Linux 6.13."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return the number since boot."""
        try:
            count = int(self._host.proc("sys/kernel/hung_task_detect_count"))
        except FileNotFoundError as error:
            raise NothingHere("a kernel that does not count hung tasks") from error
        return [HUNG.of(count)]
