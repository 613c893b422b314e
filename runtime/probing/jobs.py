"""The settings of destinations, jobs and maintenance."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from runtime.calendar_settings import Zone
from runtime.probing.probes import (
    HttpProbe,
    IcmpProbe,
    Probe,
    TcpProbe,
    ThroughputProbe,
    TlsProbe,
    TracerouteProbe,
)
from runtime.problems import shown
from runtime.quantities import Duration, Written, format_duration
from runtime.section import Positive, Section, Switch, Whole
from runtime.texts import Name

RESERVED: Final = frozenset({"summary", "validate"})
"""Names that nothing can have, as their addresses at the bridge are something else."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_HOST: Final = 2048


def _host(text: str) -> str:
    if not text or len(text) > _LONGEST_HOST or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise ValueError(
            f"{shown(text)} is not a host; write a name, an address, host:port or a URL"
        )
    return text


def _time_of_day(text: str) -> str:
    found = re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?|24:00", text)
    if not found:
        raise ValueError(
            f"{text!r} is not a time of day; write 08:30, or 24:00 for the day's end"
        )
    return text


def _instant(text: str) -> str:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise ValueError(
            f"{text!r} is not an instant; write it with its zone, for example "
            "2026-11-21T08:00:00Z"
        )
    return text


def _date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date; write 2026-12-24") from None
    return text


_FROM: Final = "2026-11-21T22:00:00Z"
_UNTIL: Final = "2026-11-22T06:00:00+01:00"

Host = Annotated[str, AfterValidator(_host), Written("host", "192.0.2.1")]
TimeOfDay = Annotated[
    str, AfterValidator(_time_of_day), Written("time of day", "08:30")
]
Instant = Annotated[
    str, AfterValidator(_instant), Written("instant", "2026-11-21T08:00:00Z")
]
Date = Annotated[str, AfterValidator(_date), Written("date", "2026-12-24")]


class Destination(Section):
    """Something that is probed."""

    name: Name = Field(description="Unique name.", examples=["gateway"])
    host: Host = Field(
        description="Name or address, with a port or as a URL where probes need it.",
        examples=["192.0.2.1"],
    )
    display_name: str = Field("", description="Name for people; the name if empty.")
    description: str = Field("", description="What it is.")
    tags: tuple[Name, ...] = Field((), description="By which jobs select it.")
    enabled: Switch = Field(
        default=True, description="Whether it is probed; otherwise it is inactive."
    )


class Window(Section):
    """A span of local time that comes again every week: `[start, end)`.

    A time is inside if the clocks of the zone show it so, whatever they were set to.
    """

    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = Field(
        WEEKDAYS, min_length=1, description="Weekdays on which it begins."
    )
    start: TimeOfDay = Field("00:00", description="When it begins.")
    end: TimeOfDay = Field(
        "24:00", description="When it ends; on the next day if not after `start`."
    )
    zone: Zone = Field("UTC", description="Time zone of these times.")
    not_on: tuple[Date, ...] = Field(
        (), description="Dates on which it does not begin."
    )


class OnFailure(Section):
    """What else is done when a destination fails."""

    traceroute: Switch = Field(
        default=False, description="Trace the way to it, and keep it with the run."
    )


class Job(Section):
    """Which destinations are probed, by which probes, and when."""

    name: Name = Field(description="Unique name.", examples=["gateways"])
    description: str = Field("", description="What it is for.")
    enabled: Switch = Field(default=True, description="Whether it runs at all.")
    interval: Annotated[Duration, Field(ge=1, le=86400)] = Field(
        60.0,
        description="Time between two runs, at multiples of it since 1970, UTC.",
    )
    probes: tuple[Name, ...] = Field(
        ("icmp",),
        min_length=1,
        description="Modules; every kind that needs no settings is one of its name.",
    )
    destinations: tuple[Name, ...] = Field(
        (), description="Destinations by name.", examples=[["gateway"]]
    )
    tags: tuple[Name, ...] = Field(
        (), description="Destinations that have all of these tags, too."
    )
    agents: tuple[Name, ...] = Field(
        (), description="Agents that run it; empty for all of them."
    )
    valid_from: Instant | None = Field(
        None, description="First instant at which it runs.", examples=[_FROM]
    )
    valid_until: Instant | None = Field(
        None, description="Instant from which on it runs no more.", examples=[_UNTIL]
    )
    windows: tuple[Window, ...] = Field(
        (), description="When it runs; always if there is none."
    )
    splay: Duration | None = Field(
        None,
        description="Time over which the destinations of a run are spread; at most "
        "10s of the interval if left out.",
        examples=["5s"],
    )
    history: Literal["all", "failures", "none"] = Field(
        "all", description="Which results are kept in the database."
    )
    on_failure: OnFailure = OnFailure()

    @model_validator(mode="after")
    def _selects_something(self) -> Self:
        if not self.destinations and not self.tags:
            raise ValueError("destinations: there is none; name some, or tags")
        return self

    @model_validator(mode="after")
    def _splay_fits(self) -> Self:
        if self.splay is not None and self.splay > self.interval:
            raise ValueError(
                f"splay: {format_duration(self.splay)} is longer than the interval, "
                f"{format_duration(self.interval)}"
            )
        return self

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_from is None or self.valid_until is None:
            return self
        began = datetime.fromisoformat(self.valid_from)
        if began >= datetime.fromisoformat(self.valid_until):
            raise ValueError(
                f"valid_until: {self.valid_until} is not after valid_from, "
                f"{self.valid_from}"
            )
        return self


class Maintenance(Section):
    """When destinations are left alone, so that nobody is told of what is expected."""

    name: Name = Field(description="Unique name.", examples=["patch-night"])
    note: str = Field("", description="Why.")
    destinations: tuple[Name, ...] = Field(
        (), description="Destinations by name; all if there are no tags either."
    )
    tags: tuple[Name, ...] = Field(
        (), description="Destinations that have all of these tags, too."
    )
    start: Instant | None = Field(None, description="First instant.", examples=[_FROM])
    end: Instant | None = Field(
        None, description="Instant from which on it is over.", examples=[_UNTIL]
    )
    windows: tuple[Window, ...] = Field(
        (), description="When within these instants; all the time if there is none."
    )

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if not self.windows and self.end is None:
            raise ValueError("end: is missing; write when it ends, or windows")
        return self


class Status(Section):
    """When a destination counts as degraded, in error, and well again."""

    degraded_after: Annotated[Whole, Field(ge=1)] = Field(
        1, description="Failed results in a row from which on it is degraded."
    )
    error_after: Annotated[Whole, Field(ge=1)] = Field(
        3, description="Failed results in a row from which on it is in error."
    )
    active_after: Annotated[Whole, Field(ge=1)] = Field(
        2, description="Good results in a row after which it is active again."
    )

    @model_validator(mode="after")
    def _error_is_worse(self) -> Self:
        if self.error_after < self.degraded_after:
            raise ValueError(
                f"error_after: {self.error_after} is less than degraded_after, "
                f"{self.degraded_after}"
            )
        return self


class Baseline(Section):
    """When a destination is slower or loses more than it usually does."""

    weeks: Annotated[Whole, Field(ge=1, le=52)] = Field(
        4, description="Weeks whose same hour tells what is usual; 2 must be known."
    )
    slower: Annotated[Duration, Field(gt=0)] = Field(
        0.005, description="How much slower than usual counts at least."
    )
    factor: Annotated[Whole, Field(ge=1, le=100)] = Field(
        2, description="How many times slower than usual counts."
    )


class Probes(Section):
    """What is probed, how and when; the database takes it over at start."""

    modules: tuple[Probe, ...] = Field((), description="Named probes.")
    destinations: tuple[Destination, ...] = Field((), description="What is probed.")
    jobs: tuple[Job, ...] = Field((), description="Who probes what, and when.")
    maintenance: tuple[Maintenance, ...] = Field(
        (), description="When destinations are left alone."
    )
    status: Status = Status()
    baseline: Baseline = Baseline()
    certificates: Positive = Field(
        14 * 86400.0, description="How long before its end a certificate is an event."
    )
    evaluate: Positive = Field(
        5.0, description="How often new results are looked at for events."
    )

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for key in ("modules", "destinations", "jobs", "maintenance"):
            counts = Counter(item.name for item in getattr(self, key))
            twice = sorted(name for name, count in counts.items() if count > 1)
            if twice:
                raise ValueError(
                    f"{key}: the name {twice[0]!r} is used twice; give each its own"
                )
        return self

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        for key in ("modules", "destinations", "jobs", "maintenance"):
            for place, item in enumerate(getattr(self, key)):
                if item.name in RESERVED:
                    raise ValueError(
                        f"{key}[{place}].name: {item.name!r} is a word of the API; "
                        "choose another one"
                    )
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        modules = {module.name for module in self.modules} | set(BUILT_IN)
        destinations = {one.name for one in self.destinations}
        for place, job in enumerate(self.jobs):
            for name in job.probes:
                if name not in modules:
                    raise ValueError(
                        f"jobs[{place}].probes: there is no module {name!r}; known are "
                        f"{', '.join(sorted(modules))}"
                    )
            _refuse_unknown(f"jobs[{place}]", job.destinations, destinations)
        for place, one in enumerate(self.maintenance):
            _refuse_unknown(f"maintenance[{place}]", one.destinations, destinations)
        return self

    @model_validator(mode="after")
    def _runs_fit(self) -> Self:
        for place, job in enumerate(self.jobs):
            for name in job.probes:
                too_long = refuse_too_long(job.interval, self.module(name))
                if too_long:
                    raise ValueError(f"jobs[{place}].{too_long}")
        return self

    def module(self, name: str) -> Probe:
        """Return the probe of a name, one's own or built in; raise KeyError."""
        own = {module.name: module for module in self.modules}
        return own.get(name) or BUILT_IN[name]


def refuse_too_long(interval: float, probe: Probe) -> str:
    """Return why a probe cannot be done within an interval, '' if it can."""
    if not isinstance(probe, IcmpProbe):
        return ""
    # A single request may be waited for until the next one is sent.
    needed = (probe.count - 1) * probe.spacing + probe.timeout
    if needed <= interval:
        return ""
    return (
        f"interval: {probe.count} requests {format_duration(probe.spacing)} apart, and "
        f"{format_duration(probe.timeout)} for the last reply, take longer than "
        f"{format_duration(interval)}"
    )


def _refuse_unknown(place: str, names: tuple[str, ...], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{place}.destinations: there is no destination {name!r}")


_DEFAULTS: Final[tuple[Probe, ...]] = (
    IcmpProbe(name="icmp", kind="icmp"),
    TracerouteProbe(name="traceroute", kind="traceroute"),
    TcpProbe(name="tcp", kind="tcp"),
    TlsProbe(name="tls", kind="tls"),
    HttpProbe(name="http", kind="http"),
    ThroughputProbe(name="throughput", kind="throughput"),
)
BUILT_IN: Final = {probe.name: probe for probe in _DEFAULTS}
"""Modules that are there without being written."""
