"""What block devices did, and which they are: /proc/diskstats, sysfs and udev."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from exporter.collectors.base import Family, Host, Metric, read

if TYPE_CHECKING:
    from runtime.settings import DiskCollector as Options

_DEVICE = ("device",)
_SECTOR_BYTES = 512
_MILLISECONDS = 1000


class _Column(NamedTuple):
    """A column of /proc/diskstats and how it becomes the metric's unit."""

    metric: Metric
    times: int = 1
    per: int = 1


def _count(name: str, text: str) -> _Column:
    return _Column(Metric(f"node_disk_{name}_total", "counter", text, _DEVICE))


def _bytes(name: str, text: str) -> _Column:
    return _Column(
        Metric(f"node_disk_{name}_bytes_total", "counter", text, _DEVICE),
        times=_SECTOR_BYTES,
    )


def _seconds(name: str, text: str) -> _Column:
    return _Column(
        Metric(f"node_disk_{name}_seconds_total", "counter", text, _DEVICE),
        per=_MILLISECONDS,
    )


COLUMNS = (
    _count("reads_completed", "The total number of reads completed successfully."),
    _count("reads_merged", "The total number of reads merged."),
    _bytes("read", "The total number of bytes read successfully."),
    _seconds("read_time", "The total number of seconds spent by all reads."),
    _count("writes_completed", "The total number of writes completed successfully."),
    _count("writes_merged", "The number of writes merged."),
    _bytes("written", "The total number of bytes written successfully."),
    _seconds("write_time", "This is the total number of seconds spent by all writes."),
    _Column(
        Metric(
            "node_disk_io_now",
            "gauge",
            "The number of I/Os currently in progress.",
            _DEVICE,
        )
    ),
    _seconds("io_time", "Total seconds spent doing I/Os."),
    _seconds("io_time_weighted", "The weighted # of seconds spent doing I/Os."),
    _count(
        "discards_completed", "The total number of discards completed successfully."
    ),
    _count("discards_merged", "The total number of discards merged."),
    _count("discarded_sectors", "The total number of sectors discarded successfully."),
    _seconds(
        "discard_time", "This is the total number of seconds spent by all discards."
    ),
    _count(
        "flush_requests",
        "The total number of flush requests completed successfully",
    ),
    _seconds(
        "flush_requests_time",
        "This is the total number of seconds spent by all flush requests.",
    ),
)
"""As in /proc/diskstats after major, minor and name; old kernels have fewer."""

INFO = Metric(
    "node_disk_info",
    "gauge",
    "Info of /sys/block/<block_device>.",
    (
        "device",
        "major",
        "minor",
        "path",
        "wwn",
        "model",
        "serial",
        "revision",
        "rotational",
    ),
)
FILESYSTEM_INFO = Metric(
    "node_disk_filesystem_info",
    "gauge",
    "Info about disk filesystem.",
    ("device", "type", "usage", "uuid", "version"),
)
DEVICE_MAPPER_INFO = Metric(
    "node_disk_device_mapper_info",
    "gauge",
    "Info about disk device mapper.",
    ("device", "name", "uuid", "vg_name", "lv_name", "lv_layer"),
)
ATA = {
    "ID_ATA_WRITE_CACHE": Metric(
        "node_disk_ata_write_cache",
        "gauge",
        "ATA disk has a write cache.",
        _DEVICE,
    ),
    "ID_ATA_WRITE_CACHE_ENABLED": Metric(
        "node_disk_ata_write_cache_enabled",
        "gauge",
        "ATA disk has its write cache enabled.",
        _DEVICE,
    ),
    "ID_ATA_ROTATION_RATE_RPM": Metric(
        "node_disk_ata_rotation_rate_rpm",
        "gauge",
        "ATA disk rotation rate in RPMs (0 for SSDs).",
        _DEVICE,
    ),
}
"""Metrics of ATA disks by the udev property that holds their value."""

_FILESYSTEM = ("ID_FS_TYPE", "ID_FS_USAGE", "ID_FS_UUID", "ID_FS_VERSION")
_MAPPER = ("DM_NAME", "DM_UUID", "DM_VG_NAME", "DM_LV_NAME", "DM_LV_LAYER")
_SERIALS = ("SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL")
"""Where the serial printed on the disk is, the best place first."""

_Samples = dict[Metric, list[tuple[tuple[str, ...], float]]]


class Disk:
    """Reads /proc/diskstats, /sys/block and udev's database."""

    def __init__(self, host: Host, options: Options) -> None:
        self._host = host
        self._excluded = re.compile(options.exclude_devices)
        self._udev = f"{host.rootfs.rstrip('/')}/run/udev/data"

    def collect(self) -> list[Family]:
        """Return the counters and facts of each device that is not excluded."""
        samples: _Samples = {}
        for line in self._host.proc("diskstats").splitlines():
            major, minor, device, *values = line.split()
            if self._excluded.search(device):
                continue
            labels = (device,)
            for column, value in zip(COLUMNS, values, strict=False):
                amount = int(value) * column.times
                samples.setdefault(column.metric, []).append(
                    (labels, amount / column.per if column.per > 1 else amount)
                )
            self._facts(samples, device, major, minor)
        return [Family(metric, found) for metric, found in samples.items()]

    def _facts(self, samples: _Samples, device: str, major: str, minor: str) -> None:
        known = self._udev_properties(major, minor)
        serial = next((known[name] for name in _SERIALS if known.get(name)), "")
        labels = (
            device,
            major,
            minor,
            known.get("ID_PATH", ""),
            known.get("ID_WWN", ""),
            known.get("ID_MODEL", ""),
            serial,
            known.get("ID_REVISION", ""),
            self._rotational(device),
        )
        samples.setdefault(INFO, []).append((labels, 1))
        for metric, names in (
            (FILESYSTEM_INFO, _FILESYSTEM),
            (DEVICE_MAPPER_INFO, _MAPPER),
        ):
            if known.get(names[0]):
                facts = (device, *(known.get(name, "") for name in names))
                samples.setdefault(metric, []).append((facts, 1))
        if known.get("ID_ATA"):
            for name, metric in ATA.items():
                # What is no number is that disk's fault, and no reason to fail.
                with suppress(ValueError):
                    value = float(known.get(name, ""))
                    samples.setdefault(metric, []).append(((device,), value))

    def _rotational(self, device: str) -> str:
        # The kernel writes ! for the slash in names such as cciss/c0d0. Partitions
        # have no queue of their own.
        name = f"block/{device.replace('/', '!')}/queue/rotational"
        try:
            return "1" if self._host.sys(name).strip() == "1" else "0"
        except OSError:
            return "0"

    def _udev_properties(self, major: str, minor: str) -> dict[str, str]:
        try:
            text = read(f"{self._udev}/b{major}:{minor}")
        except OSError:
            return {}
        properties = {}
        for line in text.splitlines():
            if line.startswith("E:"):
                name, _, value = line[2:].partition("=")
                properties[name] = value
        return properties
