"""Agents of a fake bridge, and the runs that they are given."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from exporter.agent.agent import Agent
from runtime.prober_settings import Prober as Settings
from runtime.probing import wire
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.exporter.agent.fake_bridge import FakeBridge

START = 1_700_000_000


class FakeProber:
    """Remembers the plans; tells runs and tests as told."""

    def __init__(self) -> None:
        self.plans: list[wire.Plan] = []
        self.tell: Callable[[wire.Run], None]
        self.tell_test: Callable[[wire.TestResult], None]

    def work(self, plan: wire.Plan) -> None:
        self.plans.append(plan)

    def on_run(self, callback: Callable[[wire.Run], None]) -> None:
        self.tell = callback

    def on_test(self, callback: Callable[[wire.TestResult], None]) -> None:
        self.tell_test = callback


class Site:
    """An agent without threads, its prober and its clock; `ship` and `poll` step it."""

    def __init__(
        self,
        bridge: FakeBridge,
        state: Path,
        clock: FakeClock | None = None,
        timeout: float = 30.0,
        **more: Any,
    ) -> None:
        document = {"bridge": bridge.url, "agent": "site-1", "state": str(state)}
        settings = Settings.model_validate(document | more)
        self.clock = clock or FakeClock(START)
        self.prober = FakeProber()
        self.agent = Agent(
            settings,
            self.prober,
            self.clock,
            key="secret",
            chance=lambda: 0.0,
            timeout=timeout,
        )
        self.agent.open()

    def ship_all(self, most: int = 1000) -> int:
        """Send until there is nothing; return how many steps that took."""
        for step in range(most):
            wait = self.agent.shipper.step()
            if wait == 1.0 and not self.metric("runs_unsent"):
                return step
            self.clock.advance(wait)
        raise AssertionError("there is still something to send")

    def metric(self, name: str, *labels: str) -> float:
        """Return a sample of a metric of the agent."""
        for metric, samples in self.agent.families():
            if metric.name == f"epimetheus_agent_{name}":
                return dict(samples)[labels]
        raise KeyError(name)

    def kill(self) -> None:
        """Leave everything as it is; the lock goes with the process."""
        spool = self.agent._backlog._spool
        for handle in (spool._lock_file, spool._sent_file):
            if handle is not None:
                os.close(handle)
        spool._lock_file = spool._sent_file = None


def run(second: int, job: str = "gateways", **more: Any) -> wire.Run:
    """Return the run of a job at a second after the start."""
    at = (START + second) * 1000
    result = wire.Result(
        destination="gateway",
        probe="icmp",
        kind="icmp",
        began_ms=at,
        seconds=0.01,
        sent=2,
        received=1,
        rtts=(0.001, None),
        facts={"ttl": 64},
    )
    document: dict[str, Any] = {"state": "completed", "destinations": 1, "succeeded": 1}
    return wire.Run(
        job=job,
        scheduled_ms=at,
        began_ms=at,
        ended_ms=at + 20,
        results=(result,),
        **(document | more),
    )
