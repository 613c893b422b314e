"""What the dashboard Node Exporter Full (1860) finds: of this exporter, of theirs.

A real Prometheus scrapes both on this machine, and this exporter on a recorded machine
that has what this one may lack: sensors, a power supply, a systemd with sockets.
"""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from exporter.compat.known import list_of
from tests.e2e.programs import RunningExporter
from tests.exporter.collectors.systemd_bus import FakeSystemd, Properties, RealBus
from tests.exporter.recorded import lay_out
from tests.servers import PATIENCE, RealNodeExporter, RealPrometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        shutil.which("dbus-daemon") is None, reason="needs the package dbus-daemon"
    ),
]

WANTED: Final = frozenset(list_of("1860"))
OURS_AT_LEAST: Final = 224

NOT_OURS: Final = {
    "node_network_speed_bytes": "theirs tells -125000 bytes of a link without a speed,"
    " ours leaves it out, as theirs does with --collector.netclass.ignore-invalid-speed"
}
"""Names that theirs may have here and ours has not, and why."""

NOT_SERVED: Final = {
    "node_kernel_hung_tasks": "is node_kernel_hung_tasks_total, of both exporters",
    "node_hwmon_temp_crit_hyst_celsius": "no sensor of the recorded machine has it",
    "node_memory_DirectMap1G_bytes": "not of every processor",
    "node_memory_Zswap_bytes": "came with Linux 5.19, and CONFIG_ZSWAP",
    "node_memory_Zswapped_bytes": "came with Linux 5.19, and CONFIG_ZSWAP",
}
"""Names that neither this machine nor the recorded one may have, and why."""

PATH: Final = "/org/freedesktop/systemd1/unit/ssh_2esocket"
SOCKET: Final[tuple[Any, ...]] = (
    *("ssh.socket", "SSH", "loaded", "active", "listening", "", PATH),
    *(0, "", "/"),
)
PROPERTIES: Final[Properties] = {
    ("/org/freedesktop/systemd1", "Version"): ("s", "252"),
    (PATH, "NAccepted"): ("u", 7),
    (PATH, "NConnections"): ("u", 2),
    (PATH, "NRefused"): ("u", 1),
}

CONFIG: Final = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: ours
  static_configs: [{{targets: ['127.0.0.1:{ours}']}}]
- job_name: recorded
  static_configs: [{{targets: ['127.0.0.1:{recorded}']}}]
- job_name: theirs
  static_configs: [{{targets: ['127.0.0.1:{theirs}']}}]
"""


class Theirs(RealNodeExporter):
    """A node_exporter with the collectors that the dashboard asks to enable."""

    def arguments(self) -> Sequence[str]:
        more = ("interrupts", "processes", "systemd", "tcpstat")
        return (*super().arguments(), *(f"--collector.{name}" for name in more))


class Recorded(RunningExporter):
    """This exporter, looking at the recorded machine."""

    def __init__(self, directory: Path, machine: Path) -> None:
        super().__init__(directory)
        self._machine = machine

    def arguments(self) -> Sequence[str]:
        paths = {"procfs": "proc", "sysfs": "sys", "rootfs": "root"}
        exporter = {
            "listen": f"127.0.0.1:{self.port}",
            "paths": {key: str(self._machine / name) for key, name in paths.items()},
        }
        path = self.directory / "config.yaml"
        path.write_text(yaml.safe_dump({"exporter": exporter}))
        return ("-m", "exporter", "--config", str(path))


@pytest.fixture(scope="module")
def machine() -> Iterator[Path]:
    """The recorded machine, with a systemd that has one socket."""
    bus = RealBus()
    systemd = FakeSystemd(bus.path, [SOCKET], PROPERTIES)
    # Beside the bus: the path of a socket must be short.
    folder = bus.root / "machine"
    folder.mkdir()
    lay_out(folder)
    (folder / "root" / "run" / "dbus").symlink_to(bus.root / "run" / "dbus")
    yield folder
    systemd.leave()
    bus.stop()


@pytest.fixture(scope="module")
def found(
    machine: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, set[str]]:
    """The names of the dashboard that Prometheus has of each job."""
    folder = tmp_path_factory.mktemp("full")
    with (
        RunningExporter(folder / "ours") as ours,
        Recorded(folder / "recorded", machine) as recorded,
        Theirs(folder / "theirs") as theirs,
    ):
        config = CONFIG.format(
            ours=ours.port, recorded=recorded.port, theirs=theirs.port
        )
        with RealPrometheus(folder / "prometheus", config) as prometheus:
            _wait(lambda: len(_up(prometheus)) == 3)
            # What is sampled in the background comes a scrape later.
            _wait(lambda: "node_processes_pids" in _names(prometheus, "ours"))
            _wait(lambda: "node_systemd_units" in _names(prometheus, "recorded"))
            return {job: _names(prometheus, job) for job in _up(prometheus)}


def _up(prometheus: RealPrometheus) -> set[str]:
    series = prometheus.query("node_time_seconds and on (job) up == 1", time.time())
    return {one["metric"]["job"] for one in series}


def _names(prometheus: RealPrometheus, job: str) -> set[str]:
    told = prometheus.api("label/__name__/values", **{"match[]": f'{{job="{job}"}}'})
    return set(WANTED.intersection(told))


def _wait(happened: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < give_up
        time.sleep(0.2)


def test_ours_has_every_name_that_theirs_has(
    found: dict[str, set[str]], record_property: Callable[[str, object], None]
) -> None:
    for job, names in found.items():
        record_property(job, len(names))
    record_property("only ours", sorted(found["ours"] - found["theirs"]))
    assert found["theirs"] - found["ours"] <= NOT_OURS.keys()
    assert len(found["ours"]) >= len(found["theirs"])


def test_here_or_on_the_recorded_machine_every_name_is_served(
    found: dict[str, set[str]], record_property: Callable[[str, object], None]
) -> None:
    served = found["ours"] | found["recorded"]
    missing = WANTED - served
    record_property("served", len(served))
    record_property("missing", {name: NOT_SERVED.get(name) for name in missing})
    assert missing <= NOT_SERVED.keys()
    assert len(served) >= OURS_AT_LEAST


def test_what_is_not_served_is_a_name_of_the_dashboard() -> None:
    assert NOT_SERVED.keys() | NOT_OURS.keys() <= WANTED
