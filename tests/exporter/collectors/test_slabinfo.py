from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.slabinfo import Slabinfo
from runtime.settings import SlabinfoCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


TEXT = """\
slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>
tw_sock_TCP    704    864    256   32    2 : tunables    0    0    0
kmalloc-8192   132    148   8192    4    8 : tunables    0    0    0
"""


def objects(host: Host, options: SlabinfoCollector) -> dict[tuple[str, ...], float]:
    write(host, {"proc/slabinfo": TEXT})
    return values(Slabinfo(host, options).collect())["node_slabinfo_objects"]


def test_objects_are_told_by_slab(empty_host: Host) -> None:
    found = objects(empty_host, SlabinfoCollector())
    assert found == {("tw_sock_TCP",): 864, ("kmalloc-8192",): 148}


@pytest.mark.setting("exporter.collectors.slabinfo.exclude_slabs")
def test_slabs_can_be_left_out(empty_host: Host) -> None:
    found = objects(empty_host, SlabinfoCollector(exclude_slabs="^kmalloc"))
    assert found == {("tw_sock_TCP",): 864}


def test_slabs_may_be_hidden(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="may not read"):
        Slabinfo(empty_host, SlabinfoCollector()).collect()
