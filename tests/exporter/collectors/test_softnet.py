from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.softnet import Softnet
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def columns(*numbers: int) -> str:
    return " ".join(f"{number:08x}" for number in numbers) + "\n"


def test_columns_of_every_cpu_are_read(empty_host: Host) -> None:
    new = columns(1, 2, 3, 0, 0, 0, 0, 0, 4, 5, 6, 7, 2)
    write(empty_host, {"proc/net/softnet_stat": new})
    found = values(Softnet(empty_host, Collector()).collect())
    cpu = ("2",)
    assert found == {
        "node_softnet_processed_total": {cpu: 1},
        "node_softnet_dropped_total": {cpu: 2},
        "node_softnet_times_squeezed_total": {cpu: 3},
        "node_softnet_cpu_collision_total": {cpu: 4},
        "node_softnet_received_rps_total": {cpu: 5},
        "node_softnet_flow_limit_count_total": {cpu: 6},
        "node_softnet_backlog_len": {cpu: 7},
    }


def test_older_kernels_have_fewer_columns_and_number_no_cpus(empty_host: Host) -> None:
    old = columns(1, 0, 0, 0, 0, 0, 0, 0, 0) + columns(8, 0, 0, 0, 0, 0, 0, 0, 0)
    write(empty_host, {"proc/net/softnet_stat": old})
    found = values(Softnet(empty_host, Collector()).collect())
    assert found["node_softnet_processed_total"] == {
        ("0",): 1,
        ("1",): 8,
    }
    assert set(found["node_softnet_backlog_len"].values()) == {0}
