"""The exporter as an agent of a bridge: works on its plan, and tells what was found."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import structlog

from exporter.agent import families
from exporter.agent.backlog import Backlog
from exporter.agent.backoff import Backoff
from exporter.agent.bridge import Bridge
from exporter.agent.counts import Counts
from exporter.agent.names import agent_name
from exporter.agent.outbox import Outbox
from exporter.agent.plans import PlanFile
from exporter.agent.polling import Poller
from exporter.agent.shipping import IDLE, Shipper
from exporter.agent.spool import Spool
from exporter.telemetry import version

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collectors.base import Family
    from runtime.clock import Clock
    from runtime.prober_settings import Prober as Settings
    from runtime.probing import wire

log = structlog.get_logger(__name__)

_FIRST_PAUSE: Final = 1.0
_PAUSE: Final = 30.0
"""Seconds for which a bridge that fails is left alone, at most."""
_POLL_PAUSE: Final = 15.0
"""The same for polling, which costs the bridge little, and without which nothing runs.
"""
_DRAIN: Final = 3.0
"""Seconds at the end for what is unsent; the rest is on disk."""
_LEAVE: Final = 1.0
"""Seconds for the threads to end once what they wait for was cut off."""


class Prober(Protocol):
    """What works on plans."""

    def work(self, plan: wire.Plan) -> None:
        """Work on a plan from now on, instead of the one before."""

    def on_run(self, callback: Callable[[wire.Run], None]) -> None:
        """Have each finished run told to the callback."""

    def on_test(self, callback: Callable[[wire.TestResult], None]) -> None:
        """Have each result of a test of the plan told to the callback."""


class Agent:
    """A service: polls the plan and ships results in a thread each.

    To be started before the prober and stopped after it, so that no run is missed.
    `chance` returns numbers in `[0, 1)`, which spread agents over time. Raises
    ValueError where the settings name no bridge.
    """

    def __init__(
        self,
        settings: Settings,
        prober: Prober,
        clock: Clock,
        *,
        key: str | None,
        chance: Callable[[], float],
        timeout: float = 30.0,
    ) -> None:
        if settings.bridge is None:
            raise ValueError("exporter.prober.bridge is not set")
        self.name = agent_name(settings.agent)
        self._prober = prober
        self._clock = clock
        self._counts = Counts()
        self._bridge = Bridge(settings.bridge, self.name, key, clock, timeout)
        self._backlog = Backlog(
            Spool(settings.state / "spool", settings.spool, self._counts.dropped),
            clock,
            self._counts.dropped,
        )
        self._outbox = Outbox(self._counts.dropped)
        self.poller = Poller(
            bridge=self._bridge,
            file=PlanFile(settings.state / "plan.json", self.name),
            take=prober.work,
            clock=clock,
            counts=self._counts,
            backoff=Backoff(
                min(_FIRST_PAUSE, settings.poll),
                max(_POLL_PAUSE, settings.poll),
                chance,
            ),
            every=settings.poll,
        )
        self.shipper = Shipper(
            bridge=self._bridge,
            agent=self.name,
            version=version(),
            backlog=self._backlog,
            outbox=self._outbox,
            counts=self._counts,
            backoff=Backoff(_FIRST_PAUSE, _PAUSE, chance),
            plan=lambda: self.poller.version,
            most=settings.batch,
        )
        self._synced = 0.0
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Take over what is on disk, and begin to ask and to tell."""
        self.open()
        self._threads = [
            threading.Thread(target=loop, name=f"agent {what}", daemon=True)
            for what, loop in (("plan", self._poll), ("results", self._ship))
        ]
        for thread in self._threads:
            thread.start()

    def open(self) -> None:
        """Do what `start` does, but for the threads."""
        self._backlog.open()
        self._prober.on_run(self.take)
        self._prober.on_test(self._outbox.add)
        self.poller.begin()

    def stop(self) -> None:
        """Send what is unsent while that goes well, for 3 s; then keep the rest."""
        self._stop.set()
        for shipping in self._threads[-1:]:
            shipping.join(_DRAIN)
        self._bridge.close()
        for thread in self._threads:
            thread.join(_LEAVE)
            if thread.is_alive():
                log.error("thread did not end", thread=thread.name)
        self._backlog.close()

    def take(self, run: wire.Run) -> None:
        """Write down a finished run; it is safe from then on."""
        try:
            payload = msgspec.json.encode(run)
        except (TypeError, ValueError) as error:
            log.exception("a run cannot be written", job=run.job, error=str(error))
            self._counts.dropped("not_writable", 1)
            return
        self._backlog.add(payload)
        self._counts.runs("taken", 1)

    def families(self) -> list[Family]:
        """Return the metrics as of now."""
        up = self.poller.is_well and self.shipper.is_well
        age = self.poller.age
        return [
            families.UP.of(up),
            *([] if age is None else [families.PLAN_AGE.of(age)]),
            *families.of_counts(self._counts),
            *families.of_backlog(
                *self._backlog.figures(), on_disk=self._backlog.on_disk
            ),
        ]

    def _poll(self) -> None:
        self._again_and_again(self.poller.step)

    def _ship(self) -> None:
        self._again_and_again(self.ship_once)
        deadline = self._clock.monotonic() + _DRAIN
        while not self._done(self.shipper.step):
            if self._clock.monotonic() >= deadline:
                return

    def _again_and_again(self, step: Callable[[], float]) -> None:
        wait = 0.0
        while not self._clock.wait(self._stop, wait):
            wait = self._done(step)

    @staticmethod
    def _done(step: Callable[[], float]) -> float:
        """Do a step and return how long to wait; one that breaks is done again later.

        Nothing may end these threads but the end of the exporter.
        """
        try:
            return step()
        except Exception:
            log.exception("the agent failed", again_in=_PAUSE)
            return _PAUSE

    def ship_once(self) -> float:
        """Send a batch; return the seconds until the next one."""
        wait = self.shipper.step()
        now = self._clock.monotonic()
        # What was sent at once need not go to the platter.
        if wait or now - self._synced >= IDLE:
            self._backlog.sync()
            self._synced = now
        return wait
