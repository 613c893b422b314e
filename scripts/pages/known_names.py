"""Every name that the exporter may serve with who serves it, for its `/compat`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from exporter import registry, smokeping
from exporter import telemetry as exporter_telemetry
from exporter.agent import families as agent
from exporter.collectors import COLLECTORS
from exporter.collectors.base import Metric
from exporter.compat import known
from exporter.compat.verdict import names_of
from exporter.live import live
from exporter.otlp import counts as otlp
from exporter.pages import probe
from exporter.prober import details
from exporter.prober import families as probes
from exporter.prober import itself as prober
from scripts.pages import metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType


def render() -> str:
    """Return lines of a name and who serves it, in the order of names."""
    found: dict[str, str] = dict.fromkeys(metrics.bridge_names(), known.BRIDGE)
    groups = {
        known.ITSELF: _of(registry, exporter_telemetry, probe, agent, prober, live),
        known.OTLP: _of(otlp),
        known.SMOKEPING: _of(smokeping),
        known.PROBE: metrics.of_probe_page(),
        known.JOBS: _of(probes, details),
        **_of_collectors(),
    }
    for owner, declared in groups.items():
        for metric in declared:
            for name in names_of(metric.name, metric.kind):
                found[name] = owner
    return "".join(f"{name} {found[name]}\n" for name in sorted(found))


def _of_collectors() -> dict[str, set[Metric]]:
    with tempfile.TemporaryDirectory() as folder:
        measured = metrics.measured(Path(folder))
    # What is in a textfile has names of its own.
    measured["textfile"] = set()
    return {
        name: measured.get(name, set()) | _of(sys.modules[build.__module__])
        for name, build in COLLECTORS.items()
    }


def _of(*modules: ModuleType) -> set[Metric]:
    return set(_inside(value for each in modules for value in vars(each).values()))


def _inside(values: Iterable[object]) -> Iterator[Metric]:
    """Yield the metrics among values, in tables and lists too."""
    for value in values:
        if isinstance(value, Metric):
            yield value
        elif isinstance(value, dict):
            yield from _inside([*value, *value.values()])
        elif isinstance(value, tuple | list | set | frozenset):
            yield from _inside(value)
