from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.arp import Arp
from exporter.collectors.base import NothingHere
from runtime.settings import ArpCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


HEADER = "IP address  HW type  Flags  HW address         Mask  Device\n"
NEIGHBOURS = "".join(
    f"192.0.2.{last}   0x1      0x2    02:00:00:00:00:0{last}  *     {device}\n"
    for last, device in ((1, "eth0"), (2, "eth0"), (3, "wlan0"))
)


def entries(host: Host, options: ArpCollector) -> dict[tuple[str, ...], float]:
    return values(Arp(host, options).collect())["node_arp_entries"]


def test_neighbours_are_counted_by_interface(empty_host: Host) -> None:
    write(empty_host, {"proc/net/arp": HEADER + NEIGHBOURS})
    assert entries(empty_host, ArpCollector()) == {("eth0",): 2, ("wlan0",): 1}


def test_a_machine_may_know_no_neighbour(empty_host: Host) -> None:
    write(empty_host, {"proc/net/arp": HEADER})
    assert entries(empty_host, ArpCollector()) == {}


@pytest.mark.setting("exporter.collectors.arp.exclude_devices")
def test_interfaces_can_be_left_out(empty_host: Host) -> None:
    write(empty_host, {"proc/net/arp": HEADER + NEIGHBOURS})
    chosen = ArpCollector(exclude_devices="^eth")
    assert entries(empty_host, chosen) == {("wlan0",): 1}


def test_a_kernel_without_ipv4_has_no_neighbours(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="without IPv4"):
        Arp(empty_host, ArpCollector()).collect()
