"""The schema of config.yaml: every key of both programs, its default and its meaning.

One file, because a reader wants every key on one page. `runtime.config` loads it.
Durations are seconds and sizes are bytes once loaded; descriptions become
docs/configuration.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from runtime.quantities import Address, Duration, Size, Written, format_duration
from runtime.texts import BaseUrl, DatabaseUrl, HttpUrl, Name, PathText, Regex, Selector

Positive = Annotated[Duration, Field(gt=0)]
Whole = Annotated[int, Field(strict=True), Written("whole number", "1")]
Switch = Annotated[bool, Field(strict=True)]

_PORTS: Final = {"http": 80, "https": 443}


class Section(BaseModel):
    """A part of config.yaml; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


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


class Paths(Section):
    """Where the kernel's files are mounted, for containers and tests."""

    procfs: PathText = Field(Path("/proc"), description="The proc filesystem.")
    sysfs: PathText = Field(Path("/sys"), description="The sys filesystem.")
    rootfs: PathText = Field(
        Path("/"), description="The host's root; prefixed to mount points."
    )


class Collector(Section):
    """A collector that can be switched off."""

    enabled: Switch = Field(default=True, description="Whether the collector runs.")


class DiskCollector(Collector):
    """Block devices."""

    exclude_devices: Regex = Field(
        r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
        description="Devices left out, by regular expression on the name.",
    )


class FilesystemCollector(Collector):
    """Mounted filesystems."""

    exclude_mounts: Regex = Field(
        r"^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+"
        r"|var/lib/containers/storage/.+)($|/)",
        description="Mount points left out, by regular expression.",
    )
    exclude_types: Regex = Field(
        r"^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs"
        r"|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore"
        r"|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$",
        description="Filesystem types left out, by regular expression.",
    )
    mount_timeout: Positive = Field(
        5.0, description="After this long a mount counts as hung, and is not asked."
    )


class NetworkCollector(Collector):
    """Network interfaces."""

    exclude_devices: Regex = Field(
        r"^$", description="Interfaces left out, by regular expression on the name."
    )


class VmstatCollector(Collector):
    """Counters of the virtual memory system."""

    fields: Regex = Field(
        r"^(oom_kill|pgpg|pswp|pg.*fault).*",
        description="Fields of /proc/vmstat that are exposed.",
    )


class Collectors(Section):
    """One key per collector; `exclude[]=` and `collect[]=` choose per scrape."""

    cpu: Collector = Collector()
    disk: DiskCollector = DiskCollector()
    filefd: Collector = Collector()
    filesystem: FilesystemCollector = FilesystemCollector()
    load: Collector = Collector()
    memory: Collector = Collector()
    network: NetworkCollector = NetworkCollector()
    pressure: Collector = Collector()
    stat: Collector = Collector()
    time: Collector = Collector()
    uname: Collector = Collector()
    vmstat: VmstatCollector = VmstatCollector()


class Exporter(Section):
    """The agent that runs on every host."""

    listen: Address = Field(
        Address("127.0.0.1", 9105), description="Where `/metrics` is served."
    )
    token: SecretStr | None = Field(
        None, description="Bearer token of scrapers; only from the environment."
    )
    token_file: PathText | None = Field(
        None, description="File with the bearer token that scrapers must send."
    )
    max_scrapes: Annotated[Whole, Field(ge=1, le=1000)] = Field(
        8, description="Scrapes in flight at once; more are answered 503."
    )
    deadline: Positive = Field(
        5.0,
        description="A collector that needs longer is reported as failed and the "
        "scrape goes on without it.",
    )
    gzip_level: Annotated[Whole, Field(ge=0, le=9)] = Field(
        3, description="Compression of answers to clients that accept gzip; 0 is off."
    )
    paths: Paths = Paths()
    collectors: Collectors = Collectors()


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


class _Source(Section):
    name: Name = Field(
        description="Unique name; part of the identity of series.", examples=["main"]
    )
    kind: str = Field(description="What the source is.")
    workspace: str = Field("", description="Workspace of the series of this source.")
    environment: str = Field("", description="Environment, such as `production`.")
    initial_history: Duration = Field(
        3600.0, description="How far back to start when the source is first seen."
    )


class PrometheusSource(_Source):
    """A Prometheus server that is asked for the raw samples of closed windows."""

    kind: Literal["prometheus"] = Field(
        description="A Prometheus server, or what speaks its HTTP API."
    )
    url: BaseUrl = Field(
        description="Base URL of the server.", examples=["http://127.0.0.1:9090"]
    )
    selectors: Annotated[tuple[Selector, ...], Field(min_length=1)] = Field(
        ('{__name__=~".+"}',),
        description="Series to keep, as PromQL selectors; a series that several of "
        "them select is kept once.",
    )
    timeout: Positive = Field(30.0, description="Deadline of one request.")
    retries: Annotated[Whole, Field(ge=0, le=10)] = Field(
        2, description="Times a failed request is tried again within a cycle."
    )
    fetchers: Annotated[Whole, Field(ge=1, le=16)] = Field(
        2, description="Requests in flight at once."
    )
    shard: Annotated[Whole, Field(ge=100, le=50_000)] = Field(
        5000, description="Series that one request may answer; larger names are split."
    )
    max_response: Annotated[Size, Field(ge=1024)] = Field(
        256 * 2**20, description="Largest answer accepted, uncompressed."
    )
    gzip: Switch = Field(
        default=False,
        description="Ask for compressed answers; worth it below 0.5 Gbit/s.",
    )
    refresh: Positive = Field(
        600.0, description="How often names, types and targets are read again."
    )
    bearer_token: SecretStr | None = Field(
        None, description="Bearer token for the server; only from the environment."
    )
    bearer_token_file: PathText | None = Field(
        None, description="File with the bearer token for the server."
    )


class Target(Section):
    """An exposition endpoint that the bridge scrapes itself."""

    url: HttpUrl = Field(
        description="Full URL, usually ending in /metrics.",
        examples=["http://127.0.0.1:9105/metrics"],
    )
    job: str = Field("node", min_length=1, description="Value of the `job` label.")
    instance: str | None = Field(
        None,
        description="Value of the `instance` label; host:port of the URL if unset.",
    )
    bearer_token: SecretStr | None = Field(
        None, description="Bearer token for the target; only from the environment."
    )
    bearer_token_file: PathText | None = Field(
        None, description="File with the bearer token for the target."
    )

    @property
    def instance_label(self) -> str:
        """The value of the label `instance`: as set, else host and port of the URL."""
        if self.instance is not None:
            return self.instance
        parts = urlsplit(self.url)
        host = parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0]
        return f"{host}:{parts.port or _PORTS[parts.scheme]}"


class ScrapeSource(_Source):
    """Targets that the bridge scrapes without a Prometheus in between."""

    kind: Literal["scrape"] = Field(
        description="Targets that the bridge scrapes by itself."
    )
    interval: Annotated[Duration, Field(ge=1, le=60)] = Field(
        15.0, description="Time between two scrapes of a target."
    )
    timeout: Positive = Field(
        10.0,
        description="Deadline of one scrape, no longer than the interval; left out, it "
        "is the interval where that is shorter than 10s.",
    )
    max_samples: Annotated[Whole, Field(ge=1)] = Field(
        50_000, description="A scrape with more samples is refused as a whole."
    )
    keep_raw: Annotated[Duration, Field(ge=60)] = Field(
        900.0, description="How long raw samples are kept after their window is done."
    )
    targets: Annotated[tuple[Target, ...], Field(min_length=1)] = Field(
        description="What to scrape.",
        examples=[[{"url": "http://127.0.0.1:9105/metrics"}]],
    )

    @model_validator(mode="after")
    def _timeout_fits(self) -> Self:
        if self.timeout <= self.interval:
            return self
        if "timeout" in self.model_fields_set:
            raise ValueError(
                f"timeout: {format_duration(self.timeout)} is longer than the "
                f"interval, {format_duration(self.interval)}"
            )
        # The section is frozen for everybody else.
        object.__setattr__(self, "timeout", self.interval)
        return self

    @model_validator(mode="after")
    def _targets_are_told_apart(self) -> Self:
        first: dict[tuple[str, str], int] = {}
        for index, target in enumerate(self.targets):
            other = first.setdefault((target.job, target.instance_label), index)
            if other != index:
                raise ValueError(
                    f"targets[{index}]: has the job and instance of targets[{other}]; "
                    "give it an instance of its own"
                )
        return self


Source = Annotated[PrometheusSource | ScrapeSource, Field(discriminator="kind")]


class Rollup(Section):
    """The engine that turns raw samples into minute, hour and day rows."""

    settle: Duration = Field(
        15.0,
        description="How long after its end a window stays open for late samples, by "
        "the clock of the source.",
    )
    every: Positive = Field(5.0, description="How often the engine looks for work.")
    lookback: Positive = Field(
        300.0,
        description="How far before a window the source is asked for the sample that a "
        "counter's first step is measured from, where no earlier row exists.",
    )
    catch_up: Annotated[Whole, Field(ge=1, le=1440)] = Field(
        30, description="Past windows worked off between two looks at the newest one."
    )
    find_holes: Positive = Field(
        3600.0, description="How often the whole ledger is searched for holes."
    )
    warnings: Annotated[Whole, Field(ge=1)] = Field(
        5,
        description="Answers with warnings before a window is kept as partial instead "
        "of being asked again.",
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
    events: Events = Events()

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
    def _open_doors_are_locked(self) -> Self:
        if self.bridge.auth == "none" and not self.bridge.listen.is_loopback:
            raise ValueError(
                f"bridge.listen: {self.bridge.listen} can be reached from other hosts; "
                "set bridge.auth to keys, or listen on 127.0.0.1"
            )
        return self
