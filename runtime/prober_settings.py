"""The schema of config.yaml: the exporter as a probing agent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from runtime.probing.rules import Allowed
from runtime.quantities import Size
from runtime.section import Positive, Section, Switch, Whole
from runtime.texts import BaseUrl, NameOrNothing, PathText


class Prober(Section):
    """The process that probes, and where its jobs come from."""

    enabled: Switch = Field(
        default=True,
        description="Whether this host probes at all; `/probe` does not without.",
    )
    agent: NameOrNothing = Field(
        "", description="Name of this agent; the host's name if it is empty."
    )
    bridge: BaseUrl | None = Field(
        None,
        description="Bridge that jobs come from and results go to; left out, the jobs "
        "are those of this file, and results are only metrics.",
        examples=["http://127.0.0.1:9106"],
    )
    key: SecretStr | None = Field(
        None, description="API key of scope `probe`; only from the environment."
    )
    key_file: PathText | None = Field(None, description="File with the API key.")
    poll: Positive = Field(
        5.0, description="How often the bridge is asked for changed jobs and tests."
    )
    state: PathText = Field(
        Path("data/prober"),
        description="Directory of the last job list and of unsent results.",
    )
    spool: Annotated[Size, Field(ge=2**16)] = Field(
        256 * 2**20,
        description="Bytes of unsent results that are kept; then the oldest are "
        "dropped, and counted.",
    )
    batch: Annotated[Whole, Field(ge=1, le=1000)] = Field(
        200, description="Runs that are sent at once."
    )
    secrets: PathText | None = Field(
        None, description="Directory of the secrets that probes may use, a file each."
    )
    sockets: Literal["auto", "raw", "datagram"] = Field(
        "auto",
        description="Sockets for echo requests: `datagram` needs a group in "
        "net.ipv4.ping_group_range, `raw` CAP_NET_RAW; `auto` takes what works.",
    )
    transmit_stamps: Switch = Field(
        default=False,
        description="Have the kernel stamp what is sent, too: truer by microseconds, "
        "dearer by a third.",
    )
    starved: Annotated[Whole, Field(ge=1, le=100)] = Field(
        20,
        description="Percent of time that tasks wait for a CPU, or that a hypervisor "
        "takes, from which on results are marked as measured on a starved host.",
    )
    smokeping: Switch = Field(
        default=False, description="Expose echo requests as `smokeping_*` as well."
    )


class ProbePage(Section):
    """`/probe`, which probes what is asked for, and whom it does that for."""

    allow: tuple[Allowed, ...] = Field(
        (),
        description="Targets beyond the configured destinations, as addresses, "
        "networks or names, each with ports if only those: 192.0.2.0/24, "
        "*.example.org:443, [2001:db8::]/32:80-90.",
    )
    any_module: Switch = Field(
        default=True,
        description="Whether any module may be used, or only those of jobs.",
    )
    timeout: Positive = Field(
        120.0, description="Longest probe where the scraper tells no timeout."
    )
    offset: Positive = Field(
        0.5, description="How much sooner than the scraper's timeout to end."
    )
    rate: Annotated[Whole, Field(ge=1)] = Field(
        60, description="Probes a minute for each client; more are answered 429."
    )
    burst: Annotated[Whole, Field(ge=1)] = Field(
        60, description="Probes that a client may save up."
    )
    max_probes: Annotated[Whole, Field(ge=1, le=1000)] = Field(
        32, description="Probes in flight at once; more are answered 503."
    )
    results: Annotated[Whole, Field(ge=1, le=10_000)] = Field(
        100, description="Last results, and last failures, that the page keeps."
    )
