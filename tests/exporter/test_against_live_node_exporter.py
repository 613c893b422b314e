"""All collectors against a node_exporter that measures the same machine now."""

from __future__ import annotations

import re
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import build
from exporter.collectors.base import Host
from exporter.registry import Registry
from exporter.render import text_renderer
from runtime.clock import SystemClock
from runtime.settings import Collectors, InterruptsCollector, Paths
from tests.exporter.exposition import Labels, Read, parse
from tests.servers import RealNodeExporter

if TYPE_CHECKING:
    from collections.abc import Sequence

THEIR_COLLECTORS = (
    "arp",
    "bonding",
    "conntrack",
    "cpu",
    "cpufreq",
    "diskstats",
    "dmi",
    "edac",
    "entropy",
    "filefd",
    "filesystem",
    "hwmon",
    "interrupts",
    "loadavg",
    "mdadm",
    "meminfo",
    "netclass",
    "netdev",
    "netstat",
    "nvme",
    "os",
    "powersupplyclass",
    "pressure",
    "processes",
    "rapl",
    "schedstat",
    "sockstat",
    "softnet",
    "stat",
    "tcpstat",
    "textfile",
    "thermal_zone",
    "time",
    "timex",
    "udp_queues",
    "uname",
    "vmstat",
)

NOT_OURS = {"node_exporter_build_info", "promhttp_metric_handler_errors_total"}

MOMENTARY = ("node_processes_", "node_scrape_collector_", "node_tcp_")
"""Names of families whose labels are of the moment, or not theirs."""

NEWER_LABELS = {"node_disk_info": {"rotational"}, "node_network_info": {"adminstate"}}
"""Labels that came after the version Debian has."""

NEWER = {
    "node_kernel_hung_tasks_total",
    "node_softnet_backlog_len",
    "node_softnet_cpu_collision_total",
    "node_softnet_flow_limit_count_total",
    "node_softnet_received_rps_total",
}
"""Families that came after the version Debian has."""

MORE = {*NEWER, "epimetheus_exporter_sample_age_seconds"}
"""Families that are ours alone, too."""

OURS = Collectors(interrupts=InterruptsCollector(include_zeros=True))

STEADY = re.compile(
    r"node_boot_time_seconds|node_disk_info|node_filefd_maximum"
    r"|node_filesystem_(device_error|files|readonly|size_bytes)"
    r"|node_memory_(MemTotal|SwapTotal|HugePages_Total|Hugepagesize|VmallocTotal).*"
    r"|node_network_(?!receive|transmit).*|node_network_transmit_queue_length"
    r"|node_time_(?!seconds).*|node_uname_info"
)
"""Families whose values nothing changes while the test runs."""


class SameCollectors(RealNodeExporter):
    """A node_exporter with our collectors and our exclusions."""

    def arguments(self) -> Sequence[str]:
        settings = Collectors()
        excluded = settings.filesystem
        return (
            *super().arguments(),
            "--web.disable-exporter-metrics",
            "--collector.disable-defaults",
            *(f"--collector.{name}" for name in THEIR_COLLECTORS),
            f"--collector.netdev.device-exclude={settings.network.exclude_devices}",
            "--collector.netclass.ignore-invalid-speed",
            f"--collector.netstat.fields={settings.netstat.fields}",
            f"--collector.diskstats.device-exclude={settings.disk.exclude_devices}",
            f"--collector.filesystem.mount-points-exclude={excluded.exclude_mounts}",
            f"--collector.filesystem.fs-types-exclude={excluded.exclude_types}",
        )


@dataclass(frozen=True)
class Seen:
    """What theirs said before and after ours did."""

    before: dict[str, Read]
    ours: dict[str, Read]
    after: dict[str, Read]


def _theirs(server: RealNodeExporter) -> dict[str, Read]:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as answer:
        read = parse(answer.read().decode())
    return {name: family for name, family in read.items() if name not in NOT_OURS}


def _ours() -> dict[str, Read]:
    clock = SystemClock()
    host = Host.at(Paths(), clock, deadline=30.0)
    registry = Registry(build(host, OURS), deadline=30.0, clock=clock)
    families = registry.scrape(registry.names).families
    read = parse(text_renderer().render(families).decode())
    return {name: family for name, family in read.items() if name not in MORE}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    with SameCollectors(tmp_path_factory.mktemp("node_exporter")) as server:
        return Seen(_theirs(server), _ours(), _theirs(server))


def _older(name: str, samples: dict[Labels, float]) -> dict[Labels, float]:
    newer = NEWER_LABELS.get(name, set())
    return {
        tuple(pair for pair in labels if pair[0] not in newer): value
        for labels, value in samples.items()
    }


def test_names_and_types_are_the_same(seen: Seen) -> None:
    assert {name: family.kind for name, family in seen.ours.items()} == {
        name: family.kind for name, family in seen.after.items()
    }


def test_help_is_the_same(seen: Seen) -> None:
    for name, family in seen.ours.items():
        # They say that they are node_exporter, which we are not.
        theirs = seen.after[name].help.removeprefix("node_exporter: ")
        assert family.help == theirs, name


def test_labels_are_the_same(seen: Seen) -> None:
    for name, family in seen.ours.items():
        if not name.startswith(MOMENTARY):
            labels = _older(name, family.samples).keys()
            assert labels == seen.after[name].samples.keys(), name


def test_counters_lie_between_theirs_before_and_after(seen: Seen) -> None:
    compared = 0
    for name, family in seen.ours.items():
        if family.kind != "counter":
            continue
        before, after = seen.before[name].samples, seen.after[name].samples
        for labels, value in family.samples.items():
            # Go's 0.001 times milliseconds is a hair off, and the kernel's idle and
            # iowait go back at times.
            goes_back = dict(labels).get("mode") in {"idle", "iowait"}
            slack = 1.0 if goes_back else 1e-9 * value
            low, high = before[labels] - slack, after[labels] + slack
            assert low <= value <= high, (name, labels)
            compared += 1
    assert compared > 50


def test_values_that_nothing_changes_are_the_same(seen: Seen) -> None:
    compared = set()
    for name, family in seen.ours.items():
        if STEADY.fullmatch(name):
            assert _older(name, family.samples) == seen.after[name].samples, name
            compared.add(name)
    assert len(compared) > 20
