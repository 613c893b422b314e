from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.collectors import cpu
from exporter.collectors.base import Host
from exporter.collectors.portable import PORTABLE
from runtime.clock import SystemClock
from runtime.settings import Collectors
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from collections.abc import Callable

    Found = dict[str, dict[tuple[str, ...], float]]
    Collect = Callable[..., Found]


@pytest.fixture
def collect() -> Collect:
    """Run a portable collector; what psutil says of this machine is its fixture."""
    host = Host("/nowhere", "/nowhere", "/", SystemClock(), linux=False)

    def run(name: str, **options: str) -> Found:
        section = getattr(Collectors(), name).model_copy(update=options)
        return values(PORTABLE[name](host, section).collect())

    return run


def test_cpu_has_the_modes_that_psutil_tells_apart(collect: Collect) -> None:
    found = collect("cpu")["node_cpu_seconds_total"]
    numbers = [str(number) for number in range(psutil.cpu_count() or 0)]
    assert found.keys() == {(number, mode) for number in numbers for mode in cpu.MODES}


def test_load_has_three_averages(collect: Collect) -> None:
    assert collect("load").keys() == {"node_load1", "node_load5", "node_load15"}


def test_memory_and_swap_are_in_bytes(collect: Collect) -> None:
    found = collect("memory")
    assert found["node_memory_total_bytes"] == {(): psutil.virtual_memory().total}
    assert found["node_memory_swap_total_bytes"] == {(): psutil.swap_memory().total}


def test_disks_are_those_of_psutil_without_the_excluded(collect: Collect) -> None:
    devices = {(device,) for device in psutil.disk_io_counters(perdisk=True)}
    all_of_them = collect("disk", exclude_devices="^$")
    assert len(all_of_them) == 4
    for samples in all_of_them.values():
        assert samples.keys() == devices
    assert (
        set(collect("disk", exclude_devices=".")["node_disk_read_bytes_total"]) == set()
    )


def test_filesystems_are_asked_through_psutil(collect: Collect) -> None:
    found = collect("filesystem", exclude_types="^$", exclude_mounts="^$")
    sizes = {
        (part.device, part.mountpoint, part.fstype): psutil.disk_usage(
            part.mountpoint
        ).total
        for part in psutil.disk_partitions()
    }
    assert found["node_filesystem_size_bytes"] == sizes
    assert "node_filesystem_files" not in found


def test_network_has_counters_and_link_state(collect: Collect) -> None:
    found = collect("network")
    links = psutil.net_if_stats()
    assert found["node_network_up"] == {
        (name,): int(link.isup) for name, link in links.items()
    }
    assert found["node_network_mtu_bytes"]["lo",] == links["lo"].mtu
    assert found["node_network_receive_bytes_total"].keys() == {
        (name,) for name in psutil.net_io_counters(pernic=True)
    }
    assert ("lo",) not in collect("network", exclude_devices="^lo$")["node_network_up"]


def test_stat_has_what_every_system_counts(collect: Collect) -> None:
    found = collect("stat")
    assert found.pop("node_boot_time_seconds") == {(): psutil.boot_time()}
    assert found.keys() == {"node_context_switches_total", "node_intr_total"}


def test_uname_has_the_facts_of_the_system(collect: Collect) -> None:
    (labels,) = collect("uname")["node_uname_info"]
    assert labels[0] == platform.system()
    assert labels[4] == os.uname().nodename


def test_time_needs_nothing_of_linux(collect: Collect) -> None:
    assert collect("time").keys() == {
        "node_time_seconds",
        "node_time_zone_offset_seconds",
    }
