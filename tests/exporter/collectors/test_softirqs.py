from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.softirqs import Softirqs
from runtime.settings import OptionalCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_each_kind_is_counted_by_cpu(empty_host: Host) -> None:
    text = "        CPU0   CPU2\n  HI:   7      1\nRCU:    5      6\n"
    write(empty_host, {"proc/softirqs": text})
    found = values(Softirqs(empty_host, OptionalCollector()).collect())
    assert found == {
        "node_softirqs_functions_total": {
            ("0", "HI"): 7,
            ("2", "HI"): 1,
            ("0", "RCU"): 5,
            ("2", "RCU"): 6,
        }
    }
