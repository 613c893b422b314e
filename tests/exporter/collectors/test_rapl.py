from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.rapl import Rapl
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


FOLDER = "sys/class/powercap"


def test_zones_of_one_name_are_numbered(empty_host: Host) -> None:
    write(
        empty_host,
        {
            f"{FOLDER}/intel-rapl/enabled": "1\n",
            f"{FOLDER}/intel-rapl:0/name": "package-1\n",
            f"{FOLDER}/intel-rapl:0/energy_uj": "2500000\n",
            f"{FOLDER}/intel-rapl:0:0/name": "dram\n",
            f"{FOLDER}/intel-rapl:0:0/energy_uj": "1\n",
            f"{FOLDER}/intel-rapl:1:0/name": "dram\n",
            f"{FOLDER}/intel-rapl:1:0/energy_uj": "2\n",
        },
    )
    place = f"{empty_host.sysfs}/class/powercap"
    assert values(Rapl(empty_host, Collector()).collect()) == {
        "node_rapl_package_joules_total": {("1", f"{place}/intel-rapl:0"): 2.5},
        "node_rapl_dram_joules_total": {
            ("0", f"{place}/intel-rapl:0:0"): 1e-6,
            ("1", f"{place}/intel-rapl:1:0"): 2e-6,
        },
    }


def test_zones_that_may_not_be_read_are_nothing(empty_host: Host) -> None:
    write(empty_host, {f"{FOLDER}/intel-rapl:0/name": "package-0\n"})
    with pytest.raises(NothingHere, match="no zone whose energy may be read"):
        Rapl(empty_host, Collector()).collect()
