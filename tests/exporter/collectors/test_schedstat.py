from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.schedstat import Schedstat
from runtime.settings import Collector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_times_are_seconds(empty_host: Host) -> None:
    text = "version 15\ntimestamp 1\ncpu0 1 0 2 3 4 5 1500000000 250000000 9\ndomain0 1"
    write(empty_host, {"proc/schedstat": text})
    cpu = ("0",)
    assert values(Schedstat(empty_host, Collector()).collect()) == {
        "node_schedstat_running_seconds_total": {cpu: 1.5},
        "node_schedstat_waiting_seconds_total": {cpu: 0.25},
        "node_schedstat_timeslices_total": {cpu: 9},
    }


def test_a_kernel_may_not_count(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="CONFIG_SCHEDSTATS"):
        Schedstat(empty_host, Collector()).collect()
