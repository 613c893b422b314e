"""What agents and the bridge say to each other, in JSON over HTTP.

An agent asks for its plan: `GET /api/v1/agents/NAME/plan`, with the ETag of the one
that it has. It tells what it found: `POST /api/v1/results` with a `Batch`, as often as
it takes, as a run is known by its agent, job and scheduled time and is kept once. Times
are UTC milliseconds, durations seconds.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from pydantic import Field

from runtime.probing.jobs import Destination, Job, Maintenance
from runtime.probing.probes import Probe
from runtime.section import Section

STARVED: Final = "starved"
"""Mark of what was measured while tasks of the prober's host waited for a CPU."""
CLOCK_STEPPED: Final = "clock_stepped"
"""Mark of what was measured while the host's clock was set."""


class Test(Section):
    """A destination that somebody wants probed once, at once."""

    id: int = Field(description="By which its result is told.")
    destination: str = Field(description="Name of a destination of the plan, or none.")
    host: str = Field(description="What is probed.")
    probe: Probe = Field(description="How.")


class Plan(Section):
    """All that an agent has to do; `version` changes exactly if anything else does."""

    version: str = Field(description="The plan's ETag.")
    modules: tuple[Probe, ...] = ()
    destinations: tuple[Destination, ...] = ()
    jobs: tuple[Job, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    tests: tuple[Test, ...] = ()


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one probe of one destination found.

    `probe` is the module's name, `reason` one of `runtime.probing.reasons`, '' for a
    success. `rtts` are the round-trip times in the order of sending, None for what was
    lost, or the one duration that matters of other kinds (the connection's, the
    answer's); `phases` divide `seconds`. `facts` are of the kind; see docs/probes.md.
    `route` is the hash of a trace's hops, `certificate` the SHA-256 of the leaf.
    `log` are lines for people, with seconds since the beginning.
    """

    destination: str
    probe: str
    kind: str
    began_ms: int
    seconds: float
    reason: str = ""
    message: str = ""
    address: str = ""
    sent: int = 0
    received: int = 0
    rtts: tuple[float | None, ...] = ()
    phases: dict[str, float] = {}
    facts: dict[str, Any] = {}
    route: str = ""
    certificate: str = ""
    marks: tuple[str, ...] = ()
    log: tuple[tuple[float, str], ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether the probe found what it looked for."""
        return not self.reason


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One execution of a job by one agent.

    `state` is `completed`, `failed` where no destination answered, or `aborted` where
    the prober was stopped meanwhile. `destinations`, `succeeded` and `failed` count
    destinations, also those whose results the job's history leaves out; a destination
    fails if any of its probes does. `skipped` are those whose run before had not ended,
    `left_alone` those in maintenance.
    """

    job: str
    scheduled_ms: int
    began_ms: int
    ended_ms: int
    state: str
    destinations: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    left_alone: int = 0
    error: str = ""
    marks: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a test."""

    id: int
    result: Result


class Batch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Finished runs of an agent, oldest first.

    `dropped` counts the runs that the agent gave up since it began.
    """

    agent: str
    version: str = ""
    plan: str = ""
    runs: tuple[Run, ...] = ()
    tests: tuple[TestResult, ...] = ()
    dropped: int = 0


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A run that cannot be kept, by its place in the batch, and why."""

    place: int
    reason: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch; what is neither refused nor here must be sent again."""

    accepted: int
    duplicates: int
    refused: tuple[Refusal, ...] = ()
