"""Answers agents what they have to do, cheaply while nothing changes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson
import structlog

from bridge.probing.plans import Everything, plan_of
from models.database import DatabaseUnavailable
from models.queries import agents, probe_tests
from models.queries import entries as table
from models.queries.catalogue_state import State, state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.database import Database
    from models.queries.probe_tests import AskedTest
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

PATIENCE: Final = 60.0
"""Seconds that a test waits for its agent."""
SEEN_EVERY: Final = 30.0
"""Seconds between two notes that an agent came."""
_FRESH: Final = 1.0
"""Seconds for which it is not looked whether anything has changed."""
_AGENTS: Final = 10_000

_Key: TypeAlias = tuple[State, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan: its version, and its JSON if that is not what the agent has."""

    version: str
    body: bytes | None


@dataclass(slots=True)
class _Agent:
    """What is remembered of an agent."""

    key: _Key | None = None
    version: str = ""
    seen: float | None = None
    noted: str = ""


class Planner:
    """The plans of one worker process.

    What is remembered of agents is only so that they are answered quickly; each worker
    has its own, and they come to the same.
    """

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._agents: OrderedDict[str, _Agent] = OrderedDict()
        self._state: State = ()
        self._looked: float | None = None
        self._everything: tuple[State, Everything] = ((), Everything())

    def plan(self, name: str, has: str = "") -> Planned:
        """Return the plan of an agent, which has the one of version `has`.

        An agent that comes is noted, but not every time.
        """
        agent = self._agent(name)
        tests = self._tests(name)
        key = (self._current(), tuple(test.id for test in tests))
        plan: dict[str, Any] | None = None
        if agent.key != key:
            plan = self._make(name, key[0], tests)
            agent.key, agent.version = key, plan["version"]
        self._note(name, agent, has)
        if has == agent.version:
            return Planned(agent.version, None)
        plan = plan or self._make(name, key[0], tests)
        return Planned(plan["version"], orjson.dumps(plan))

    def _agent(self, name: str) -> _Agent:
        agent = self._agents.setdefault(name, _Agent())
        self._agents.move_to_end(name)
        if len(self._agents) > _AGENTS:
            self._agents.popitem(last=False)
        return agent

    def _tests(self, name: str) -> list[AskedTest]:
        since = (self._clock.now() - PATIENCE) * 1000
        found = probe_tests.waiting(self._db, name)
        return [test for test in found if test.created_at >= since]

    def _current(self) -> State:
        now = self._clock.monotonic()
        if self._looked is None or now - self._looked >= _FRESH:
            self._state, self._looked = state(self._db), now
        return self._state

    def _make(
        self, name: str, wanted: State, tests: Sequence[AskedTest]
    ) -> dict[str, Any]:
        if self._everything[0] != wanted:
            self._everything = (wanted, read_everything(self._db))
        asked = [
            {
                "id": test.id,
                "destination": test.destination,
                "host": test.host,
                "probe": test.probe,
            }
            for test in tests
        ]
        return plan_of(self._everything[1], name, asked)

    def _note(self, name: str, agent: _Agent, has: str) -> None:
        now = self._clock.monotonic()
        recent = agent.seen is not None and now - agent.seen < SEEN_EVERY
        if recent and agent.noted == has:
            return
        try:
            agents.see(
                self._db, name, round(self._clock.now() * 1000), "", has, dropped=None
            )
        except DatabaseUnavailable as error:
            # Reading works while another process writes; the next request notes it.
            log.warning("visit of an agent not noted", agent=name, error=str(error))
            return
        agent.seen, agent.noted = now, has


def read_everything(db: Database) -> Everything:
    """Return all that is written of what is probed.

    What jobs name is read after them, so that it is there.
    """
    documents = {
        key: [row.document for row in table.everything(db, key)]
        for key in ("jobs", "maintenance", "destinations", "modules")
    }
    return Everything(**documents)
