"""Runs the collectors, so that one that fails or hangs never costs the others a scrape.

The guard, not the collectors, measures durations, catches errors, and tells of a
change once instead of at every scrape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import structlog

from exporter.collectors.base import Collector, Family, Metric, NothingHere
from exporter.collectors.sampling import Sampled
from exporter.collectors.textfile import yield_to_others
from exporter.lanes import Answer, Lanes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runtime.clock import Clock

log = structlog.get_logger(__name__)

DURATION: Final = Metric(
    "node_scrape_collector_duration_seconds",
    "gauge",
    "Duration of a collector scrape.",
    ("collector",),
)
SUCCESS: Final = Metric(
    "node_scrape_collector_success",
    "gauge",
    "Whether a collector succeeded.",
    ("collector",),
)

SAMPLE_AGE: Final = Metric(
    "epimetheus_exporter_sample_age_seconds",
    "gauge",
    "Time since the last sample of a collector that measures in the background.",
    ("collector",),
)

State = Literal["ok", "nothing here", "failed", "hung"]
"""How a collector did; finding nothing to measure is neither success nor failure."""


class UnknownCollector(ValueError):  # noqa: N818 - what it is about
    """A request for a collector that does not exist or is not enabled."""


@dataclass(frozen=True, slots=True)
class Report:
    """How one collector did in one scrape."""

    name: str
    state: State
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one scrape found."""

    families: tuple[Family, ...]
    reports: tuple[Report, ...]


class Registry:
    """The enabled collectors of one host."""

    def __init__(
        self,
        collectors: Mapping[str, Collector],
        *,
        deadline: float,
        clock: Clock,
        known: Iterable[str] = (),
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self._jobs = {
            name: partial(_collect, collector) for name, collector in collectors.items()
        }
        self._sampled = {
            name: collector
            for name, collector in collectors.items()
            if isinstance(collector, Sampled)
        }
        self._deadline = deadline
        self._known = {*known, *collectors}
        self._aliases = dict(aliases or {})
        self._lanes: Lanes[str, tuple[Family, ...]] = Lanes("collectors", clock)
        self._states: dict[str, tuple[State, str]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The enabled collectors."""
        return tuple(self._jobs)

    def start(self) -> None:
        """Have the collectors that measure in the background do so from now on."""
        for collector in self._sampled.values():
            collector.start()

    def stop(self) -> None:
        """Measure in the background no more."""
        for collector in self._sampled.values():
            collector.stop()

    def choose(self, collect: Sequence[str], exclude: Sequence[str]) -> tuple[str, ...]:
        """Return the collectors that a request with these filters asks for.

        Raises UnknownCollector with the reason, also if both filters are used at once.
        """
        if collect and exclude:
            raise UnknownCollector("collect[] and exclude[] exclude each other")
        asked = {self._named(name) for name in collect or exclude}
        if collect:
            return tuple(name for name in self._jobs if name in asked)
        return tuple(name for name in self._jobs if name not in asked)

    def _named(self, asked: str) -> str:
        name = self._aliases.get(asked, asked)
        if name in self._jobs:
            return name
        state = "disabled" if name in self._known else "unknown"
        raise UnknownCollector(
            f"{state} collector {asked!r}; enabled are {', '.join(self._jobs)}"
        )

    def scrape(self, names: Iterable[str], deadline: float | None = None) -> Scrape:
        """Run these collectors; none may take longer than the deadline, in seconds."""
        allowed = min(self._deadline, deadline or self._deadline)
        jobs = {name: self._jobs[name] for name in names}
        families: list[Family] = []
        reports = []
        for name, answer in self._lanes.run(jobs, allowed).items():
            families += answer.value or ()
            report = _report(name, answer)
            self._tell(report, answer)
            _let_go(answer.error)
            reports.append(report)
        families += _guard_families(reports)
        if ages := self._ages(reports):
            families.append(Family(SAMPLE_AGE, ages))
        return Scrape(tuple(yield_to_others(families)), tuple(reports))

    def _ages(self, reports: Sequence[Report]) -> list[tuple[tuple[str, ...], float]]:
        return [
            ((report.name,), age)
            for report in reports
            if report.name in self._sampled
            and (age := self._sampled[report.name].age) is not None
        ]

    def _tell(self, report: Report, answer: Answer[tuple[Family, ...]]) -> None:
        state = (report.state, type(answer.error).__name__)
        before = self._states.get(report.name)
        if state == before or (before is None and report.state == "ok"):
            return
        self._states[report.name] = state
        facts = {"collector": report.name, "reason": report.reason}
        if report.state in {"failed", "hung"}:
            log.warning("collector has no answer", state=report.state, **facts)
            log.debug("collector has no answer", exc_info=answer.error, **facts)
        elif report.state == "nothing here":
            log.debug("collector has nothing to measure", **facts)
        else:
            log.info("collector works again", collector=report.name)


def _let_go(error: BaseException | None) -> None:
    """Forget the frames that an error came through.

    They hold the whole scrape, and the error: a circle that stays until the garbage
    collector looks at old objects, which takes long, and comes late.
    """
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _collect(collector: Collector) -> tuple[Family, ...]:
    return tuple(collector.collect())


def _report(name: str, answer: Answer[tuple[Family, ...]]) -> Report:
    if answer.is_missing:
        return Report(
            name, "hung", answer.seconds, "did not answer before its deadline"
        )
    if isinstance(answer.error, NothingHere):
        return Report(name, "nothing here", answer.seconds, str(answer.error))
    if answer.error is not None:
        reason = f"{type(answer.error).__name__}: {answer.error}"
        return Report(name, "failed", answer.seconds, reason)
    return Report(name, "ok", answer.seconds)


def _guard_families(reports: Sequence[Report]) -> list[Family]:
    labelled = [((report.name,), report) for report in reports]
    return [
        Family(DURATION, [(labels, report.seconds) for labels, report in labelled]),
        Family(
            SUCCESS,
            [(labels, int(report.state == "ok")) for labels, report in labelled],
        ),
    ]
