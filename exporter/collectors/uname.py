"""Which kernel runs under which name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from exporter.collectors.base import Family, Host, Metric

if TYPE_CHECKING:
    from runtime.settings import Collector as Options

UNAME = Metric(
    "node_uname_info",
    "gauge",
    "Labeled system information as provided by the uname system call.",
    ("sysname", "release", "version", "machine", "nodename", "domainname"),
)


class Uname:
    """Asks uname(2), and procfs for the NIS domain that Python leaves out."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host

    def collect(self) -> list[Family]:
        """Return one sample of value 1 whose labels are the facts."""
        facts = os.uname()
        labels = (
            facts.sysname,
            facts.release,
            facts.version,
            facts.machine,
            facts.nodename,
            self._domain(),
        )
        return [Family(UNAME, ((labels, 1),))]

    def _domain(self) -> str:
        try:
            return self._host.proc("sys/kernel/domainname").strip()
        except OSError:
            return "(none)"
