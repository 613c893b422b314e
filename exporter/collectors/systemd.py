"""What systemd says of its units: services that failed, sockets, timers."""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from exporter.collectors.base import Family, Host, Metric, NothingHere
from exporter.collectors.dbus import Bus, Refused
from exporter.collectors.sampling import Sampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.settings import SystemdCollector as Options

UNITS = Metric(
    "node_systemd_units", "gauge", "Summary of systemd unit states", ("state",)
)
STATE = Metric(
    "node_systemd_unit_state", "gauge", "Systemd unit", ("name", "state", "type")
)
RUNNING = Metric(
    "node_systemd_system_running",
    "gauge",
    "Whether the system is operational (see 'systemctl is-system-running')",
)
VERSION = Metric(
    "node_systemd_version", "gauge", "Detected systemd version", ("version",)
)
ACCEPTED = Metric(
    "node_systemd_socket_accepted_connections_total",
    "counter",
    "Total number of accepted socket connections",
    ("name",),
)
CURRENT = Metric(
    "node_systemd_socket_current_connections",
    "gauge",
    "Current number of socket connections",
    ("name",),
)
REFUSED = Metric(
    "node_systemd_socket_refused_connections_total",
    "counter",
    "Total number of refused socket connections",
    ("name",),
)
TRIGGERED = Metric(
    "node_systemd_timer_last_trigger_seconds",
    "gauge",
    "Seconds since epoch of last trigger.",
    ("name",),
)

STATES: Final = ("active", "activating", "deactivating", "inactive", "failed")

_SYSTEMD: Final = "org.freedesktop.systemd1"
_MANAGER: Final = "/org/freedesktop/systemd1"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_ABSENT: Final = {
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.Spawn.ChildExited",
}
_GONE: Final = {
    "org.freedesktop.DBus.Error.InvalidArgs",
    "org.freedesktop.DBus.Error.UnknownInterface",
    "org.freedesktop.DBus.Error.UnknownObject",
    "org.freedesktop.DBus.Error.UnknownProperty",
}
"""Answers about a unit that went meanwhile, or a property that it does not have."""

_WITH_TYPE: Final = {"mount": "Mount", "service": "Service"}
_MICROSECONDS: Final = 1_000_000

Samples = list[tuple[tuple[str, ...], float]]


class Unit(NamedTuple):
    """A unit as ListUnits tells of it."""

    name: str
    state: str
    path: str


class Systemd(Sampled):
    """Asks systemd by the system bus, which everybody may."""

    def __init__(self, host: Host, options: Options) -> None:
        super().__init__(host, options.interval)
        self._include = re.compile(options.include)
        self._exclude = re.compile(options.exclude)
        self._types: dict[str, str] = {}

    def measure(self) -> list[Family]:
        """Return the states of units; NothingHere on a machine without systemd."""
        path = f"{self._host.rootfs.rstrip('/')}/run/dbus/system_bus_socket"
        if not os.path.exists(path):  # noqa: PTH110
            raise NothingHere(f"no system bus at {path}")
        bus = Bus(path, self._host.deadline)
        try:
            return self._ask(Manager(bus))
        except Refused as error:
            if error.name in _ABSENT:
                raise NothingHere("nobody on the system bus is systemd") from error
            raise
        finally:
            bus.close()

    def _ask(self, manager: Manager) -> list[Family]:
        every, loaded = manager.units()
        states = Counter(unit.state for unit in every)
        chosen = [
            unit
            for unit in loaded
            if self._include.fullmatch(unit.name)
            and not self._exclude.fullmatch(unit.name)
        ]
        self._types = {unit.name: self._type(unit, manager) for unit in chosen}
        version = str(manager.property(_MANAGER, "Manager", "Version"))
        running = manager.property(_MANAGER, "Manager", "SystemState") == "running"
        number = re.search(r"\d{3,}(\.\d+)?", version)
        families = [
            Family(UNITS, [((state,), states[state]) for state in STATES]),
            RUNNING.of(int(running)),
            Family(VERSION, [((version,), float(number[0] if number else 0))]),
            Family(STATE, self._states(chosen)),
            *_sockets(chosen, manager),
            Family(TRIGGERED, _timers(chosen, manager)),
        ]
        return [family for family in families if family.samples]

    def _states(self, units: Sequence[Unit]) -> Samples:
        return [
            ((unit.name, state, self._types[unit.name]), int(unit.state == state))
            for unit in units
            for state in STATES
        ]

    def _type(self, unit: Unit, manager: Manager) -> str:
        """Return the type of a service or mount, which is asked once."""
        known = self._types.get(unit.name)
        interface = _WITH_TYPE.get(unit.name.rpartition(".")[2])
        if known is not None or interface is None:
            return known or ""
        return str(manager.property(unit.path, interface, "Type") or "")


class Manager:
    """systemd on a bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def units(self) -> tuple[list[Unit], list[Unit]]:
        """Return all units, and those that are loaded."""
        (found,) = self._bus.call(
            _SYSTEMD, _MANAGER, f"{_SYSTEMD}.Manager", "ListUnits"
        )
        every = [(Unit(one[0], one[3], one[6]), one[2]) for one in found]
        loaded = [unit for unit, load in every if load == "loaded"]
        return [unit for unit, _ in every], loaded

    def property(self, path: str, interface: str, name: str) -> Any:
        """Return a property of a unit, None if it is gone or has no such property."""
        try:
            (value,) = self._bus.call(
                _SYSTEMD, path, _PROPERTIES, "Get", f"{_SYSTEMD}.{interface}", name
            )
        except Refused as error:
            if error.name in _GONE:
                return None
            raise
        return value


def _sockets(units: Sequence[Unit], manager: Manager) -> list[Family]:
    return [
        Family(metric, _properties(units, manager, ".socket", "Socket", name))
        for metric, name in (
            (ACCEPTED, "NAccepted"),
            (CURRENT, "NConnections"),
            (REFUSED, "NRefused"),
        )
    ]


def _timers(units: Sequence[Unit], manager: Manager) -> Samples:
    return [
        (labels, value / _MICROSECONDS)
        for labels, value in _properties(
            units, manager, ".timer", "Timer", "LastTriggerUSec"
        )
    ]


def _properties(
    units: Sequence[Unit], manager: Manager, suffix: str, interface: str, name: str
) -> Samples:
    found = [
        (unit.name, manager.property(unit.path, interface, name))
        for unit in units
        if unit.name.endswith(suffix)
    ]
    return [((unit,), value) for unit, value in found if value is not None]
