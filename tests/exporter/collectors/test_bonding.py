from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.bonding import Bonding
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def bond(members: dict[str, str], prefix: str = "lower_") -> dict[str, str]:
    folder = "sys/class/net/bond0"
    return {
        "sys/class/net/bonding_masters": "bond0\n",
        f"{folder}/bonding/slaves": " ".join(members),
        **{
            f"{folder}/{prefix}{name}/bonding_slave/mii_status": f"{state}\n"
            for name, state in members.items()
        },
    }


@pytest.mark.parametrize("prefix", ["lower_", "slave_"])
def test_interfaces_that_are_up_are_active(empty_host: Host, prefix: str) -> None:
    write(empty_host, bond({"eth0": "up", "eth1": "down"}, prefix))
    found = values(Bonding(empty_host, Collector()).collect())
    assert found == {
        "node_bonding_slaves": {("bond0",): 2},
        "node_bonding_active": {("bond0",): 1},
    }


def test_an_interface_that_is_leaving_counts_as_down(empty_host: Host) -> None:
    write(empty_host, {**bond({}), "sys/class/net/bond0/bonding/slaves": "eth0\n"})
    found = values(Bonding(empty_host, Collector()).collect())
    assert found["node_bonding_active"] == {("bond0",): 0}


def test_an_interface_without_a_state_counts_as_down(empty_host: Host) -> None:
    files = bond({"eth0": "up"})
    folder = "sys/class/net/bond0/lower_eth0/bonding_slave"
    files[f"{folder}/state"] = files.pop(f"{folder}/mii_status")
    write(empty_host, files)
    found = values(Bonding(empty_host, Collector()).collect())
    assert found["node_bonding_active"] == {("bond0",): 0}


def test_machines_without_bonds_have_nothing_to_tell(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no bonds"):
        Bonding(empty_host, Collector()).collect()
