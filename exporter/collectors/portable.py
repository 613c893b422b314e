"""What psutil can tell on systems that have no procfs: macOS, the BSDs, Windows.

The names are those of the Linux collectors where the meaning is the same. On Linux the
kernel's files are read instead: they tell more, and procfs, sysfs and rootfs may be
mounted elsewhere, which psutil knows for procfs alone.
"""

from __future__ import annotations

import os
import platform
import re
from typing import TYPE_CHECKING, Final

import psutil

from exporter.collectors import cpu, disk, filesystem, load, network, stat, uname
from exporter.collectors.base import Family, Host, Metric
from exporter.collectors.textfile import Textfile
from exporter.collectors.time import Time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.settings import Collector as Options
    from runtime.settings import DiskCollector, FilesystemCollector, NetworkCollector

_Samples = list[tuple[tuple[str, ...], float]]

_MODES: Final = {**{mode: mode for mode in cpu.MODES}, "interrupt": "irq"}
"""Modes by psutil's word for them."""

_MEMORY: Final = ("total", "free", "active", "inactive", "wired")
_SWAP: Final = ("total", "used")

_DISK: Final = {column.metric.name: column for column in disk.COLUMNS}
_DISK_FIELDS: Final = {
    "read_count": _DISK["node_disk_reads_completed_total"].metric,
    "write_count": _DISK["node_disk_writes_completed_total"].metric,
    "read_bytes": _DISK["node_disk_read_bytes_total"].metric,
    "write_bytes": _DISK["node_disk_written_bytes_total"].metric,
}
_NETWORK: Final = {metric.name: metric for metric in network.STATISTICS}
_NETWORK_FIELDS: Final = {
    "bytes_recv": _NETWORK["node_network_receive_bytes_total"],
    "packets_recv": _NETWORK["node_network_receive_packets_total"],
    "errin": _NETWORK["node_network_receive_errs_total"],
    "dropin": _NETWORK["node_network_receive_drop_total"],
    "bytes_sent": _NETWORK["node_network_transmit_bytes_total"],
    "packets_sent": _NETWORK["node_network_transmit_packets_total"],
    "errout": _NETWORK["node_network_transmit_errs_total"],
    "dropout": _NETWORK["node_network_transmit_drop_total"],
}


class _Portable:
    """A collector without options."""

    def __init__(self, host: Host, options: Options) -> None:
        del options
        self._host = host


class Cpu(_Portable):
    """Seconds per CPU in the modes that this system tells apart."""

    def collect(self) -> list[Family]:
        """Return one sample per CPU and mode."""
        samples: _Samples = []
        for number, times in enumerate(psutil.cpu_times(percpu=True)):
            samples += [
                ((str(number), _MODES[field]), seconds)
                for field, seconds in times._asdict().items()
                if field in _MODES
            ]
        return [Family(cpu.SECONDS, samples)]


class Load(_Portable):
    """Load averages; on Windows psutil computes them."""

    def collect(self) -> list[Family]:
        """Return the averages over 1, 5 and 15 minutes."""
        return [
            metric.of(value)
            for metric, value in zip(load.LOAD, psutil.getloadavg(), strict=True)
        ]


class Memory(_Portable):
    """Memory and swap, under the names that node_exporter uses off Linux."""

    def __init__(self, host: Host, options: Options) -> None:
        super().__init__(host, options)
        self._metrics: dict[str, Metric] = {}

    def collect(self) -> list[Family]:
        """Return one gauge per field that this system has, in bytes."""
        memory: dict[str, int] = psutil.virtual_memory()._asdict()
        swap: dict[str, int] = psutil.swap_memory()._asdict()
        values: dict[str, int] = {
            field: memory[field] for field in _MEMORY if field in memory
        }
        values |= {f"swap_{field}": swap[field] for field in _SWAP}
        return [self._metric(field).of(value) for field, value in values.items()]

    def _metric(self, field: str) -> Metric:
        name = f"{field}_bytes"
        return self._metrics.setdefault(
            name,
            Metric(f"node_memory_{name}", "gauge", f"Memory information field {name}."),
        )


class Disk:
    """Operations and bytes of block devices."""

    def __init__(self, host: Host, options: DiskCollector) -> None:
        del host
        self._excluded = re.compile(options.exclude_devices)

    def collect(self) -> list[Family]:
        """Return the counters of each device that is not excluded."""
        devices = psutil.disk_io_counters(perdisk=True)
        return _by_device(
            _DISK_FIELDS,
            {
                device: counters._asdict()
                for device, counters in devices.items()
                if not self._excluded.search(device)
            },
        )


class Filesystem(filesystem.Filesystem):
    """Sizes of the partitions that psutil lists."""

    def __init__(self, host: Host, options: FilesystemCollector) -> None:
        super().__init__(host, options, ask=_ask)

    def mounted(self) -> list[filesystem.Mount]:
        """Return the mounts of physical devices."""
        return [
            filesystem.Mount(
                device=partition.device,
                path=os.fsencode(partition.mountpoint),
                kind=partition.fstype,
                readonly="ro" in partition.opts.split(","),
            )
            for partition in psutil.disk_partitions()
        ]


def _ask(path: bytes) -> filesystem.Sizes:
    usage = psutil.disk_usage(os.fsdecode(path))
    return (usage.total, usage.total - usage.used, usage.free)


class Network:
    """Counters and link state of network interfaces."""

    def __init__(self, host: Host, options: NetworkCollector) -> None:
        del host
        self._excluded = re.compile(options.exclude_devices)

    def collect(self) -> list[Family]:
        """Return the counters, and whether each interface is up."""
        counters = psutil.net_io_counters(pernic=True)
        families = _by_device(
            _NETWORK_FIELDS,
            {
                device: counted._asdict()
                for device, counted in counters.items()
                if not self._excluded.search(device)
            },
        )
        links = {
            (device,): link
            for device, link in psutil.net_if_stats().items()
            if not self._excluded.search(device)
        }
        mtu = network.PROPERTIES["mtu"]
        return [
            *families,
            Family(
                network.UP, [(name, int(link.isup)) for name, link in links.items()]
            ),
            Family(mtu, [(name, link.mtu) for name, link in links.items()]),
        ]


class Stat(_Portable):
    """Boot time, context switches and interrupts."""

    def collect(self) -> list[Family]:
        """Return what the system counts since boot."""
        counted = psutil.cpu_stats()
        return [
            stat.STAT["btime"].of(psutil.boot_time()),
            stat.STAT["ctxt"].of(counted.ctx_switches),
            stat.STAT["intr"].of(counted.interrupts),
        ]


class Uname(_Portable):
    """Which system runs under which name."""

    def collect(self) -> list[Family]:
        """Return one sample of value 1 whose labels are the facts."""
        facts = platform.uname()
        labels = (
            facts.system,
            facts.release,
            facts.version,
            facts.machine,
            facts.node,
            "(none)",
        )
        return [Family(uname.UNAME, ((labels, 1),))]


def _by_device(
    fields: Mapping[str, Metric], devices: Mapping[str, Mapping[str, int]]
) -> list[Family]:
    return [
        Family(
            metric,
            [((device,), counted[field]) for device, counted in devices.items()],
        )
        for field, metric in fields.items()
    ]


PORTABLE: Final = {
    "cpu": Cpu,
    "disk": Disk,
    "filesystem": Filesystem,
    "load": Load,
    "memory": Memory,
    "network": Network,
    "stat": Stat,
    "textfile": Textfile,
    "time": Time,
    "uname": Uname,
}
"""The collectors of systems without procfs; the others have nothing to read there."""
