from __future__ import annotations

import asyncio

from exporter.prober.timetable import Timetable
from runtime.clock import SystemClock
from runtime.probing.jobs import Job


def job(name: str) -> Job:
    return Job(name=name, interval="1s", tags=("all",))


def test_a_new_plan_is_gone_by_at_once() -> None:
    async def body() -> list[tuple[str, float]]:
        clock = SystemClock()
        begun: list[tuple[str, float]] = []
        enough = asyncio.Event()

        def begin(name: str, at: int) -> None:
            begun.append((name, clock.now() * 1000 - at))
            enough.set()

        table = Timetable(clock, begin, print)
        task = asyncio.create_task(table.run())
        await asyncio.sleep(0)
        table.plan([job("one")])
        await asyncio.wait_for(enough.wait(), 10)
        table.plan([])
        task.cancel()
        return begun

    (begun,) = asyncio.run(body())
    assert begun[0] == "one"
    assert begun[1] >= 0
