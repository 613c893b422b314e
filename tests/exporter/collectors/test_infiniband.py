from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.infiniband import Infiniband
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_data_are_told_in_bytes(empty_host: Host) -> None:
    port = "sys/class/infiniband/mlx5_0/ports/1"
    write(
        empty_host,
        {
            f"{port}/state": "4: ACTIVE\n",
            f"{port}/rate": "2.5 Gb/sec (1X SDR)\n",
            f"{port}/counters/port_rcv_data": "7\n",
            f"{port}/counters/port_xmit_data": "N/A (no PMA)\n",
            f"{port}/counters/link_downed": "3\n",
        },
    )
    labels = ("mlx5_0", "1")
    assert values(Infiniband(empty_host, Collector()).collect()) == {
        "node_infiniband_info": {("mlx5_0", "", "", ""): 1},
        "node_infiniband_state_id": {labels: 4},
        "node_infiniband_rate_bytes_per_second": {labels: 312_500_000},
        "node_infiniband_link_downed_total": {labels: 3},
        "node_infiniband_port_data_received_bytes_total": {labels: 28},
    }


def test_machines_may_have_none(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no InfiniBand"):
        Infiniband(empty_host, Collector()).collect()
