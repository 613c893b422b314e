from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.exporter.agent.fake_bridge import FakeBridge
from tests.exporter.agent.makers import Site, run

ROOT = Path(__file__).parents[3]


def killed_after(runs: int, bridge: FakeBridge, state: Path, first: int) -> int:
    """Start an agent, kill it in the midst of its work; return its last run."""
    command = [sys.executable, "-m", "tests.exporter.agent.killed_agent"]
    with subprocess.Popen(
        [*command, bridge.url, str(state), str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = "".join(process.stdout.readline() for _ in range(runs))
        process.kill()
        told += process.stdout.read()
    *whole, _ = told.split("\n")
    return int(whole[-1])


def test_an_agent_that_is_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    last = -1
    with FakeBridge() as bridge:
        for runs, mishap in ((700, "503"), (400, "lost"), (1500, "")):
            bridge.always = mishap  # type: ignore[assignment]  # one of its words
            last = killed_after(runs, bridge, tmp_path, last + 1)
        bridge.always = ""
        Site(bridge, tmp_path, agent="a").ship_all()
        stored = {key[2] for key in bridge.stored}
    taken = {run(second).scheduled_ms for second in range(last + 1)}
    assert taken <= stored
    # The run that was being told when the kill came may be there as well.
    assert len(stored - taken) <= 1
