"""What one probe of one target is in the middle of, and how it ends."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from exporter.probes import failures
from exporter.probes.base import Log, ProbeFailed
from runtime.probing.reasons import Reason
from runtime.probing.wire import Result
from runtime.quantities import format_duration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from exporter.probes.base import Target, Tools
    from runtime.probing.probes import Probe as Settings

log = structlog.get_logger(__name__)


class Trial:
    """Collects what a probe finds: phases, facts, the log, the failure.

    `phases` are in seconds and add up over repetitions; `failed` is the failure so far.
    """

    def __init__(self, target: Target, settings: Settings, tools: Tools) -> None:
        self.target = target
        self.settings = settings
        self.tools = tools
        self.began = tools.clock.monotonic()
        self.began_ms = int(tools.clock.now() * 1000)
        self.log = Log(tools.clock, self.began)
        self.phases: dict[str, float] = {}
        self.facts: dict[str, Any] = {}
        self.rtts: tuple[float | None, ...] = ()
        self.address = ""
        self.certificate = ""
        self.failed: ProbeFailed | None = None
        self.stuck_in = ""
        self.waits_for = ""
        self._aside = False

    def elapsed(self) -> float:
        """Return the seconds since the probe began."""
        return self.tools.clock.monotonic() - self.began

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time that is spent inside to a phase."""
        if self._aside:
            yield
            return
        began = self.tools.clock.monotonic()
        self.stuck_in = name
        try:
            yield
        finally:
            spent = self.tools.clock.monotonic() - began
            self.phases[name] = self.phases.get(name, 0.0) + spent

    @contextmanager
    def aside(self, failed: ProbeFailed) -> Iterator[None]:
        """Look closer after a failure, which stays: nothing inside counts or raises."""
        self.failed, self._aside = failed, True
        try:
            yield
        except (ProbeFailed, OSError) as error:
            self.log.say(f"a second look failed: {error}")
        finally:
            self._aside = False

    def result(self, seconds: float) -> Result:
        """Return what was found."""
        failed = self.failed
        if failed is not None:
            self.log.say(f"failed: {failed}")
        return Result(
            destination=self.target.name,
            probe=self.settings.name,
            kind=self.settings.kind,
            began_ms=self.began_ms,
            seconds=seconds,
            reason=failed.reason if failed else Reason.NONE,
            message=str(failed) if failed else "",
            address=self.address,
            rtts=self.rtts,
            phases=self.phases,
            facts=self.facts,
            certificate=self.certificate,
            log=tuple(self.log.lines),
        )


async def conduct(
    trial: Trial, body: Callable[[], Awaitable[None]], limit: float | None = None
) -> Result:
    """Carry a probe out within its timeout; raise nothing but CancelledError.

    `limit` in seconds replaces the timeout of the settings.
    """
    seconds = trial.settings.timeout if limit is None else limit
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            await body()
    except ProbeFailed as failed:
        trial.failed = failed
    except OSError as error:
        trial.failed = trial.failed or _of_system(error, trial, deadline, seconds)
    except Exception as error:
        log.exception("probe failed", probe=trial.settings.name, error=repr(error))
        trial.failed = ProbeFailed(
            Reason.INTERNAL_ERROR,
            f"the prober failed: {type(error).__name__}; its log says where",
        )
    return trial.result(trial.elapsed())


def _of_system(
    error: OSError, trial: Trial, deadline: asyncio.Timeout, seconds: float
) -> ProbeFailed:
    if not deadline.expired():
        return failures.of_system(error)
    return too_late(trial, seconds)


def too_late(trial: Trial, seconds: float) -> ProbeFailed:
    """Return the failure of a probe that is not done in time."""
    text = f"it was not done within {format_duration(seconds)}"
    if trial.stuck_in:
        text += f"; the time ran out in phase {trial.stuck_in}"
    if trial.waits_for:
        text += f", waiting for {trial.waits_for}"
    return ProbeFailed(Reason.TIMEOUT, text)
