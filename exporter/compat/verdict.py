"""Which names are served here now, which could be, and which nobody here knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from exporter.compat import known

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from exporter.collectors.base import Family
    from exporter.registry import Registry, Report

State = Literal["served", "silent", "unknown"]
"""There now; known, but with nothing to say here; not known at all."""

_SUFFIXES: Final = {
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("", "_count", "_sum"),
}
_ELSEWHERE: Final = {
    known.SMOKEPING: "no echo request was answered for, or exporter.prober.smokeping"
    " is off",
    known.JOBS: "no job has probed anything that tells it",
    known.OTLP: "nothing is pushed; see exporter.otlp.endpoint",
    known.BRIDGE: "the bridge tells it, at its own /metrics",
}


class Verdict(NamedTuple):
    """What becomes of a name that is asked for."""

    name: str
    state: State
    why: str = ""


class Judge:
    """Knows what was served at one moment, and why the rest was not."""

    def __init__(self, families: Iterable[Family], reports: Iterable[Report]) -> None:
        self._served = {
            name
            for metric, samples in families
            if samples
            for name in names_of(metric.name, metric.kind)
        }
        self._reports = {report.name: report for report in reports}
        self._owners = known.owners()

    def judge(
        self, names: Iterable[str], recorded: Container[str] = ()
    ) -> list[Verdict]:
        """Return what becomes of each name; `recorded` are made by rules."""
        return [self._one(name, recorded) for name in names]

    def _one(self, name: str, recorded: Container[str]) -> Verdict:
        if name in self._served:
            return Verdict(name, "served")
        if name in recorded:
            return Verdict(name, "served", "by a rule of this file")
        if name in known.PROMETHEUS:
            return Verdict(name, "served", "by Prometheus itself")
        if ":" in name:
            return Verdict(name, "silent", "made by a rule of another file")
        owner = self._owners.get(name) or known.open_owner(name)
        return Verdict(name, "unknown") if owner is None else self._of(name, owner)

    def _of(self, name: str, owner: str) -> Verdict:
        if owner == known.PROBE:
            return Verdict(name, "served", "at /probe, for targets that have it")
        if owner == known.ITSELF:
            return Verdict(name, "served", "while the exporter runs")
        return Verdict(name, "silent", self._why(owner))

    def _why(self, owner: str) -> str:
        if owner in _ELSEWHERE:
            return _ELSEWHERE[owner]
        report = self._reports.get(owner)
        if report is None:
            return f"collector {owner} is off; see exporter.collectors.{owner}.enabled"
        if report.state == "ok":
            return f"collector {owner} works, but this machine has nothing of it"
        reason = f": {report.reason}" if report.reason else ""
        return f"collector {owner}, {report.state}{reason}"


def names_of(name: str, kind: str) -> list[str]:
    """Return the names of the samples of a metric."""
    return [name + suffix for suffix in _SUFFIXES.get(kind, ("",))]


def judge_of(
    registry: Registry, more: Iterable[Callable[[], Iterable[Family]]]
) -> Judge:
    """Measure once, and return who can tell what is served by that."""
    found = registry.scrape(registry.names)
    others = (family for families in more for family in families())
    return Judge((*found.families, *others), found.reports)
