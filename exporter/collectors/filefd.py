"""How many files are open on the machine, of how many allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

ALLOCATED = Metric(
    "node_filefd_allocated", "gauge", "File descriptor statistics: allocated."
)
MAXIMUM = Metric("node_filefd_maximum", "gauge", "File descriptor statistics: maximum.")


class Filefd:
    """Reads /proc/sys/fs/file-nr."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return allocated and allowed file descriptors."""
        allocated, _, maximum = self._host.proc("sys/fs/file-nr").split()
        return [ALLOCATED.of(int(allocated)), MAXIMUM.of(int(maximum))]
