from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.buddyinfo import Buddyinfo
from runtime.settings import OptionalCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_free_blocks_are_told_by_size(empty_host: Host) -> None:
    write(empty_host, {"proc/buddyinfo": "Node 1, zone   Normal   4381   1093 \n"})
    found = values(Buddyinfo(empty_host, OptionalCollector()).collect())
    assert found == {
        "node_buddyinfo_blocks": {
            ("1", "Normal", "0"): 4381,
            ("1", "Normal", "1"): 1093,
        }
    }
