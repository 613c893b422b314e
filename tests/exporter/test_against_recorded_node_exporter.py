"""All collectors on the recorded machine, against what node_exporter says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import COLLECTORS, build
from exporter.render import text_renderer
from runtime.settings import Collectors
from scripts.pages.left_out import LEFT_OUT
from tests.exporter.exposition import Labels, Read, parse
from tests.exporter.recorded import RECORDED

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.collectors.base import Host

OF_THE_TEST_MACHINE = {
    "cgroups",
    "filesystem",
    "perf",
    "systemd",
    "tcpstat",
    "timex",
    "top_processes",
    "uname",
}
"""Collectors that ask the kernel itself, or that node_exporter does not have."""

NO_FILE_OF_PROC = re.compile(r"node_network_(receive|transmit)_(?!queue_length).*")
"""node_exporter asks netlink; the file that is read here is not in its recording."""

NOT_RECORDED = {
    "node_netstat_Tcp_MaxConn",
    "node_processes_threads_state",
    "node_time_seconds",
    "node_time_zone_offset_seconds",
}
"""Families of the moment, one that dashboards ask for, and threads, which the recording
has for no process."""

RECORDED_CHIPS = "applesmc|asus_nb_wmi|coretemp|hwmon4|ieee80211|nct6779"

# What end-to-end-test.sh of node_exporter chooses.
SETTINGS: dict[str, dict[str, object]] = {
    "arp": {"exclude_devices": "nope"},
    "cpu_info": {
        "flags": "^(aes|avx.?|constant_tsc)$",
        "bugs": "^(cpu_meltdown|spectre_.*|mds)$",
    },
    "hwmon": {"exclude_chips": f"^(?!.*({RECORDED_CHIPS}))"},
    "interrupts": {"include_zeros": True},
    "network": {"exclude_devices": "(dmz|int)"},
    "stat": {"softirqs": True},
}


def _compared(name: str) -> bool:
    return not NO_FILE_OF_PROC.fullmatch(name) and not any(
        name in one for one in LEFT_OUT
    )


def _relevant(read: dict[str, Read]) -> dict[str, Read]:
    return {name: family for name, family in read.items() if _compared(name)}


@pytest.fixture
def ours(host: Host) -> dict[str, Read]:
    settings = Collectors.model_validate(
        {
            name: {**SETTINGS.get(name, {}), "enabled": name not in OF_THE_TEST_MACHINE}
            for name in COLLECTORS
        }
    )
    families = [
        family
        for collector in build(host, settings).values()
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
            name: (family.kind, family.help)
            for name, family in _relevant(read).items()
            if name not in NOT_RECORDED
        }

    assert shape(ours) == shape(theirs)


def test_labels_and_values_are_those_of_node_exporter(
    ours: dict[str, Read], theirs: dict[str, Read], machine: Path
) -> None:
    def plain(samples: dict[Labels, float]) -> dict[Labels, float]:
        """Leave out empty labels, as Prometheus does, and where the files lie."""
        places = (f"{machine}/", "collector/fixtures/")
        return {
            tuple(
                (name, text.replace(places[0], "").replace(places[1], ""))
                for name, text in labels
                if text
            ): value
            for labels, value in samples.items()
        }

    expected = _relevant(theirs)
    assert len(expected) > 680
    for name, family in expected.items():
        # Go multiplies by 0.001 where we divide by 1000.
        samples = pytest.approx(plain(family.samples), rel=1e-12)
        assert plain(ours[name].samples) == samples, name


def test_what_is_left_out_is_not_served(ours: dict[str, Read]) -> None:
    served = {name for name in ours if any(name in one for one in LEFT_OUT)}
    assert served <= {"node_network_receive_nohandler_total"}


def test_everything_that_is_left_out_exists(theirs: dict[str, Read]) -> None:
    for one in LEFT_OUT:
        assert any(name in one for name in theirs), one


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
