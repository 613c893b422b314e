"""Machines that hide a part of themselves are measured as far as they can be."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import build
from exporter.registry import Registry
from runtime.clock import SystemClock
from runtime.settings import Collectors
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from exporter.collectors.base import Host
    from exporter.registry import Scrape, State

FOUND_ANYWHERE = {
    "epimetheus_exporter_sample_age_seconds",
    "node_scrape_collector_duration_seconds",
    "node_scrape_collector_success",
    "node_textfile_scrape_error",
    "node_time_seconds",
    "node_time_zone_offset_seconds",
    "node_uname_info",
}


NEEDED = {
    "cpu",
    "disk",
    "filefd",
    "filesystem",
    "load",
    "memory",
    "netstat",
    "processes",
    "sockstat",
    "softnet",
    "stat",
    "tcpstat",
    "vmstat",
}
"""Collectors of what every Linux has; for the others there is nothing to measure."""

ANYWHERE = {"textfile", "time", "timex", "uname"}

SYSFS = {
    "bonding",
    "cpufreq",
    "dmi",
    "edac",
    "fibrechannel",
    "hwmon",
    "infiniband",
    "nvme",
    "power_supply",
    "rapl",
    "thermal_zone",
    "watchdog",
}
"""Collectors of what sysfs alone tells."""


@pytest.fixture(params=["/nowhere", ""], ids=["missing", "empty"])
def hidden(request: pytest.FixtureRequest, empty_host: Host) -> Host:
    """A machine where nothing is mounted, and one whose mounts are empty."""
    found = {"procfs": request.param, "sysfs": request.param} if request.param else {}
    return dataclasses.replace(empty_host, clock=SystemClock(), **found)


def _scrape(host: Host) -> Scrape:
    registry = Registry(build(host, Collectors()), deadline=30.0, clock=host.clock)
    return registry.scrape(registry.names)


def _states(scrape: Scrape) -> dict[str, State]:
    return {report.name: report.state for report in scrape.reports}


def test_without_procfs_and_sysfs_the_rest_is_still_answered(hidden: Host) -> None:
    scrape = _scrape(hidden)
    states = _states(scrape)
    assert {name for name, state in states.items() if state == "failed"} == NEEDED
    assert {name for name, state in states.items() if state == "ok"} == ANYWHERE
    assert "hung" not in states.values()
    found = {name for name in values(scrape.families) if "_timex_" not in name}
    assert found == FOUND_ANYWHERE


def test_without_sysfs_everything_that_procfs_tells_is_there(host: Host) -> None:
    seeing = dataclasses.replace(host, clock=SystemClock())
    blind = dataclasses.replace(seeing, sysfs="/nowhere")
    scrape = _scrape(blind)
    states = _states(scrape)
    silent = {name for name, state in states.items() if state == "nothing here"}
    assert silent == {*SYSFS, "systemd"}
    assert {states[name] for name in states.keys() - silent} == {"ok"}
    gone = values(_scrape(seeing).families).keys() - values(scrape.families).keys()
    assert {"node_network_up", "node_hwmon_temp_celsius"} <= gone
    assert "node_cpu_seconds_total" not in gone
    assert "node_network_receive_bytes_total" not in gone
