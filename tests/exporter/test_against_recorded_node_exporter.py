"""All collectors on the recorded machine, against what node_exporter says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import build
from exporter.render import text_renderer
from runtime.settings import Collectors, NetworkCollector
from tests.exporter.conftest import RECORDED
from tests.exporter.exposition import Read, parse

if TYPE_CHECKING:
    from exporter.collectors.base import Host

IN_SCOPE = re.compile(
    r"node_(boot_time_seconds|context_switches|cpu|disk|entropy|filefd|forks|intr_total"
    r"|load|memory|netstat|network|nf_conntrack|pressure|processes|procs|schedstat|sockstat"
    r"|softnet|textfile|time|udp|vmstat)"
)

OTHER_COLLECTORS = re.compile(
    r"node_cpu_(bug_info|flag_info|frequency_hertz|info|scaling_.*|vulnerabilities_info)"
    r"|node_memory_numa_.*"
)
"""Families of collectors that node_exporter leaves off or that are not built here."""

NOT_RECORDED = re.compile(
    r"node_netstat_Tcp_MaxConn|node_network_(receive|transmit)_(?!queue_length).*|node_time_(zone_offset_)?seconds"
    r"|node_filesystem_.*|node_processes_threads_state"
)
"""Families of the machine the test runs on, one that dashboards ask for, and threads,
which the recording has for no process.
"""


def _relevant(read: dict[str, Read]) -> dict[str, Read]:
    return {
        name: family
        for name, family in read.items()
        if IN_SCOPE.match(name)
        and not OTHER_COLLECTORS.fullmatch(name)
        and not NOT_RECORDED.fullmatch(name)
    }


@pytest.fixture
def ours(host: Host) -> dict[str, Read]:
    # node_exporter's recording leaves these two interfaces out.
    settings = Collectors(network=NetworkCollector(exclude_devices="(dmz|int)"))
    collectors = build(host, settings)
    families = [
        family
        for name, collector in collectors.items()
        if name not in {"filesystem", "uname"}
        for family in collector.collect()
    ]
    return parse(text_renderer().render(families).decode())


@pytest.fixture(scope="module")
def theirs() -> dict[str, Read]:
    return parse((RECORDED / "e2e-output.txt").read_text(encoding="utf-8"))


def test_names_types_and_help_are_those_of_node_exporter(
    ours: dict[str, Read], theirs: dict[str, Read]
) -> None:
    def shape(read: dict[str, Read]) -> dict[str, tuple[str, str]]:
        return {
            name: (family.kind, family.help) for name, family in _relevant(read).items()
        }

    assert shape(ours) == shape(theirs)


def test_labels_and_values_are_those_of_node_exporter(
    ours: dict[str, Read], theirs: dict[str, Read]
) -> None:
    expected = _relevant(theirs)
    assert len(expected) > 110
    for name, family in _relevant(ours).items():
        # Go multiplies by 0.001 where we divide by 1000.
        assert family.samples == pytest.approx(expected[name].samples, rel=1e-12), name


def test_traffic_has_the_names_that_node_exporter_gives_it(
    ours: dict[str, Read], theirs: dict[str, Read]
) -> None:
    def traffic(read: dict[str, Read]) -> set[str]:
        return {
            name
            for name in read
            if re.fullmatch(r"node_network_(receive|transmit)_.*_total", name)
        }

    # Only netlink counts packets without a handler on this machine, and the recording
    # leaves out what moves with every packet.
    nowhere = {"node_network_receive_nohandler_total"}
    moving = {
        f"node_network_{way}_{unit}_total"
        for way in ("receive", "transmit")
        for unit in ("bytes", "packets")
    }
    assert traffic(ours) - moving == traffic(theirs) - nowhere
    assert moving <= ours.keys()
