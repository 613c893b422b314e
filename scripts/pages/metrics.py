"""The metrics of both programs, for docs/metrics.md."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry

from bridge.api.metrics import FAMILIES
from bridge.telemetry import Telemetry
from exporter import blackbox, registry, smokeping
from exporter import telemetry as exporter_telemetry
from exporter.agent import families as agent
from exporter.blackbox import base as blackbox_base
from exporter.blackbox import tls as blackbox_tls
from exporter.collectors import COLLECTORS, build
from exporter.collectors.base import Metric, NothingHere
from exporter.compat.verdict import names_of
from exporter.live import live
from exporter.otlp import counts as otlp
from exporter.pages import probe
from exporter.prober import details
from exporter.prober import families as probes
from exporter.prober import itself as prober
from runtime.clock import SystemClock
from runtime.settings import Collectors
from scripts.pages.markdown import table
from tests.exporter.recorded import host_of, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    from exporter.collectors.base import Collector, Family

_HEAD: Final = ("metric", "type", "labels", "meaning")


def bridge() -> str:
    """Return what the bridge says of itself."""
    return table(_HEAD, sorted(_of_bridge(), key=_name))


def bridge_names() -> list[str]:
    """Return the names of the samples of what the bridge says of itself."""
    return [
        name for row in _of_bridge() for name in names_of(row[0].strip("`"), row[1])
    ]


def _of_bridge() -> list[tuple[str, str, str, str]]:
    telemetry = Telemetry.create(CollectorRegistry())
    rows = [_row(one.name, "gauge", one.labels, one.meaning) for one in FAMILIES]
    for field in fields(telemetry):
        instrument = getattr(telemetry, field.name)
        (family, *_) = instrument.describe()
        suffix = "_total" if family.type == "counter" else ""
        labels = instrument._labelnames  # noqa: SLF001 - nothing public has them
        name = f"{family.name}{suffix}"
        rows.append(_row(name, family.type, labels, family.documentation))
    return rows


def exporter() -> str:
    """Return what each collector measures, and what the exporter says of itself.

    Some names depend on the machine, such as the fields of /proc/meminfo: those of the
    recorded machine of the tests are shown.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder))
    parts = [
        _section(f"Collector `{name}`", found.get(name, set()) | _declared(module))
        for name, module in _modules().items()
    ]
    probed = set(probes.COUNTERS.values()) | _declared(probes) | _declared(details)
    itself = _declared(registry) | _declared(exporter_telemetry)
    itself |= _declared(probe) | _declared(agent) | _declared(prober) | _declared(live)
    return "\n\n".join(
        [
            *parts,
            _section("Destinations and jobs", probed),
            _section("Answers of `/probe`", of_probe_page()),
            _section(
                "Echo requests, with `exporter.prober.smokeping`",
                {*smokeping.COUNTERS, *_declared(smokeping)},
            ),
            _section("Pushing, with `exporter.otlp.endpoint`", _declared(otlp)),
            _section("The exporter itself", itself),
        ]
    )


def of_probe_page() -> set[Metric]:
    """Return what `/probe` may answer with."""
    modules = [sys.modules[said.__module__] for said in blackbox.KINDS.values()]
    found: set[Metric] = set()
    for module in (blackbox_base, blackbox_tls, *modules):
        found |= _declared(module) | set(getattr(module, "VALUES", {}).values())
    return found


def measured(folder: Path) -> dict[str, set[Metric]]:
    """Return what each collector finds on the recorded machine, laid out there."""
    lay_out(folder)
    host = host_of(folder, SystemClock())
    # The mounts of the recorded machine are not here to be asked for their sizes.
    wanted = {name: {"enabled": name != "filesystem"} for name in COLLECTORS}
    collectors = build(host, Collectors.model_validate(wanted))
    return {
        name: {metric for metric, samples in _found(collector) if samples}
        for name, collector in collectors.items()
    }


def _found(collector: Collector) -> Iterable[Family]:
    try:
        return collector.collect()
    except NothingHere:
        return ()


def _modules() -> dict[str, ModuleType]:
    return {name: sys.modules[build.__module__] for name, build in COLLECTORS.items()}


def _declared(module: ModuleType) -> set[Metric]:
    return {value for value in vars(module).values() if isinstance(value, Metric)}


def _section(heading: str, metrics: Iterable[Metric]) -> str:
    rows = {_row(m.name, m.kind, m.labels, m.help) for m in metrics}
    return f"### {heading}\n\n{table(_HEAD, sorted(rows, key=_name))}"


def _row(
    name: str, kind: str, labels: Iterable[str], meaning: str
) -> tuple[str, str, str, str]:
    shown = ", ".join(f"`{label}`" for label in labels)
    return f"`{name}`", kind, shown, meaning


def _name(row: Sequence[str]) -> str:
    return row[0].strip("`")
