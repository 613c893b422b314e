"""Single probes of single destinations: bounded in number, one at a time for each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import structlog

from runtime.probing.reasons import Reason
from runtime.probing.wire import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.probes.base import Probe, Target, Tools
    from runtime.probing.probes import Probe as Settings

log = structlog.get_logger(__name__)

AT_ONCE: Final = 400
"""Probes in flight; what is more waits, and is counted. Each needs a file or two."""

ASKED_AT_ONCE: Final = 100
"""Probes in flight that somebody asked for; jobs, however slow, take no room of theirs.
"""

SKIPPED: Final = None
"""What comes of a probe that still goes on from the run before."""


class Attempts:
    """Carries out probes of all kinds but echoes of jobs.

    `in_flight` is how many there are now, `waits` how often one had to wait for room.
    """

    def __init__(self, probes: Mapping[str, Probe[Any]], tools: Tools) -> None:
        self._probes = probes
        self._tools = tools
        self._room = asyncio.Semaphore(AT_ONCE)
        self._room_of_asked = asyncio.Semaphore(ASKED_AT_ONCE)
        self._going_on: set[int] = set()
        self.in_flight = 0
        self.waits = 0

    async def once(self, row: int, target: Target, settings: Settings) -> Result | None:
        """Probe a target, unless that row's probe still goes on: then return None."""
        if row in self._going_on:
            return SKIPPED
        self._going_on.add(row)
        try:
            return await self.one(target, settings, self._tools)
        finally:
            self._going_on.discard(row)

    async def one(self, target: Target, settings: Settings, tools: Tools) -> Result:
        """Probe a target when there is room; raises nothing but CancelledError."""
        return await self._when_there_is(self._room, target, settings, tools)

    async def asked(self, target: Target, settings: Settings, tools: Tools) -> Result:
        """Do as `one`, for somebody who asked and waits."""
        return await self._when_there_is(self._room_of_asked, target, settings, tools)

    async def _when_there_is(
        self, room: asyncio.Semaphore, target: Target, settings: Settings, tools: Tools
    ) -> Result:
        if room.locked():
            self.waits += 1
        async with room:
            self.in_flight += 1
            try:
                return await self._probes[settings.kind](target, settings, tools)
            except Exception as error:
                log.exception("probe failed", probe=settings.name, kind=settings.kind)
                return failed(
                    target,
                    settings,
                    int(tools.clock.now() * 1000),
                    Reason.INTERNAL_ERROR,
                    f"the prober failed: {type(error).__name__}; its log says where",
                )
            finally:
                self.in_flight -= 1


def failed(
    target: Target,
    settings: Settings,
    began_ms: int,
    reason: Reason,
    message: str,
    *,
    seconds: float = 0.0,
) -> Result:
    """Return the result of a probe that could not say one by itself."""
    return Result(
        destination=target.name,
        probe=settings.name,
        kind=settings.kind,
        began_ms=began_ms,
        seconds=seconds,
        reason=reason,
        message=message,
    )
