"""The names that the exporter knows, who serves each, and what dashboards ask for."""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LISTS: Final[Mapping[str, str]] = {
    "1860": "Node Exporter Full",
    "7587": "Prometheus Blackbox Exporter",
    "13659": "Blackbox Exporter (HTTP prober)",
    "11335": "SmokePing",
}
"""Dashboards of grafana.com whose names are known here, by their numbers."""

PROBE: Final = "/probe"
SMOKEPING: Final = "smokeping"
JOBS: Final = "jobs"
OTLP: Final = "otlp"
ITSELF: Final = "itself"
BRIDGE: Final = "bridge"
"""Who serves names beside the collectors."""

PROMETHEUS: Final = frozenset(
    {
        "ALERTS",
        "ALERTS_FOR_STATE",
        "scrape_duration_seconds",
        "scrape_samples_post_metric_relabeling",
        "scrape_samples_scraped",
        "scrape_series_added",
        "up",
    }
)
"""What Prometheus itself writes for every target."""

_OPEN: Final = (
    (re.compile(r"node_hwmon_\w+"), "hwmon"),
    (re.compile(r"node_memory_numa_\w+"), "meminfo_numa"),
    (re.compile(r"node_memory_\w+"), "memory"),
    (re.compile(r"node_netstat_\w+"), "netstat"),
    (re.compile(r"node_sockstat_\w+"), "sockstat"),
    (re.compile(r"node_vmstat_\w+"), "vmstat"),
    (re.compile(r"node_zfs_\w+"), "zfs"),
)
"""Collectors whose names are the kernel's, so that no list has them all."""


def list_of(number: str) -> tuple[str, ...]:
    """Return the names that a dashboard of LISTS asks for."""
    return tuple(_data(f"{number}.txt").split())


def owners() -> dict[str, str]:
    """Return who serves each name: a collector, or one of those above."""
    lines = (line.split() for line in _data("known.txt").splitlines())
    return {name: owner for name, owner in lines}  # noqa: C416 - lists are no pairs


def open_owner(name: str) -> str | None:
    """Return the collector that would serve a name if the kernel had it."""
    return next((who for form, who in _OPEN if form.fullmatch(name)), None)


def _data(name: str) -> str:
    folder = resources.files("exporter.compat") / "data"
    return (folder / name).read_text(encoding="ascii")
