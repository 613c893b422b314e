from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from exporter.probes.base import Target
from runtime.probing.jobs import BUILT_IN
from tests.exporter.prober.rig import Rig

if TYPE_CHECKING:
    import pytest

TCP = BUILT_IN["tcp"]


def test_too_many_at_once_wait_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.prober.attempts.AT_ONCE", 2)

    async def body() -> None:
        rig = Rig()
        rig.kinds["tcp"].hold["slow"] = asyncio.Event()
        tasks = [
            asyncio.create_task(rig.attempts.once(row, Target("one", "slow"), TCP))
            for row in range(5)
        ]
        await asyncio.sleep(0.001)
        assert (rig.attempts.in_flight, rig.attempts.waits) == (2, 3)
        rig.kinds["tcp"].hold["slow"].set()
        found = await asyncio.gather(*tasks)
        assert all(result is not None and result.succeeded for result in found)
        assert rig.attempts.in_flight == 0

    asyncio.run(body())


def test_one_row_is_probed_once_at_a_time() -> None:
    async def body() -> None:
        rig = Rig()
        rig.kinds["tcp"].hold["slow"] = asyncio.Event()
        target = Target("one", "slow")
        first = asyncio.create_task(rig.attempts.once(1, target, TCP))
        await asyncio.sleep(0.001)
        assert await rig.attempts.once(1, target, TCP) is None
        rig.kinds["tcp"].hold["slow"].set()
        assert await first is not None
        assert await rig.attempts.once(1, target, TCP) is not None

    asyncio.run(body())
