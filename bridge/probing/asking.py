"""Asks an agent to probe something once, at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from bridge.probing.catalogue import Catalogue
from bridge.probing.entries import DESTINATION, MODULE, stored, written
from bridge.probing.planner import PATIENCE, read_everything
from bridge.probing.plans import plan_of
from bridge.probing.refusals import NoSuchEntry
from models.queries import agents, probe_tests
from runtime.probing.jobs import BUILT_IN

if TYPE_CHECKING:
    from models.database import Database
    from models.queries.agents import AgentRow
    from models.queries.probe_tests import AskedTest
    from runtime.clock import Clock
    from runtime.probing.probes import Probe

log = structlog.get_logger(__name__)

USUAL: Final = "icmp"
"""The module for what no job probes."""
AWAY_AFTER: Final = 90.0
"""Seconds without a word after which an agent is away; it is noted every 30."""


class NoAgent(Exception):  # noqa: N818 - a state, not a mistake
    """Nobody is there who could do it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be probed, by which module and agent; None is any that fits."""

    host: str
    destination: str = ""
    module: str = USUAL
    agent: str | None = None


def wish_of(
    db: Database,
    catalogue: Catalogue,
    name: str,
    module: str | None = None,
    agent: str | None = None,
) -> Wish:
    """Return the wish to probe a destination; raise NoSuchEntry.

    Without a module it is the first of the first job that probes it, or else `icmp`.
    """
    host = str(catalogue.entry(DESTINATION, name).row.document["host"])
    if module is None:
        everything = read_everything(db)
        usual = (
            job["probes"][0]
            for job in everything.jobs
            if name in everything.selected(job)
        )
        module = next(usual, USUAL)
    return Wish(host, name, module, agent)


def ask(db: Database, clock: Clock, wish: Wish, author: str) -> AskedTest:
    """Leave a wish for an agent, which finds it when it asks for its plan.

    Raises NoAgent, and NoSuchEntry for an unknown module.
    """
    now = clock.now()
    probe = _probe(Catalogue(db, clock), wish.module)
    with db.atomic():
        probe_tests.expire(db, round((now - PATIENCE) * 1000))
        asked = probe_tests.create(
            db,
            agent=_agent(db, wish, now),
            destination=wish.destination,
            host=wish.host,
            probe=written(probe),
            now=round(now * 1000),
        )
    log.info("test asked for", host=wish.host, agent=asked.agent, by=author)
    return asked


def is_here(agent: AgentRow, now: float) -> bool:
    """Whether an agent came lately, at a time in UTC seconds."""
    return now - agent.last_seen / 1000 < AWAY_AFTER


def state_of(test: AskedTest, now: float) -> str:
    """Return the state of a test at a time in UTC seconds.

    One that nobody did is given up, also before that is written down.
    """
    waits = test.state == probe_tests.WAITING
    if waits and now - test.created_at / 1000 >= PATIENCE:
        return probe_tests.EXPIRED
    return test.state


def _probe(catalogue: Catalogue, module: str) -> Probe:
    try:
        found = catalogue.entry(MODULE, module)
    except NoSuchEntry:
        if module in BUILT_IN:
            return BUILT_IN[module]
        raise
    probe: Probe = stored(MODULE, found.row.document)  # type: ignore[assignment]  # of this kind
    return probe


def _agent(db: Database, wish: Wish, now: float) -> str:
    """Return who does it: who was named, or who probes it, or whoever is here."""
    known = agents.everyone(db)
    here = [one for one in known if is_here(one, now)]
    if wish.agent is not None:
        here = [one for one in here if one.name == wish.agent]
    if not here:
        raise NoAgent(_why(wish, [one.name for one in known]))
    here.sort(key=lambda one: one.last_seen, reverse=True)
    if wish.destination and wish.agent is None:
        everything = read_everything(db)
        for one in here:
            plan = plan_of(everything, one.name)
            if any(it["name"] == wish.destination for it in plan["destinations"]):
                return one.name
    return here[0].name


def _why(wish: Wish, known: list[str]) -> str:
    if wish.agent is not None and wish.agent not in known:
        return (
            f"there is no agent {wish.agent!r}; known are {', '.join(known) or 'none'}"
        )
    if known:
        who = wish.agent or f"any of {', '.join(known)}"
        return f"{who} did not ask for work for {AWAY_AFTER:g} s; is it running?"
    return (
        "there is no agent; start an exporter that has exporter.prober.bridge set to "
        "this bridge"
    )
