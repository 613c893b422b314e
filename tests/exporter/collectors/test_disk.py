from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.disk import Disk
from runtime.settings import DiskCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


NAMES = (
    "sda",
    "sda1",
    "nvme0n1",
    "nvme0n1p1",
    "dm-0",
    "md0",
    "sr0",
    "loop0",
    "zram0",
)


def test_counters_are_in_base_units(empty_host: Host) -> None:
    numbers = " ".join(str(number) for number in range(1, 18))
    write(empty_host, {"proc/diskstats": f" 254 0 vda {numbers}\n"})
    disk = ("vda",)
    assert values(Disk(empty_host, DiskCollector()).collect()) == {
        "node_disk_reads_completed_total": {disk: 1},
        "node_disk_reads_merged_total": {disk: 2},
        "node_disk_read_bytes_total": {disk: 3 * 512},
        "node_disk_read_time_seconds_total": {disk: 0.004},
        "node_disk_writes_completed_total": {disk: 5},
        "node_disk_writes_merged_total": {disk: 6},
        "node_disk_written_bytes_total": {disk: 7 * 512},
        "node_disk_write_time_seconds_total": {disk: 0.008},
        "node_disk_io_now": {disk: 9},
        "node_disk_io_time_seconds_total": {disk: 0.01},
        "node_disk_io_time_weighted_seconds_total": {disk: 0.011},
        "node_disk_discards_completed_total": {disk: 12},
        "node_disk_discards_merged_total": {disk: 13},
        "node_disk_discarded_sectors_total": {disk: 14},
        "node_disk_discard_time_seconds_total": {disk: 0.015},
        "node_disk_flush_requests_total": {disk: 16},
        "node_disk_flush_requests_time_seconds_total": {disk: 0.017},
        "node_disk_info": {("vda", "254", "0", "", "", "", "", "", "0"): 1},
    }


def test_columns_that_the_kernel_does_not_have_are_not_made_up(
    empty_host: Host,
) -> None:
    write(empty_host, {"proc/diskstats": "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n"})
    found = values(Disk(empty_host, DiskCollector()).collect())
    assert "node_disk_io_time_weighted_seconds_total" in found
    assert "node_disk_discards_completed_total" not in found


@pytest.mark.setting("exporter.collectors.disk.exclude_devices")
@pytest.mark.parametrize(
    ("excluded", "devices"),
    [
        (None, {"sda", "nvme0n1", "dm-0", "md0", "sr0"}),
        ("^(dm-|md|sr)", {"sda", "sda1", "nvme0n1", "nvme0n1p1", "loop0", "zram0"}),
        ("^$", set(NAMES)),
    ],
)
def test_devices_that_the_settings_exclude_are_left_out(
    empty_host: Host, excluded: str | None, devices: set[str]
) -> None:
    lines = "".join(f"8 {minor} {name} 1\n" for minor, name in enumerate(NAMES))
    write(empty_host, {"proc/diskstats": lines})
    options = DiskCollector(exclude_devices=excluded) if excluded else DiskCollector()
    found = values(Disk(empty_host, options).collect())
    completed = found["node_disk_reads_completed_total"]
    assert {device for (device,) in completed} == devices


def test_udev_and_sysfs_say_which_disk_it_is(empty_host: Host) -> None:
    write(
        empty_host,
        {
            "proc/diskstats": "104 0 cciss/c0d0 1\n",
            "sys/block/cciss!c0d0/queue/rotational": "1\n",
            "root/run/udev/data/b104:0": "S:disk/by-id/x\nE:ID_MODEL=Smart\n"
            "E:ID_SERIAL=long\nE:ID_SERIAL_SHORT=short\nE:ID_FS_TYPE=ext4\n"
            "E:ID_FS_UUID=0-1\nE:ID_ATA=1\nE:ID_ATA_ROTATION_RATE_RPM=7200\n",
        },
    )
    name = "cciss/c0d0"
    found = values(Disk(empty_host, DiskCollector()).collect())
    del found["node_disk_reads_completed_total"]
    assert found == {
        "node_disk_info": {
            (name, "104", "0", "", "", "Smart", "short", "", "1"): 1,
        },
        "node_disk_filesystem_info": {(name, "ext4", "", "0-1", ""): 1},
        "node_disk_ata_rotation_rate_rpm": {(name,): 7200},
    }


def test_what_udev_garbles_costs_nothing_else(empty_host: Host) -> None:
    data = "E:ID_ATA=1\nE:ID_ATA_WRITE_CACHE=?\nE:ID_ATA_ROTATION_RATE_RPM=\n"
    write(
        empty_host,
        {"proc/diskstats": "8 0 sda 1\n", "root/run/udev/data/b8:0": data},
    )
    found = values(Disk(empty_host, DiskCollector()).collect())
    assert found.keys() == {"node_disk_reads_completed_total", "node_disk_info"}
