from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.meminfo_numa import MeminfoNuma
from runtime.settings import OptionalCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_fields_are_told_by_node(empty_host: Host) -> None:
    folder = "sys/devices/system/node/node1"
    write(
        empty_host,
        {
            f"{folder}/meminfo": "Node 1 Active(anon):  2 kB\n"
            "Node 1 HugePages_Free: 3\n",
            f"{folder}/numastat": "numa_hit 7\n",
        },
    )
    assert values(MeminfoNuma(empty_host, OptionalCollector()).collect()) == {
        "node_memory_numa_Active_anon": {("1",): 2048},
        "node_memory_numa_HugePages_Free": {("1",): 3},
        "node_memory_numa_numa_hit_total": {("1",): 7},
    }


def test_kernels_may_know_no_nodes(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="without NUMA"):
        MeminfoNuma(empty_host, OptionalCollector()).collect()
