from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.netstat import Netstat
from runtime.settings import NetstatCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host

FILES = {
    "proc/net/netstat": "TcpExt: ListenDrops TW\nTcpExt: 7 3\n",
    "proc/net/snmp": "Tcp: MaxConn CurrEstab\nTcp: -1 5\nUdp: InErrors\nUdp: 2\n",
}


def test_the_usual_fields_are_read(empty_host: Host) -> None:
    write(empty_host, FILES)
    assert values(Netstat(empty_host, NetstatCollector()).collect()) == {
        "node_netstat_TcpExt_ListenDrops": {(): 7},
        "node_netstat_Tcp_MaxConn": {(): -1},
        "node_netstat_Tcp_CurrEstab": {(): 5},
        "node_netstat_Udp_InErrors": {(): 2},
    }


def test_counters_of_ipv6_are_read_where_it_is_there(empty_host: Host) -> None:
    version_6 = "Ip6InOctets \t 460\nIcmp6OutType143 8\nUdp6NoPorts 1\n"
    write(empty_host, {**FILES, "proc/net/snmp6": version_6})
    found = values(Netstat(empty_host, NetstatCollector()).collect())
    assert found["node_netstat_Ip6_InOctets"] == {(): 460}
    assert found["node_netstat_Udp6_NoPorts"] == {(): 1}
    assert not any("OutType143" in name for name in found)


@pytest.mark.setting("exporter.collectors.netstat.fields")
def test_other_fields_are_read_on_request(empty_host: Host) -> None:
    write(empty_host, FILES)
    chosen = NetstatCollector(fields="^TcpExt_TW$")
    assert values(Netstat(empty_host, chosen).collect()) == {
        "node_netstat_TcpExt_TW": {(): 3}
    }
