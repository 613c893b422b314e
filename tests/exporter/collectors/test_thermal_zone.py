from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.thermal_zone import ThermalZone
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_zones_and_cooling_devices_are_read(empty_host: Host) -> None:
    write(
        empty_host,
        {
            "sys/class/thermal/thermal_zone0/type": "acpitz\n",
            "sys/class/thermal/thermal_zone0/temp": "-5500\n",
            "sys/class/thermal/cooling_device10/type": "Fan\n",
            "sys/class/thermal/cooling_device10/cur_state": "1\n",
            "sys/class/thermal/cooling_device10/max_state": "4\n",
        },
    )
    assert values(ThermalZone(empty_host, Collector()).collect()) == {
        "node_thermal_zone_temp": {("0", "acpitz"): -5.5},
        "node_cooling_device_cur_state": {("10", "Fan"): 1},
        "node_cooling_device_max_state": {("10", "Fan"): 4},
    }


def test_a_zone_that_does_not_answer_is_left_out(empty_host: Host) -> None:
    write(
        empty_host,
        {
            "sys/class/thermal/thermal_zone0/type": "off\n",
            "sys/class/thermal/thermal_zone1/type": "acpitz\n",
            "sys/class/thermal/thermal_zone1/temp": "40000\n",
        },
    )
    found = values(ThermalZone(empty_host, Collector()).collect())
    assert found == {"node_thermal_zone_temp": {("1", "acpitz"): 40}}


def test_a_machine_may_have_neither(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no thermal zones"):
        ThermalZone(empty_host, Collector()).collect()
