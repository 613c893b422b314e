from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from exporter.prober import messages
from exporter.prober.messages import Answer, Ask
from exporter.probes.base import ProbeFailed, Target
from runtime.probing import wire
from runtime.probing.jobs import BUILT_IN
from runtime.probing.rules import Rules, parse_rule
from tests.exporter.prober.rig import Rig

if TYPE_CHECKING:
    import pytest

    from exporter.probes.base import Tools
    from runtime.probing.probes import Probe
    from runtime.probing.wire import Result

TCP = BUILT_IN["tcp"]


def ask(number: int, timeout: float = 1.0, guard: Rules | None = None) -> Ask:
    text = TCP.model_dump_json().encode()
    return Ask(number, text, "gateway", "192.0.2.1", timeout, guard)


def test_a_question_is_answered_with_what_was_found() -> None:
    async def body() -> None:
        rig = Rig()
        rig.answers.ask(ask(7))
        await rig.until(lambda: rig.told)
        (answer,) = rig.told
        assert isinstance(answer, Answer)
        assert (answer.id, answer.result.destination) == (7, "gateway")
        assert answer.result.succeeded

    asyncio.run(body())


def test_a_question_ends_with_its_timeout() -> None:
    async def body() -> None:
        rig = Rig()
        rig.kinds["tcp"].hold["192.0.2.1"] = asyncio.Event()
        rig.answers.ask(ask(7, timeout=0.01))
        await rig.until(lambda: rig.told)
        (answer,) = rig.told
        assert isinstance(answer, Answer)
        assert answer.result.reason == "timeout"
        assert answer.result.message == "it was not done within 10ms"
        assert answer.result.seconds >= 0.01

    asyncio.run(body())


def test_a_probe_gets_the_guard_of_its_question_and_no_more_time() -> None:
    async def seen(guard: Rules | None) -> tuple[float, bool]:
        rig = Rig()
        found: list[tuple[float, bool]] = []

        async def look(target: Target, settings: Probe, tools: Tools) -> Result:
            allowed = True
            try:
                tools.guard.check("", "198.51.100.1", 80)
            except ProbeFailed:
                allowed = False
            found.append((settings.timeout, allowed))
            raise AssertionError

        rig.attempts._probes = {"tcp": look}
        rig.answers.ask(ask(1, timeout=2.5, guard=guard))
        await rig.until(lambda: rig.told)
        return found[0]

    assert asyncio.run(seen(None)) == (2.5, True)
    assert asyncio.run(seen(Rules((parse_rule("192.0.2.0/24"),)))) == (2.5, False)


def test_jobs_that_are_slow_hold_up_no_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("exporter.prober.attempts.AT_ONCE", 2)

    async def body() -> None:
        rig = Rig()
        rig.kinds["tcp"].hold["slow"] = asyncio.Event()
        slow = [
            asyncio.create_task(rig.attempts.once(row, Target("one", "slow"), TCP))
            for row in range(5)
        ]
        await asyncio.sleep(0.001)
        rig.answers.ask(ask(7))
        await rig.until(lambda: rig.told)
        (answer,) = rig.told
        assert isinstance(answer, Answer)
        assert answer.result.succeeded
        rig.kinds["tcp"].hold["slow"].set()
        await asyncio.gather(*slow)

    asyncio.run(body())


def test_a_test_of_a_plan_is_carried_out_once() -> None:
    async def body() -> None:
        rig = Rig()
        test = wire.Test(id=3, destination="gateway", host="192.0.2.1", probe=TCP)
        rig.answers.test([test])
        rig.answers.test([test])
        await rig.until(lambda: rig.told)
        rig.answers.test([test])
        await asyncio.sleep(0.01)
        (tested,) = rig.told
        assert isinstance(tested, messages.Tested)
        assert (tested.result.id, tested.result.result.succeeded) == (3, True)

    asyncio.run(body())


def test_what_goes_on_at_the_end_is_broken_off() -> None:
    async def body() -> None:
        rig = Rig()
        rig.kinds["tcp"].hold["192.0.2.1"] = asyncio.Event()
        rig.answers.ask(ask(7, timeout=60))
        await asyncio.sleep(0.001)
        await rig.answers.stop()
        assert rig.told == []

    asyncio.run(body())
