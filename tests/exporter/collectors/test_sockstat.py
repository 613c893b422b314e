from __future__ import annotations

import os
from typing import TYPE_CHECKING

from exporter.collectors.sockstat import Sockstat
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host

VERSION_4 = "sockets: used 229\nTCP: inuse 4 orphan 0 mem 2\nRAW: inuse 1\n"


def test_sockets_are_counted_by_protocol(empty_host: Host) -> None:
    write(
        empty_host,
        {"proc/net/sockstat": VERSION_4, "proc/net/sockstat6": "TCP6: inuse 17\n"},
    )
    assert values(Sockstat(empty_host, Collector()).collect()) == {
        "node_sockstat_sockets_used": {(): 229},
        "node_sockstat_TCP_inuse": {(): 4},
        "node_sockstat_TCP_orphan": {(): 0},
        "node_sockstat_TCP_mem": {(): 2},
        "node_sockstat_TCP_mem_bytes": {(): 2 * os.sysconf("SC_PAGE_SIZE")},
        "node_sockstat_RAW_inuse": {(): 1},
        "node_sockstat_TCP6_inuse": {(): 17},
    }


def test_a_kernel_may_lack_ipv6(empty_host: Host) -> None:
    write(empty_host, {"proc/net/sockstat": VERSION_4})
    found = values(Sockstat(empty_host, Collector()).collect())
    assert not any("6" in name for name in found)
