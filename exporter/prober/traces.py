"""Traces of the way to destinations that have just failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from runtime.probing.jobs import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.prober.attempts import Attempts
    from exporter.probes.base import Target, Tools
    from runtime.probing.probes import Probe
    from runtime.probing.wire import Result

_AT_ONCE: Final = 8
_MOST: Final = 20
"""Traces of one run: where a whole site fails, a few tell what all would."""

DEFAULT: Final = BUILT_IN["traceroute"]


class Traces:
    """Traces a few ways at once; `left_out` counts those that were not traced."""

    def __init__(self, attempts: Attempts, tools: Tools) -> None:
        self._attempts = attempts
        self._tools = tools
        self._room = asyncio.Semaphore(_AT_ONCE)
        self.settings: Probe = DEFAULT
        self.left_out = 0

    async def trace(self, targets: Sequence[Target]) -> list[Result]:
        """Return the ways to these targets, or to the first of them."""
        self.left_out += max(len(targets) - _MOST, 0)
        return await asyncio.gather(*map(self._trace, targets[:_MOST]))

    async def _trace(self, target: Target) -> Result:
        async with self._room:
            return await self._attempts.one(target, self.settings, self._tools)
