"""The collectors: one file per thing measured, and the table that names them all.

To add one, write its file, name it here, and give it a section in the settings.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from exporter.collectors.arp import Arp
from exporter.collectors.base import Collector, Family, Host, NothingHere
from exporter.collectors.bonding import Bonding
from exporter.collectors.buddyinfo import Buddyinfo
from exporter.collectors.cgroups import Cgroups
from exporter.collectors.conntrack import Conntrack
from exporter.collectors.cpu import Cpu
from exporter.collectors.cpu_info import CpuInfo
from exporter.collectors.cpu_vulnerabilities import CpuVulnerabilities
from exporter.collectors.cpufreq import Cpufreq
from exporter.collectors.disk import Disk
from exporter.collectors.dmi import Dmi
from exporter.collectors.edac import Edac
from exporter.collectors.entropy import Entropy
from exporter.collectors.fibrechannel import Fibrechannel
from exporter.collectors.filefd import Filefd
from exporter.collectors.filesystem import Filesystem
from exporter.collectors.hwmon import Hwmon
from exporter.collectors.infiniband import Infiniband
from exporter.collectors.interrupts import Interrupts
from exporter.collectors.kernel_hung import KernelHung
from exporter.collectors.ksmd import Ksmd
from exporter.collectors.load import Load
from exporter.collectors.mdadm import Mdadm
from exporter.collectors.meminfo_numa import MeminfoNuma
from exporter.collectors.memory import Memory
from exporter.collectors.netstat import Netstat
from exporter.collectors.network import Network
from exporter.collectors.nfs import Nfs
from exporter.collectors.nfsd import Nfsd
from exporter.collectors.nvme import Nvme
from exporter.collectors.os_release import OsRelease
from exporter.collectors.perf import Perf
from exporter.collectors.power_supply import PowerSupply
from exporter.collectors.pressure import Pressure
from exporter.collectors.processes import Processes
from exporter.collectors.rapl import Rapl
from exporter.collectors.schedstat import Schedstat
from exporter.collectors.slabinfo import Slabinfo
from exporter.collectors.sockstat import Sockstat
from exporter.collectors.softirqs import Softirqs
from exporter.collectors.softnet import Softnet
from exporter.collectors.stat import Stat
from exporter.collectors.systemd import Systemd
from exporter.collectors.tcpstat import Tcpstat
from exporter.collectors.textfile import Textfile
from exporter.collectors.thermal_zone import ThermalZone
from exporter.collectors.time import Time
from exporter.collectors.timex import Timex
from exporter.collectors.top_processes import TopProcesses
from exporter.collectors.udp_queues import UdpQueues
from exporter.collectors.uname import Uname
from exporter.collectors.vmstat import Vmstat
from exporter.collectors.watchdog import Watchdog
from exporter.collectors.zfs import Zfs
from exporter.collectors.zoneinfo import Zoneinfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.settings import Collectors


class Build(Protocol):
    """Makes a collector for a host from its section of the settings."""

    def __call__(self, host: Host, options: Any, /) -> Collector:
        """Return the collector; reads nothing yet."""


COLLECTORS: Final[Mapping[str, Build]] = {
    "arp": Arp,
    "bonding": Bonding,
    "buddyinfo": Buddyinfo,
    "cgroups": Cgroups,
    "conntrack": Conntrack,
    "cpu": Cpu,
    "cpu_info": CpuInfo,
    "cpu_vulnerabilities": CpuVulnerabilities,
    "cpufreq": Cpufreq,
    "disk": Disk,
    "dmi": Dmi,
    "edac": Edac,
    "entropy": Entropy,
    "fibrechannel": Fibrechannel,
    "filefd": Filefd,
    "filesystem": Filesystem,
    "hwmon": Hwmon,
    "infiniband": Infiniband,
    "interrupts": Interrupts,
    "kernel_hung": KernelHung,
    "ksmd": Ksmd,
    "load": Load,
    "mdadm": Mdadm,
    "meminfo_numa": MeminfoNuma,
    "memory": Memory,
    "netstat": Netstat,
    "network": Network,
    "nfs": Nfs,
    "nfsd": Nfsd,
    "nvme": Nvme,
    "os": OsRelease,
    "perf": Perf,
    "power_supply": PowerSupply,
    "pressure": Pressure,
    "processes": Processes,
    "rapl": Rapl,
    "schedstat": Schedstat,
    "slabinfo": Slabinfo,
    "sockstat": Sockstat,
    "softirqs": Softirqs,
    "softnet": Softnet,
    "stat": Stat,
    "systemd": Systemd,
    "tcpstat": Tcpstat,
    "textfile": Textfile,
    "thermal_zone": ThermalZone,
    "time": Time,
    "timex": Timex,
    "top_processes": TopProcesses,
    "udp_queues": UdpQueues,
    "uname": Uname,
    "vmstat": Vmstat,
    "watchdog": Watchdog,
    "zfs": Zfs,
    "zoneinfo": Zoneinfo,
}
"""Every collector by its name: in the settings, in `collect[]`, in its own metrics."""

ALIASES: Final[Mapping[str, str]] = {
    "diskstats": "disk",
    "loadavg": "load",
    "meminfo": "memory",
    "netclass": "network",
    "netdev": "network",
    "powersupplyclass": "power_supply",
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
