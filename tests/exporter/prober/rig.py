"""A prober in this process, whose probes and echoes do what a test says."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from exporter.prober.answers import Answers
from exporter.prober.attempts import Attempts
from exporter.prober.board import Board
from exporter.prober.echoes import Echoes
from exporter.prober.messages import Done, FromProber, Latest, Row
from exporter.prober.pulse import Pulse
from exporter.prober.roster import Roster
from exporter.prober.runner import Means, Runner
from exporter.prober.starvation import Starvation
from exporter.prober.tally import Tally
from exporter.prober.traces import Traces
from exporter.probes.base import Address, Open, ProbeFailed, Tools
from exporter.probes.volleys import VolleyResult
from runtime.clock import SystemClock
from runtime.probing.jobs import Probes
from runtime.probing.planning import plan_of
from runtime.probing.reasons import Reason
from runtime.probing.wire import Result, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.prober.findings import History
    from exporter.prober.roster import Duty
    from exporter.probes.base import Target
    from exporter.probes.volleys import Volley
    from runtime.probing.probes import Probe


class Names:
    """Resolves what a test put in; a name that is an event first has to happen."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.slow: dict[str, asyncio.Event] = {}

    async def resolve(self, host: str, family: str) -> Sequence[Address]:
        if host in self.slow:
            await self.slow[host].wait()
        if host not in self.known:
            raise ProbeFailed(Reason.NOT_RESOLVED, f"{host} does not resolve")
        return [Address(socket.AF_INET, self.known[host])]


class Echo:
    """Answers volleys: addresses in `silent` do not reply, `refused` cannot be sent."""

    def __init__(self) -> None:
        self.volleys: list[Volley] = []
        self.silent: set[str] = set()
        self.refused: dict[str, ProbeFailed] = {}
        self.hold: asyncio.Event | None = None

    async def fire(self, volley: Volley) -> VolleyResult:
        self.volleys.append(volley)
        if self.hold is not None:
            await self.hold.wait()
        count = volley.settings.count
        found = VolleyResult.empty(len(volley.targets), count, 1_000)
        for number, target in enumerate(volley.targets):
            if target.ip in self.refused:
                found.refused[number] = self.refused[target.ip]
                continue
            found.sent[number] = count
            if target.ip in self.silent:
                found.unreachable[number, "host"] = count
            else:
                found.rtts[number] = np.arange(1, count + 1) * 1_000_000
        return found


class Tries:
    """Probes of other kinds: `outcomes` by host, a success if there is none."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Any] = {}
        self.tried: Counter[str] = Counter()
        self.hold: dict[str, asyncio.Event] = {}

    async def __call__(self, target: Target, settings: Probe, tools: Tools) -> Result:
        self.tried[target.host] += 1
        if target.host in self.hold:
            await self.hold[target.host].wait()
        outcome = self.outcomes.get(target.host, {})
        if isinstance(outcome, Exception):
            raise outcome
        told = {"began_ms": 5, "seconds": 0.25, **outcome}
        return Result(
            destination=target.name, probe=settings.name, kind=settings.kind, **told
        )


class Rig:
    """All the parts of a prober but its process; to be made within a loop."""

    def __init__(self, *, procfs: str = "/nowhere", starved: int = 100) -> None:
        clock = SystemClock()
        self.names, self.echo = Names(), Echo()
        self.kinds: defaultdict[str, Tries] = defaultdict(Tries)
        for kind in ("icmp", "tcp", "http", "dns", "traceroute"):
            self.kinds[kind] = Tries()
        self.told: list[FromProber] = []
        self.board, self.tally = Board.create(8), Tally.create(8)
        tools = Tools(clock, self.names, Open(), os.urandom)
        self.attempts = Attempts(self.kinds, tools)
        self.traces = Traces(self.attempts, tools)
        self.echoes = Echoes(self.echo, self.names, self.tally, clock)
        self.starvation = Starvation(clock, procfs, starved)
        self.pulse = Pulse(clock, self.board, self.starvation)
        self.roster = Roster(self.board, self.tally, clock)
        self.answers = Answers(self.attempts, tools, self.told.append)
        self.runner = Runner(
            Means(
                clock=clock,
                echoes=self.echoes,
                attempts=self.attempts,
                traces=self.traces,
                tally=self.tally,
                pulse=self.pulse,
                tell=self.told.append,
            )
        )
        self.duties: dict[str, Duty] = {}

    def plan(self, *, keep: History = "all", **probes: Any) -> None:
        """Work on settings; `hosts` are destinations by name, all tagged `all`."""
        hosts = probes.pop("hosts", {})
        destinations = [
            {"name": name, "host": host, "tags": ["all"]}
            for name, host in hosts.items()
        ]
        jobs = [{"splay": "0s", **job} for job in probes.pop("jobs")]
        settings = Probes.model_validate(
            {"destinations": destinations, "jobs": jobs, **probes}
        )
        plan = plan_of(settings)
        self.duties = self.roster.assign(plan, "here", self.runner.rows)
        self.runner.plan(self.duties, plan.maintenance, keep=keep)

    async def run(self, job: str, at: int = 60_000) -> Run:
        """Make a run and return what is told of it."""
        self.runner.begin(job, at)
        await self.ended()
        return self.runs[-1]

    async def until(self, there: Callable[[], object]) -> None:
        """Wait until something is there."""
        for _ in range(10_000):
            if there():
                return
            await asyncio.sleep(0.001)
        raise AssertionError("it never came")

    async def ended(self) -> None:
        """Wait until no run goes on."""
        while self.runner._going_on:
            await asyncio.wait(self.runner._going_on)

    @property
    def runs(self) -> list[Run]:
        """The runs that were told of."""
        return [message.run for message in self.told if isinstance(message, Done)]

    @property
    def latest(self) -> list[Latest]:
        """The newest results that were told."""
        return [message for message in self.told if isinstance(message, Latest)]

    def row(self, job: str, destination: str) -> Row:
        """Return where a destination of a job is counted."""
        (row,) = (
            row
            for row in self.roster.rows
            if (row.job, row.destination) == (job, destination)
        )
        return row
