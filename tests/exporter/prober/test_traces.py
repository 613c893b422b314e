from __future__ import annotations

import asyncio

from exporter.probes.base import Target
from tests.exporter.prober.rig import Rig


def test_a_few_are_traced_at_once_and_a_few_of_many_at_all() -> None:
    async def body() -> None:
        rig = Rig()
        hold = asyncio.Event()
        hosts = [f"192.0.2.{n}" for n in range(30)]
        rig.kinds["traceroute"].hold = dict.fromkeys(hosts, hold)
        tracing = asyncio.create_task(
            rig.traces.trace([Target(host, host) for host in hosts])
        )
        await rig.until(lambda: rig.attempts.in_flight == 8)
        await asyncio.sleep(0.01)
        assert rig.attempts.in_flight == 8
        hold.set()
        found = await tracing
        assert [result.destination for result in found] == hosts[:20]
        assert {(result.kind, result.probe) for result in found} == {
            ("traceroute", "traceroute")
        }
        assert rig.traces.left_out == 10

    asyncio.run(body())
