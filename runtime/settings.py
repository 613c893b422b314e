"""The schema of config.yaml: every key of both programs, its default and its meaning.

The parts of a program have files of their own, and `Settings` is the whole, which
`runtime.config` loads. Durations are seconds and sizes are bytes once loaded;
descriptions become docs/configuration.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from runtime.calendar_settings import Calendar, refuse_repeated
from runtime.collector_settings import (
    ArpCollector,
    Collector,
    CpuInfoCollector,
    HwmonCollector,
    InterruptsCollector,
    OptionalCollector,
    PowerSupplyCollector,
    SampledCollector,
    SlabinfoCollector,
    StatCollector,
    TextfileCollector,
)
from runtime.exporter_settings import (
    Collectors,
    DiskCollector,
    Exporter,
    FilesystemCollector,
    NetstatCollector,
    NetworkCollector,
    Paths,
    VmstatCollector,
)
from runtime.measuring_settings import (
    CgroupsCollector,
    PerfCollector,
    SystemdCollector,
    TopProcessesCollector,
)
from runtime.probing.jobs import Probes
from runtime.quantities import Address, Size, format_duration
from runtime.retention_settings import Retention
from runtime.rollup_settings import Rollup
from runtime.section import Positive, Section, Switch, Whole
from runtime.source_settings import PrometheusSource, ScrapeSource, Source, Target
from runtime.texts import DatabaseUrl, PathText
from runtime.verify_settings import Verify

__all__ = [
    "ArpCollector",
    "Bridge",
    "Calendar",
    "CgroupsCollector",
    "Collector",
    "Collectors",
    "CpuInfoCollector",
    "Database",
    "DiskCollector",
    "Events",
    "Exporter",
    "FilesystemCollector",
    "HwmonCollector",
    "InterruptsCollector",
    "Log",
    "NetstatCollector",
    "NetworkCollector",
    "OptionalCollector",
    "Paths",
    "PerfCollector",
    "Positive",
    "PowerSupplyCollector",
    "PrometheusSource",
    "Retention",
    "Rollup",
    "SampledCollector",
    "ScrapeSource",
    "Section",
    "Settings",
    "SlabinfoCollector",
    "Source",
    "StatCollector",
    "Switch",
    "SystemdCollector",
    "Target",
    "TextfileCollector",
    "TopProcessesCollector",
    "Verify",
    "VmstatCollector",
    "Whole",
]


class Log(Section):
    """What the programs say on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe message that is written."
    )
    format: Literal["auto", "text", "json"] = Field(
        "auto", description="`auto` is text on a terminal and JSON lines elsewhere."
    )


class Database(Section):
    """Where series, rollups, the ledger and events are kept."""

    url: DatabaseUrl = Field(
        "sqlite:///data/epimetheus.db",
        description="`sqlite:///FILE`, relative to the working directory, or "
        "`postgresql://USER@HOST:PORT/NAME` (no password in it).",
    )
    password: SecretStr | None = Field(
        None, description="Password for PostgreSQL; only from the environment."
    )
    password_file: PathText | None = Field(
        None, description="File that holds the password for PostgreSQL."
    )
    migrate_at_start: Switch = Field(
        default=True,
        description="Apply pending migrations at start; otherwise refuse to start "
        "and say which are pending.",
    )
    busy_timeout: Positive = Field(
        10.0, description="How long to wait for another process' lock."
    )
    cache: Size = Field(16 * 2**20, description="Page cache of SQLite, per connection.")


class Bridge(Section):
    """The program that keeps rollups and answers questions."""

    listen: Address = Field(
        Address("127.0.0.1", 9106), description="Where the API and pages are served."
    )
    workers: Annotated[Whole, Field(ge=1, le=64)] = Field(
        2, description="API worker processes, each with one database thread."
    )
    auth: Literal["none", "keys"] = Field(
        "none",
        description="`keys` demands an API key with the right scope; `none` is "
        "allowed on loopback addresses only.",
    )
    max_points: Annotated[Whole, Field(ge=100)] = Field(
        1_000_000, description="Points that one answer may hold; more is refused."
    )
    state: PathText = Field(
        Path("data"), description="Directory for locks and the metrics of workers."
    )


class Events(Section):
    """What counts as an error event."""

    down: Switch = Field(default=True, description="Failed scrapes (`up` is 0).")
    statuses: Switch = Field(
        default=True, description="Counters that say 4xx or 5xx in a label."
    )
    status_labels: tuple[str, ...] = Field(
        (
            "status",
            "status_code",
            "code",
            "http_status",
            "http_status_code",
            "http_response_status_code",
            "response_code",
        ),
        description="Labels that may hold an HTTP status.",
    )
    endpoint_labels: tuple[str, ...] = Field(
        ("endpoint", "route", "http_route", "path", "url_path", "handler", "uri"),
        description="Labels that may name an endpoint.",
    )
    alerts: Switch = Field(
        default=True, description="Alerts that fire in Prometheus (`ALERTS`)."
    )
    double_scraping: Switch = Field(
        default=True,
        description="Targets that are scraped more than 1.5 times as often as they "
        "should be, as where two servers write the same series.",
    )
    holes: Switch = Field(
        default=True,
        description="Windows that became partial or lost, and sources "
        "that do not answer.",
    )


class Settings(Section):
    """The whole of config.yaml."""

    log: Log = Log()
    database: Database = Database()
    exporter: Exporter = Exporter()
    bridge: Bridge = Bridge()
    sources: tuple[Source, ...] = Field(
        (
            ScrapeSource(
                name="local",
                kind="scrape",
                targets=(Target(url="http://127.0.0.1:9105/metrics"),),
            ),
        ),
        description="Where raw samples come from.",
    )
    rollup: Rollup = Rollup()
    calendars: tuple[Calendar, ...] = Field(
        (),
        description="Time zones in which days are kept, beside those of UTC.",
    )
    retention: Retention = Retention()
    verify: Verify = Verify()
    events: Events = Events()
    probes: Probes = Probes()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"sources: the name {twice[0]!r} is used twice; give each its own"
            )
        return self

    @model_validator(mode="after")
    def _calendars_are_unique(self) -> Self:
        refuse_repeated(self.calendars)
        return self

    @model_validator(mode="after")
    def _open_doors_are_locked(self) -> Self:
        if self.bridge.auth == "none" and not self.bridge.listen.is_loopback:
            raise ValueError(
                f"bridge.listen: {self.bridge.listen} can be reached from other hosts; "
                "set bridge.auth to keys, or listen on 127.0.0.1"
            )
        return self

    @model_validator(mode="after")
    def _raw_samples_and_minutes_settle(self) -> Self:
        minutes = self.retention.minute
        try:
            self.retention.refuse_too_short(self.rollup.settle)
        except ValueError as error:
            raise ValueError(f"retention.{error}") from error
        for place, source in enumerate(self.sources):
            raw = getattr(source, "keep_raw", 0.0)
            if 0 < minutes < raw:
                raise ValueError(
                    f"sources[{place}].keep_raw: {format_duration(raw)} is longer than "
                    f"the {format_duration(minutes)} of retention.minute: raw samples "
                    "would outlive the minutes that are made from them"
                )
        return self

    @model_validator(mode="after")
    def _steps_between_scrapes_are_no_gaps(self) -> Self:
        most = self.rollup.max_gap
        for source in self.sources:
            interval = getattr(source, "interval", 0.0)
            if 0 < most <= interval:
                raise ValueError(
                    f"rollup.max_gap: {format_duration(most)} is not longer than the "
                    f"{format_duration(interval)} between two scrapes of "
                    f"{source.name}: no counter would ever rise; write more, or 0s"
                )
        return self
