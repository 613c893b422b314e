from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.hwmon import Hwmon
from runtime.settings import HwmonCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host
    from tests.fakes import FakeClock


FOLDER = "sys/class/hwmon"


def chip(number: int, name: str, **files: str) -> dict[str, str]:
    folder = f"{FOLDER}/hwmon{number}"
    return {f"{folder}/{file}": f"{text}\n" for file, text in files.items()} | {
        f"{folder}/name": f"{name}\n"
    }


def temperatures(collector: Hwmon) -> dict[tuple[str, ...], float]:
    return values(collector.collect()).get("node_hwmon_temp_celsius", {})


def test_chips_of_one_name_are_told_apart(empty_host: Host) -> None:
    files = chip(0, "k10", temp1_input="1000") | chip(1, "k10", temp1_input="2000")
    write(empty_host, files)
    assert temperatures(Hwmon(empty_host, HwmonCollector())) == {
        ("k10_hwmon0", "temp1"): 1,
        ("k10_hwmon1", "temp1"): 2,
    }


def test_a_sensor_that_does_not_answer_is_left_out(empty_host: Host) -> None:
    files = chip(0, "k10", temp1_input="1000", temp2_input="", temp3_input="N/A")
    write(empty_host, files)
    found = temperatures(Hwmon(empty_host, HwmonCollector()))
    assert found == {("k10", "temp1"): 1}


def test_chips_may_come_and_go(empty_host: Host) -> None:
    collector = Hwmon(empty_host, HwmonCollector())
    with pytest.raises(NothingHere, match="no sensors"):
        collector.collect()
    write(empty_host, chip(0, "k10", temp1_input="1000"))
    assert temperatures(collector) == {("k10", "temp1"): 1}
    folder = Path(empty_host.sysfs, "class", "hwmon")
    (folder / "hwmon0").rename(folder / "away")
    write(empty_host, chip(0, "nct", temp1_input="3000"))
    (folder / "away").rename(folder / "hwmon7")
    expected = {("nct", "temp1"): 3, ("k10", "temp1"): 1}
    assert temperatures(collector) == expected


def test_sensors_that_a_chip_gets_later_are_found_within_a_minute(
    empty_host: Host, clock: FakeClock
) -> None:
    write(empty_host, chip(0, "k10", temp1_input="1000"))
    collector = Hwmon(empty_host, HwmonCollector())
    assert len(temperatures(collector)) == 1
    write(empty_host, chip(0, "k10", temp2_input="2000"))
    clock.advance(60)
    assert temperatures(collector) == {("k10", "temp1"): 1, ("k10", "temp2"): 2}


@pytest.mark.setting("exporter.collectors.hwmon.exclude_chips")
def test_chips_can_be_left_out(empty_host: Host) -> None:
    files = chip(0, "k10", temp1_input="1000") | chip(1, "nct", temp1_input="2000")
    write(empty_host, files)
    collector = Hwmon(empty_host, HwmonCollector(exclude_chips="^k"))
    assert temperatures(collector) == {("nct", "temp1"): 2}


@pytest.mark.setting("exporter.collectors.hwmon.exclude_sensors")
def test_sensors_can_be_left_out(empty_host: Host) -> None:
    write(empty_host, chip(0, "k10", temp1_input="1000", temp2_input="2000"))
    collector = Hwmon(empty_host, HwmonCollector(exclude_sensors="k10;temp1"))
    assert temperatures(collector) == {("k10", "temp2"): 2}
