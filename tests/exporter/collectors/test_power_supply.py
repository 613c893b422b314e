from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.power_supply import PowerSupply
from runtime.settings import PowerSupplyCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


FILES = {
    "sys/class/power_supply/AC/online": "1\n",
    "sys/class/power_supply/AC/type": "Mains\n",
    "sys/class/power_supply/BAT0/temp": "-25\n",
    "sys/class/power_supply/BAT0/energy_now": "36580000\n",
    "sys/class/power_supply/BAT0/capacity": "\n",
}


def found(host: Host, options: PowerSupplyCollector) -> dict[str, object]:
    return dict(values(PowerSupply(host, options).collect()))


def test_values_are_in_base_units(empty_host: Host) -> None:
    write(empty_host, FILES)
    told = found(empty_host, PowerSupplyCollector())
    assert told["node_power_supply_online"] == {("AC",): 1}
    assert told["node_power_supply_temp_celsius"] == {("BAT0",): -2.5}
    assert told["node_power_supply_energy_watthour"] == {("BAT0",): 36.58}
    assert "node_power_supply_capacity" not in told


@pytest.mark.setting("exporter.collectors.power_supply.exclude_supplies")
def test_supplies_can_be_left_out(empty_host: Host) -> None:
    write(empty_host, FILES)
    told = found(empty_host, PowerSupplyCollector(exclude_supplies="^BAT"))
    assert set(told) == {"node_power_supply_online", "node_power_supply_info"}


def test_a_battery_may_come_and_go(empty_host: Host) -> None:
    collector = PowerSupply(empty_host, PowerSupplyCollector())
    with pytest.raises(NothingHere, match="no power supply"):
        collector.collect()
    write(empty_host, FILES)
    assert "node_power_supply_online" in values(collector.collect())
