"""The schema of config.yaml: where raw samples come from."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from runtime.quantities import Duration, Size, format_duration
from runtime.section import Positive, Section, Switch, Whole
from runtime.texts import BaseUrl, HttpUrl, LabelName, Name, PathText, Selector

_PORTS: Final = {"http": 80, "https": 443}
_PROBES: Final = "probes"


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
    max_series: Annotated[Whole, Field(ge=0)] = Field(
        1_000_000,
        description="Series that get rows of their own; when there are as many, new "
        'ones share a series of their metric with the label `overflow="true"`, which '
        "keeps the totals. 0 is no limit.",
    )

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name == _PROBES:
            raise ValueError(
                f"{name!r} is what events of probes have as source; write another name"
            )
        return name


class PrometheusSource(_Source):
    """A Prometheus server that is asked for the raw samples of closed windows."""

    kind: Literal["prometheus"] = Field(
        description="A Prometheus server, or what speaks its HTTP API."
    )
    url: BaseUrl = Field(
        description="Base URL of the server.", examples=["http://127.0.0.1:9090"]
    )
    transport: Literal["auto", "remote_read", "http"] = Field(
        "auto",
        description="How samples come: `remote_read` tells when series ended, and is "
        "faster; `http` is the query API; `auto` is the first where the server offers "
        "it and it says all that the second does.",
    )
    selectors: Annotated[tuple[Selector, ...], Field(min_length=1)] = Field(
        ('{__name__=~".+"}',),
        description="Series to keep, as PromQL selectors; a series that several of "
        "them select is kept once.",
    )
    replica_label: LabelName = Field(
        "",
        description="Label that tells servers apart which scrape the same targets, "
        "such as `prometheus_replica`, where one address answers for all of them. It "
        "is no part of a series, and one of them feeds one target in one window; empty "
        "where there is one server.",
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
        examples=["web-1:9105"],
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
