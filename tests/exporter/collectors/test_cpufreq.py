from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.cpufreq import Cpufreq
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


FOLDER = "sys/devices/system/cpu/cpu3/cpufreq"


def test_frequencies_are_in_hertz(empty_host: Host) -> None:
    write(
        empty_host,
        {
            f"{FOLDER}/cpuinfo_max_freq": "3700000\n",
            f"{FOLDER}/scaling_cur_freq": "1200000\n",
        },
    )
    assert values(Cpufreq(empty_host, Collector()).collect()) == {
        "node_cpu_frequency_max_hertz": {("3",): 3.7e9},
        "node_cpu_scaling_frequency_hertz": {("3",): 1.2e9},
    }


def test_a_frequency_that_the_driver_does_not_know_is_left_out(
    empty_host: Host,
) -> None:
    write(
        empty_host,
        {
            f"{FOLDER}/scaling_cur_freq": "<unknown>\n",
            f"{FOLDER}/scaling_governor": "powersave\n",
            f"{FOLDER}/scaling_available_governors": "performance powersave\n",
        },
    )
    governors = {("3", "performance"): 0, ("3", "powersave"): 1}
    found = values(Cpufreq(empty_host, Collector()).collect())
    assert found == {"node_cpu_scaling_governor": governors}


def test_machines_without_a_driver_have_nothing_to_tell(empty_host: Host) -> None:
    write(empty_host, {"sys/devices/system/cpu/cpu0/online": "1\n"})
    with pytest.raises(NothingHere, match="no driver"):
        Cpufreq(empty_host, Collector()).collect()
