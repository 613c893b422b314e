from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.load import Load
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_three_averages_are_read(empty_host: Host) -> None:
    write(empty_host, {"proc/loadavg": "0.21 0.37 0.39 1/719 19737\n"})
    assert values(Load(empty_host, Collector()).collect()) == {
        "node_load1": {(): 0.21},
        "node_load5": {(): 0.37},
        "node_load15": {(): 0.39},
    }
