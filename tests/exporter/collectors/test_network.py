from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.network import Network
from runtime.settings import NetworkCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host

HEADER = "Inter-|   Receive\n face |bytes\n"


def _network(host: Host, exclude: str = "^$") -> Network:
    return Network(host, NetworkCollector(exclude_devices=exclude))


def test_every_column_of_net_dev_has_its_counter(empty_host: Host) -> None:
    numbers = " ".join(str(number) for number in range(1, 17))
    write(empty_host, {"proc/net/dev": f"{HEADER}  eth0:{numbers}\n"})
    names = (
        "receive_bytes",
        "receive_packets",
        "receive_errs",
        "receive_drop",
        "receive_fifo",
        "receive_frame",
        "receive_compressed",
        "receive_multicast",
        "transmit_bytes",
        "transmit_packets",
        "transmit_errs",
        "transmit_drop",
        "transmit_fifo",
        "transmit_colls",
        "transmit_carrier",
        "transmit_compressed",
    )
    assert values(_network(empty_host).collect()) == {
        f"node_network_{name}_total": {("eth0",): number}
        for number, name in enumerate(names, start=1)
    }


def test_the_state_of_a_link_is_read_from_sysfs(empty_host: Host) -> None:
    attributes = {
        "addr_assign_type": "0",
        "address": "02:fc:00:00:00:01",
        "broadcast": "ff:ff:ff:ff:ff:ff",
        "carrier": "1",
        "carrier_changes": "3",
        "carrier_down_count": "1",
        "carrier_up_count": "2",
        "dev_id": "0x20",
        "dormant": "0",
        "duplex": "full",
        "flags": "0x1003",
        "ifalias": "",
        "ifindex": "4",
        "iflink": "4",
        "link_mode": "0",
        "mtu": "1400",
        "name_assign_type": "1",
        "netdev_group": "0",
        "operstate": "up",
        "speed": "1000",
        "statistics/rx_nohandler": "5",
        "tx_queue_len": "1000",
        "type": "1",
    }
    write(
        empty_host,
        {f"sys/class/net/eth0/{name}": f"{v}\n" for name, v in attributes.items()},
    )
    device = ("eth0",)
    assert values(_network(empty_host).collect()) == {
        "node_network_address_assign_type": {device: 0},
        "node_network_carrier": {device: 1},
        "node_network_carrier_changes_total": {device: 3},
        "node_network_carrier_down_changes_total": {device: 1},
        "node_network_carrier_up_changes_total": {device: 2},
        "node_network_device_id": {device: 32},
        "node_network_dormant": {device: 0},
        "node_network_flags": {device: 0x1003},
        "node_network_iface_id": {device: 4},
        "node_network_iface_link": {device: 4},
        "node_network_iface_link_mode": {device: 0},
        "node_network_info": {
            (
                "eth0",
                "02:fc:00:00:00:01",
                "ff:ff:ff:ff:ff:ff",
                "full",
                "up",
                "up",
                "",
            ): 1
        },
        "node_network_mtu_bytes": {device: 1400},
        "node_network_name_assign_type": {device: 1},
        "node_network_net_dev_group": {device: 0},
        "node_network_protocol_type": {device: 1},
        "node_network_receive_nohandler_total": {device: 5},
        "node_network_speed_bytes": {device: 125_000_000},
        "node_network_transmit_queue_length": {device: 1000},
        "node_network_up": {device: 1},
    }


@pytest.mark.parametrize("speed", ["-1", "4294967295", ""])
def test_a_speed_that_nobody_knows_is_not_exposed(empty_host: Host, speed: str) -> None:
    write(empty_host, {"sys/class/net/ifb0/speed": f"{speed}\n"})
    found = values(_network(empty_host).collect())
    assert found.keys() == {"node_network_up", "node_network_info"}


@pytest.mark.parametrize(
    ("flags", "state"), [("0x1003", "up"), ("0x1002", "down"), ("", "unknown")]
)
def test_the_administrator_s_state_is_in_the_flags(
    empty_host: Host, flags: str, state: str
) -> None:
    write(empty_host, {"sys/class/net/eth0/flags": f"{flags}\n"})
    found = values(_network(empty_host).collect())
    assert list(found["node_network_info"]) == [("eth0", "", "", "", "", state, "")]


def test_files_between_the_devices_are_not_devices(empty_host: Host) -> None:
    write(
        empty_host,
        {
            "sys/class/net/bonding_masters": "bond0\n",
            "sys/class/net/bond0/operstate": "down\n",
        },
    )
    found = values(_network(empty_host).collect())
    assert found["node_network_up"] == {("bond0",): 0}


@pytest.mark.setting("exporter.collectors.network.exclude_devices")
def test_devices_that_the_settings_exclude_are_left_out(empty_host: Host) -> None:
    write(
        empty_host,
        {
            "proc/net/dev": f"{HEADER}lo: 1\nveth1: 2\neth0: 3\n",
            "sys/class/net/lo/operstate": "unknown\n",
            "sys/class/net/veth1/operstate": "up\n",
            "sys/class/net/eth0/operstate": "up\n",
        },
    )
    found = values(_network(empty_host, exclude="^(lo|veth.*)$").collect())
    assert found["node_network_receive_bytes_total"] == {("eth0",): 3}
    assert found["node_network_up"] == {("eth0",): 1}


def test_a_machine_without_network_files_has_nothing_to_measure(
    empty_host: Host,
) -> None:
    with pytest.raises(NothingHere, match="neither"):
        _network(empty_host).collect()
