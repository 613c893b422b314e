"""Probes that somebody asks for: through `/probe`, or as a test of a plan."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from exporter.prober.attempts import failed
from exporter.prober.messages import Answer, Tested
from exporter.probes.base import Target
from exporter.probes.guard import RuleGuard
from runtime.probing.probes import Probe
from runtime.probing.reasons import Reason
from runtime.probing.wire import Result, TestResult
from runtime.quantities import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from exporter.prober.attempts import Attempts
    from exporter.prober.messages import Ask, FromProber
    from exporter.probes.base import Tools
    from runtime.probing.wire import Test

_SETTINGS: Final[TypeAdapter[Probe]] = TypeAdapter(Probe)
_REMEMBERED: Final = 10_000
_SPARE: Final = 0.2
"""Seconds beyond its timeout in which a probe may say by itself what it waits for."""
_LONGEST_TEST: Final = 120.0


class Answers:
    """Answers questions and carries out tests, each test once."""

    def __init__(
        self, attempts: Attempts, tools: Tools, tell: Callable[[FromProber], None]
    ) -> None:
        self._attempts = attempts
        self._tools = tools
        self._tell = tell
        self._tested: OrderedDict[int, None] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, ask: Ask) -> None:
        """Begin to answer a question."""
        self._begin(self._answer(ask))

    def test(self, tests: Sequence[Test]) -> None:
        """Begin those tests that were not begun before."""
        for test in tests:
            if test.id not in self._tested:
                self._tested[test.id] = None
                self._begin(self._test(test))
        while len(self._tested) > _REMEMBERED:
            self._tested.popitem(last=False)

    async def stop(self) -> None:
        """Break off what goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, ask: Ask) -> None:
        settings = _SETTINGS.validate_json(ask.probe)
        tools = self._tools
        if ask.guard is not None:
            tools = replace(tools, guard=RuleGuard(ask.guard))
        target = Target(ask.name, ask.host)
        result = await self._within(ask.timeout, target, settings, tools)
        self._tell(Answer(ask.id, result))

    async def _test(self, test: Test) -> None:
        target = Target(test.destination or test.host, test.host)
        result = await self._within(_LONGEST_TEST, target, test.probe, self._tools)
        self._tell(Tested(TestResult(id=test.id, result=result)))

    async def _within(
        self, seconds: float, target: Target, settings: Probe, tools: Tools
    ) -> Result:
        began, began_ms = tools.clock.monotonic(), int(tools.clock.now() * 1000)
        shortened = settings.model_copy(
            update={"timeout": min(settings.timeout, seconds)}
        )
        try:
            async with asyncio.timeout(seconds + _SPARE):
                return await self._attempts.asked(target, shortened, tools)
        except TimeoutError:
            message = f"it was not done within {format_duration(seconds)}"
            spent = tools.clock.monotonic() - began
            return failed(
                target, settings, began_ms, Reason.TIMEOUT, message, seconds=spent
            )
