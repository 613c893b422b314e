"""The collectors: one file per thing measured, and the table that names them all.

To add one, write its file, name it here, and give it a section in the settings.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from exporter.collectors.base import Collector, Family, Host, NothingHere
from exporter.collectors.conntrack import Conntrack
from exporter.collectors.cpu import Cpu
from exporter.collectors.disk import Disk
from exporter.collectors.entropy import Entropy
from exporter.collectors.filefd import Filefd
from exporter.collectors.filesystem import Filesystem
from exporter.collectors.load import Load
from exporter.collectors.memory import Memory
from exporter.collectors.netstat import Netstat
from exporter.collectors.network import Network
from exporter.collectors.pressure import Pressure
from exporter.collectors.processes import Processes
from exporter.collectors.schedstat import Schedstat
from exporter.collectors.sockstat import Sockstat
from exporter.collectors.softnet import Softnet
from exporter.collectors.stat import Stat
from exporter.collectors.textfile import Textfile
from exporter.collectors.time import Time
from exporter.collectors.udp_queues import UdpQueues
from exporter.collectors.uname import Uname
from exporter.collectors.vmstat import Vmstat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.settings import Collectors


class Build(Protocol):
    """Makes a collector for a host from its section of the settings."""

    def __call__(self, host: Host, options: Any, /) -> Collector:
        """Return the collector; reads nothing yet."""


COLLECTORS: Final[Mapping[str, Build]] = {
    "conntrack": Conntrack,
    "cpu": Cpu,
    "disk": Disk,
    "entropy": Entropy,
    "filefd": Filefd,
    "filesystem": Filesystem,
    "load": Load,
    "memory": Memory,
    "netstat": Netstat,
    "network": Network,
    "pressure": Pressure,
    "processes": Processes,
    "schedstat": Schedstat,
    "sockstat": Sockstat,
    "softnet": Softnet,
    "stat": Stat,
    "textfile": Textfile,
    "time": Time,
    "udp_queues": UdpQueues,
    "uname": Uname,
    "vmstat": Vmstat,
}
"""Every collector by its name: in the settings, in `collect[]`, in its own metrics."""

ALIASES: Final[Mapping[str, str]] = {
    "diskstats": "disk",
    "loadavg": "load",
    "meminfo": "memory",
    "netclass": "network",
    "netdev": "network",
}
"""node_exporter's names, so that scrape configurations keep working."""


class _NotOnThisSystem:
    def __init__(self, host: Host, options: Any) -> None:
        del host, options

    def collect(self) -> list[Family]:
        raise NothingHere("not on this system")


def build(host: Host, settings: Collectors) -> dict[str, Collector]:
    """Return the enabled collectors by name."""
    return {
        name: make(host, getattr(settings, name))
        for name, make in _table(host).items()
        if getattr(settings, name).enabled
    }


def _table(host: Host) -> Mapping[str, Build]:
    if host.linux:
        return COLLECTORS
    # psutil costs memory that Linux, where nothing needs it, is spared.
    portable = importlib.import_module("exporter.collectors.portable").PORTABLE
    return {name: portable.get(name, _NotOnThisSystem) for name in COLLECTORS}
