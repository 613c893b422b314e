from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.memory import Memory
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_every_field_is_there_and_only_sizes_are_bytes(empty_host: Host) -> None:
    write(
        empty_host,
        {
            "proc/meminfo": "MemTotal:       3742148 kB\n"
            "Active(anon):     100 kB\n"
            "HugePages_Total:       4\n"
            "Hugepagesize:       2048 kB\n"
            "SomethingNew:          1 kB\n"
        },
    )
    assert values(Memory(empty_host, Collector()).collect()) == {
        "node_memory_MemTotal_bytes": {(): 3742148 * 1024},
        "node_memory_Active_anon_bytes": {(): 100 * 1024},
        "node_memory_HugePages_Total": {(): 4},
        "node_memory_Hugepagesize_bytes": {(): 2048 * 1024},
        "node_memory_SomethingNew_bytes": {(): 1024},
    }


def test_metrics_are_made_once(empty_host: Host) -> None:
    write(empty_host, {"proc/meminfo": "MemTotal: 1 kB\n"})
    memory = Memory(empty_host, Collector())
    assert memory.collect()[0].metric is memory.collect()[0].metric
