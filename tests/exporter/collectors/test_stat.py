from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.stat import Stat
from runtime.settings import StatCollector
from tests.exporter.conftest import write
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host


def test_lines_that_are_not_about_one_cpu_are_read(empty_host: Host) -> None:
    write(
        empty_host,
        {
            "proc/stat": "cpu  1 2 3 4\ncpu0 1 2 3 4\nintr 8885917 17 0 0\n"
            "ctxt 38014093\nbtime 1418183276\nprocesses 26442\nprocs_running 2\n"
            "procs_blocked 1\nsoftirq 5057579 250191\n"
        },
    )
    assert values(Stat(empty_host, StatCollector()).collect()) == {
        "node_intr_total": {(): 8885917},
        "node_context_switches_total": {(): 38014093},
        "node_boot_time_seconds": {(): 1418183276},
        "node_forks_total": {(): 26442},
        "node_procs_running": {(): 2},
        "node_procs_blocked": {(): 1},
    }


@pytest.mark.setting("exporter.collectors.stat.softirqs")
def test_softirqs_are_told_on_request(empty_host: Host) -> None:
    write(empty_host, {"proc/stat": "softirq 5057579 250191 7\n"})
    found = values(Stat(empty_host, StatCollector(softirqs=True)).collect())
    assert found == {"node_softirqs_total": {("hi",): 250191, ("timer",): 7}}
