from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.zoneinfo import Zoneinfo
from runtime.settings import OptionalCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


TEXT = """\
Node 0, zone      DMA
  per-node stats
      nr_dirtied   11
  pages free     2949
        min      8
        protection: (0, 2039)
      nr_free_pages 2949
  pagesets
    cpu: 0
              count: 4
Node 1, zone   Normal
  pages free     5
        min      9
"""


def test_zones_are_told_by_node(empty_host: Host) -> None:
    write(empty_host, {"proc/zoneinfo": TEXT})
    assert values(Zoneinfo(empty_host, OptionalCollector()).collect()) == {
        "node_zoneinfo_nr_dirtied_total": {("0", "DMA"): 11},
        "node_zoneinfo_min_pages": {("0", "DMA"): 8, ("1", "Normal"): 9},
        "node_zoneinfo_protection_0": {("0", "DMA"): 0},
        "node_zoneinfo_protection_1": {("0", "DMA"): 2039},
        "node_zoneinfo_nr_free_pages": {("0", "DMA"): 2949},
    }
