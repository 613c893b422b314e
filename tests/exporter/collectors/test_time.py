from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.time import Time
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collectors.base import Host


@pytest.fixture
def _kolkata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "XKT-5:30")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_kolkata")
def test_the_time_is_the_clock_s_and_the_offset_is_in_seconds(
    empty_host: Host,
) -> None:
    assert values(Time(empty_host, Collector()).collect()) == {
        "node_time_seconds": {(): 1_700_000_000.0},
        "node_time_zone_offset_seconds": {("XKT",): 19_800},
    }


def test_clock_sources_are_listed_and_the_current_one_is_said(
    empty_host: Host,
) -> None:
    folder = "sys/devices/system/clocksource"
    write(
        empty_host,
        {
            f"{folder}/clocksource0/available_clocksource": "tsc hpet acpi_pm \n",
            f"{folder}/clocksource0/current_clocksource": "tsc\n",
            f"{folder}/uevent": "",
        },
    )
    found = values(Time(empty_host, Collector()).collect())
    assert found["node_time_clocksource_available_info"] == {
        ("0", "tsc"): 1,
        ("0", "hpet"): 1,
        ("0", "acpi_pm"): 1,
    }
    assert found["node_time_clocksource_current_info"] == {("0", "tsc"): 1}
