"""Every metric and label that dashboards and rules use is one that somebody exposes."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from bridge.app import create_app
from bridge.telemetry import Telemetry
from exporter import registry
from exporter.agent import families as agent_families
from exporter.collectors import build, cgroups, perf, systemd, top_processes
from exporter.collectors.base import Host, Metric
from exporter.collectors.filesystem import GAUGES
from exporter.collectors.memory import Memory
from exporter.collectors.vmstat import Vmstat
from exporter.live import live
from exporter.otlp import counts as otlp_counts
from exporter.prober import details, families, itself
from exporter.registry import DURATION, SUCCESS
from models.database import open_database
from models.migrate import Migrations
from models.queries import ledger
from runtime.settings import (
    Collector,
    Collectors,
    Paths,
    Settings,
    VmstatCollector,
)
from tests.exporter.conftest import host, machine
from tests.fakes import FakeClock
from tests.grafana.expressions import (
    DASHBOARDS,
    STAND_INS,
    Expression,
    everything,
    of_variables,
    use_of,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["host", "machine"]

Names = dict[str, set[str]]

TARGET = {"job", "instance"}
"""Labels that Prometheus puts on every sample."""

OF_PROMETHEUS: Names = {
    "up": set(),
    "ALERTS": {"alertname", "alertstate", "severity"},
}

EXPRESSIONS = everything()


def of_exporter(host: Host) -> Names:
    """Return what the exporter exposes of the recorded machine.

    Its kernel is old: fields of memory are also taken from the one that runs here.
    """
    here = Host.at(Paths(), FakeClock(), 5.0)
    without_bus = Collectors.model_validate({"systemd": {"enabled": False}})
    measured = [
        family.metric
        for collector in (
            *build(host, without_bus).values(),
            Memory(here, Collector()),
            Vmstat(here, VmstatCollector()),
        )
        for family in collector.collect()
    ]
    # Nothing answers at the mount points of the recorded machine.
    metrics = (*measured, *GAUGES, DURATION, SUCCESS, *of_optional_collectors())
    names = {metric.name: set(metric.labels) for metric in metrics}
    for metric in of_prober():
        labels = set(metric.labels)
        if metric.kind == "histogram":
            names[f"{metric.name}_bucket"] = labels | {"le"}
            names[f"{metric.name}_sum"] = names[f"{metric.name}_count"] = labels
        else:
            names[metric.name] = labels
    return names


def of_optional_collectors() -> list[Metric]:
    """Return what collectors say that are off by default, or need what is not here."""
    return [
        each
        for module in (cgroups, perf, registry, systemd, top_processes)
        for each in vars(module).values()
        if isinstance(each, Metric)
    ]


def of_prober() -> list[Metric]:
    """Return what the exporter says of what it probes, of its agent and of watchers."""
    found = [
        each
        for module in (families, details, itself, agent_families, live, otlp_counts)
        for each in vars(module).values()
    ]
    own = [one for each in found if isinstance(each, dict) for one in each.values()]
    return [one for one in (*found, *own) if isinstance(one, Metric)]


def of_bridge(tmp_path: Path) -> Names:
    """Return what `/metrics` of the bridge shows once everything has happened once."""
    clock = FakeClock()
    db = open_database(f"sqlite:///{tmp_path / 'test.db'}")
    Migrations(db).up()
    start = int(clock.now()) // 60 * 60 - 120
    ledger.record(db, ledger.Entry("local", "minute", start, "done", computed_at=start))
    registry = CollectorRegistry()
    telemetry = Telemetry.create(registry)
    for field in fields(telemetry):
        instrument = getattr(telemetry, field.name)
        if instrument._labelnames:
            instrument.labels(*instrument._labelnames)
    app = create_app(Settings(), db, telemetry, clock, registry)
    text = app.test_client().get("/metrics").get_data(as_text=True)
    db.close()
    names: Names = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


@pytest.fixture(scope="module")
def bridge_names(tmp_path_factory: pytest.TempPathFactory) -> Names:
    return of_bridge(tmp_path_factory.mktemp("bridge"))


@pytest.fixture
def names(host: Host, bridge_names: Names) -> Names:
    """Everything that is exposed, and what the rules record of it."""
    known = of_exporter(host) | bridge_names | OF_PROMETHEUS
    for each in EXPRESSIONS:
        if each.recorded:
            known[each.recorded] = labels_of(each, known) - {"le"}
    return known


def labels_of(expression: Expression, names: Names) -> set[str]:
    used = use_of(expression.fill(STAND_INS)).matched
    return TARGET.union(*(names[name] for name in used))


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda each: each.where)
def test_names_and_labels_exist(expression: Expression, names: Names) -> None:
    use = use_of(expression.fill(STAND_INS))

    assert use.matched.keys() <= names.keys()
    for name, labels in use.matched.items():
        assert labels <= names[name] | TARGET, name
    assert use.grouped | expression.shown <= labels_of(expression, names)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_choices_are_made_from_labels_that_exist(path: Path, names: Names) -> None:
    for selector, label in of_variables(path):
        (name, labels), *more = use_of(
            Expression("", selector).fill(STAND_INS)
        ).matched.items()

        assert not more
        assert labels | {label} <= names[name] | TARGET


def test_neither_program_uses_the_labels_of_targets(
    host: Host, bridge_names: Names
) -> None:
    """Prometheus would rename them to exported_job and exported_instance."""
    for name, labels in (of_exporter(host) | bridge_names).items():
        assert not labels & TARGET, name


def shown() -> set[str]:
    return {
        name.removesuffix("_bucket").removesuffix("_sum")
        for each in EXPRESSIONS
        for name in use_of(each.fill(STAND_INS)).matched
    }


def test_every_metric_of_the_prober_is_shown_somewhere() -> None:
    assert {metric.name for metric in of_prober()} - shown() == set()


def test_every_metric_that_only_our_collectors_have_is_shown_somewhere() -> None:
    own = {
        metric.name
        for metric in of_optional_collectors()
        if metric.name.startswith("epimetheus_")
    }
    assert own - shown() == set()


def test_every_metric_of_the_bridge_is_shown_somewhere(bridge_names: Names) -> None:
    exposed = {
        name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
        for name in bridge_names
        if not name.endswith("_created")
    }

    assert exposed - shown() == set()
