"""An agent that is to be killed: tells each run that it has taken on its output.

python -m tests.exporter.agent.killed_agent URL STATE FIRST
"""

from __future__ import annotations

import random
import sys
import threading

import structlog

from exporter.agent.agent import Agent
from runtime.clock import SystemClock
from runtime.prober_settings import Prober as Settings
from tests.exporter.agent.makers import FakeProber, run


def main(url: str, state: str, first: int) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = Settings.model_validate({"bridge": url, "agent": "a", "state": state})
    agent = Agent(settings, FakeProber(), SystemClock(), key=None, chance=random.random)
    agent.start()
    pause = threading.Event()
    for second in range(first, first + 100_000):
        agent.take(run(second))
        sys.stdout.write(f"{second}\n")
        sys.stdout.flush()
        pause.wait(0.0005)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
