from __future__ import annotations

import dataclasses
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from exporter.collectors.base import NothingHere
from exporter.collectors.systemd import Systemd
from runtime.clock import SystemClock
from runtime.settings import SystemdCollector
from tests.exporter.collectors.systemd_bus import FakeSystemd, Properties, RealBus
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.collectors.base import Host

pytestmark = pytest.mark.skipif(
    shutil.which("dbus-daemon") is None, reason="needs the package dbus-daemon"
)


def _unit(name: str, state: str, load: str = "loaded") -> tuple[Any, ...]:
    path = f"/org/freedesktop/systemd1/unit/{name.replace('.', '_2e')}"
    return (name, f"The {name}", load, state, "dead", "", path, 0, "", "/")


MANAGER = "/org/freedesktop/systemd1"
UNIT = f"{MANAGER}/unit"
UNITS = [
    _unit("ssh.service", "active"),
    _unit("backup.service", "failed"),
    _unit("gone.service", "inactive", "not-found"),
    _unit("ssh.socket", "active"),
    _unit("old.socket", "inactive"),
    _unit("daily.timer", "active"),
    _unit("boot.mount", "active"),
]
PROPERTIES: Properties = {
    (MANAGER, "Version"): ("s", "252.38-1~deb12u1"),
    (MANAGER, "SystemState"): ("s", "degraded"),
    (f"{UNIT}/ssh_2eservice", "Type"): ("s", "notify"),
    (f"{UNIT}/backup_2eservice", "Type"): ("s", "oneshot"),
    (f"{UNIT}/ssh_2esocket", "NAccepted"): ("u", 7),
    (f"{UNIT}/ssh_2esocket", "NConnections"): ("u", 2),
    (f"{UNIT}/ssh_2esocket", "NRefused"): ("u", 1),
    (f"{UNIT}/old_2esocket", "NAccepted"): ("u", 3),
    (f"{UNIT}/daily_2etimer", "LastTriggerUSec"): ("t", 1_700_000_000_500_000),
}


@pytest.fixture(scope="module")
def bus() -> Iterator[RealBus]:
    real = RealBus()
    yield real
    real.stop()


@pytest.fixture
def systemd(bus: RealBus) -> Iterator[FakeSystemd]:
    fake = FakeSystemd(bus.path, UNITS, PROPERTIES)
    yield fake
    fake.leave()


@pytest.fixture
def served(empty_host: Host, bus: RealBus) -> Host:
    return dataclasses.replace(
        empty_host, rootfs=str(bus.root), clock=SystemClock(), deadline=30.0
    )


def _found(host: Host, **options: Any) -> dict[str, dict[tuple[str, ...], float]]:
    collector = Systemd(host, SystemdCollector.model_validate(options))
    return {
        name.removeprefix("node_systemd_"): found
        for name, found in values(collector.collect()).items()
    }


@pytest.mark.usefixtures("systemd")
def test_units_are_told_by_state_and_some_by_what_they_do(served: Host) -> None:
    found = _found(served)
    states = found.pop("unit_state")
    assert {labels for labels, value in states.items() if value} == {
        ("ssh.service", "active", "notify"),
        ("backup.service", "failed", "oneshot"),
        ("ssh.socket", "active", ""),
        ("old.socket", "inactive", ""),
        ("daily.timer", "active", ""),
    }
    assert len(states) == 5 * 5
    assert found == {
        "units": {
            ("active",): 4,
            ("activating",): 0,
            ("deactivating",): 0,
            ("inactive",): 2,
            ("failed",): 1,
        },
        "system_running": {(): 0},
        "version": {("252.38-1~deb12u1",): 252.38},
        "socket_accepted_connections_total": {("ssh.socket",): 7, ("old.socket",): 3},
        "socket_current_connections": {("ssh.socket",): 2},
        "socket_refused_connections_total": {("ssh.socket",): 1},
        "timer_last_trigger_seconds": {("daily.timer",): 1_700_000_000.5},
    }


@pytest.mark.setting("exporter.collectors.systemd.include")
@pytest.mark.setting("exporter.collectors.systemd.exclude")
@pytest.mark.usefixtures("systemd")
def test_units_can_be_chosen_by_their_whole_names(served: Host) -> None:
    found = _found(served, include="ssh.*|boot.*", exclude=r"ssh\.sock|.*vice")
    assert {name for name, _, _ in found["unit_state"]} == {"ssh.socket", "boot.mount"}
    assert found["units"]["failed",] == 1


def test_types_are_asked_for_once(served: Host, systemd: FakeSystemd) -> None:
    collector = Systemd(served, SystemdCollector())
    collector.collect()
    collector.collect()
    types = [path for path, name in systemd.asked if name == "Type"]
    assert len(types) == len(set(types)) == 2


@pytest.mark.setting("exporter.collectors.systemd.interval")
def test_the_interval_is_that_of_samples(served: Host) -> None:
    options = SystemdCollector.model_validate({"interval": "7s"})
    assert Systemd(served, options)._interval == 7


def test_a_machine_without_a_bus_has_no_systemd(empty_host: Host) -> None:
    with pytest.raises(NothingHere, match="no system bus at"):
        _found(empty_host)


def test_a_bus_may_have_no_systemd(served: Host) -> None:
    with pytest.raises(NothingHere, match="nobody on the system bus is systemd"):
        _found(served)
