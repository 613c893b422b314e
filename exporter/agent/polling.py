"""Keeps the plan: asks the bridge for it, and starts with the one on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from exporter.agent.bridge import BridgeError
from exporter.agent.plans import NoPlan, parse
from exporter.agent.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.agent.backoff import Backoff
    from exporter.agent.bridge import Bridge, Fetched
    from exporter.agent.counts import Counts
    from exporter.agent.plans import PlanFile
    from runtime.clock import Clock
    from runtime.probing import wire

log = structlog.get_logger(__name__)

_CONFIRMED_EVERY = 60.0


class Poller:
    """Asks for the plan every `every` seconds; `take` is given each one that is new."""

    def __init__(
        self,
        *,
        bridge: Bridge,
        file: PlanFile,
        take: Callable[[wire.Plan], None],
        clock: Clock,
        counts: Counts,
        backoff: Backoff,
        every: float,
    ) -> None:
        self._bridge = bridge
        self._file = file
        self._take = take
        self._clock = clock
        self._counts = counts
        self._backoff = backoff
        self._every = every
        self._voice = Voice("asking for the plan")
        self._etag = ""
        self._is_stored = True
        self._has_answered = False
        self._confirmed: float | None = None
        self._noted = 0.0
        self._version = ""

    @property
    def is_well(self) -> bool:
        """Whether the bridge answered well the last time that it was asked."""
        return self._has_answered and self._voice.is_well

    @property
    def version(self) -> str:
        """The version of the plan that is worked on, '' without one."""
        return self._version

    @property
    def age(self) -> float | None:
        """Seconds since the bridge said that this is the plan; None without one."""
        if self._confirmed is None:
            return None
        return max(self._clock.now() - self._confirmed, 0.0)

    def begin(self) -> None:
        """Take the plan that is on disk, without the tests of back then."""
        try:
            stored = self._file.read()
        except NoPlan as reason:
            log.info("no plan on disk", reason=str(reason))
            return
        # Where there are tests, they are asked for anew: some may not be done yet.
        self._etag = "" if stored.plan.tests else stored.etag
        self._confirmed = self._noted = stored.confirmed
        plan = stored.plan.model_copy(update={"tests": ()})
        log.info("plan taken from disk", jobs=len(plan.jobs), age=round(self.age or 0))
        self._hand_on(plan)

    def step(self) -> float:
        """Ask once; return how many seconds to wait until the next time."""
        try:
            fetched = self._bridge.fetch(self._etag)
            if fetched is None:
                self._still_right()
            else:
                self._changed(fetched)
        except BridgeError as error:
            self._counts.polled(error.outcome)
            self._voice.failed(error)
            return self._backoff.failed(error.retry_after)
        self._has_answered = True
        self._voice.worked()
        self._backoff.worked()
        return self._every

    def _still_right(self) -> None:
        self._counts.polled("unchanged")
        now = self._confirmed = self._clock.now()
        if abs(now - self._noted) >= _CONFIRMED_EVERY:
            self._noted = now
            try:
                self._file.confirm(now)
            except OSError as error:
                self._tell_disk(error)

    def _changed(self, fetched: Fetched) -> None:
        try:
            plan = parse(fetched.content)
        except ValueError as error:
            raise BridgeError(
                "garbage", f"the plan does not fit this version: {error}"
            ) from error
        self._counts.polled("changed")
        now = self._confirmed = self._noted = self._clock.now()
        log.info("plan has changed", jobs=len(plan.jobs), version=plan.version)
        self._hand_on(plan)
        self._etag = fetched.etag
        try:
            self._file.write(fetched.content, fetched.etag, now)
        except OSError as error:
            self._tell_disk(error)
        else:
            self._is_stored = True

    def _hand_on(self, plan: wire.Plan) -> None:
        self._version = plan.version
        self._take(plan)

    def _tell_disk(self, error: OSError) -> None:
        if self._is_stored:
            log.error(
                "the plan is kept in memory only",
                error=(error.strerror or str(error)).lower(),
                remedy="see to the directory exporter.prober.state",
            )
        self._is_stored = False
