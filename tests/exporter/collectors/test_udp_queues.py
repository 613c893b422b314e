from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.udp_queues import UdpQueues
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n"


def line(sent: int, unread: int) -> str:
    return f"   0: 00000000:0016 00000000:0000 0A {sent:08X}:{unread:08X} 00:00000000\n"


def test_queues_of_all_sockets_are_added_up(empty_host: Host) -> None:
    write(
        empty_host,
        {"proc/net/udp": HEAD + line(21, 0) + line(1, 255), "proc/net/udp6": HEAD},
    )
    assert values(UdpQueues(empty_host, Collector()).collect()) == {
        "node_udp_queues": {
            ("tx", "v4"): 22,
            ("rx", "v4"): 255,
            ("tx", "v6"): 0,
            ("rx", "v6"): 0,
        }
    }


def test_a_kernel_may_lack_udp(empty_host: Host) -> None:
    with pytest.raises(NothingHere):
        UdpQueues(empty_host, Collector()).collect()
