from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.probing.asking import AWAY_AFTER, NoAgent, Wish, ask, state_of, wish_of
from bridge.probing.entries import DESTINATION, JOB, MODULE
from bridge.probing.planner import PATIENCE
from bridge.probing.refusals import NoSuchEntry
from models.queries import agents
from tests.bridge.application import NOON
from tests.bridge.probing.runs import stage
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from models.database import Database


def come(db: Database, *ages: tuple[str, float]) -> FakeClock:
    """Note agents that came so many seconds ago."""
    for name, age in ages:
        agents.see(db, name, round((NOON - age) * 1000), "", "", None)
    return FakeClock(float(NOON))


def test_who_probes_it_is_asked_even_if_others_came_later(db: Database) -> None:
    catalogue = stage(db, "a", "b")
    catalogue.patch(JOB, "ping", {"agents": ["edge", "core"]}, "t")
    clock = come(db, ("core", 40), ("edge", 30), ("other", 1))
    wish = wish_of(db, catalogue, "a", "icmp")
    assert wish == Wish("a.example.org", "a", "icmp")
    assert ask(db, clock, wish, "t").agent == "edge"
    catalogue.patch(JOB, "ping", {"destinations": ["b"]}, "t")
    assert ask(db, clock, wish, "t").agent == "other"


def test_who_is_away_is_not_asked(db: Database) -> None:
    catalogue = stage(db, "a")
    clock = come(db, ("edge", AWAY_AFTER))
    with pytest.raises(NoAgent, match="any of edge did not ask for work"):
        ask(db, clock, wish_of(db, catalogue, "a", "icmp"), "t")


def test_own_modules_come_before_those_that_are_built_in(db: Database) -> None:
    catalogue = stage(db, "a")
    clock = come(db, ("edge", 1))
    wish = wish_of(db, catalogue, "a", "icmp")
    assert ask(db, clock, wish, "t").probe["count"] == 1
    catalogue.create(MODULE, {"name": "icmp", "kind": "icmp", "count": 3}, "t")
    assert ask(db, clock, wish, "t").probe["count"] == 3
    with pytest.raises(NoSuchEntry, match="there is no module 'pong'"):
        ask(db, clock, wish_of(db, catalogue, "a", "pong"), "t")


def test_the_module_is_that_of_a_job_if_none_is_named(db: Database) -> None:
    catalogue = stage(db, "a", "b")
    assert wish_of(db, catalogue, "a").module == "icmp"
    catalogue.patch(DESTINATION, "a", {"tags": ["web"]}, "t")
    catalogue.patch(JOB, "ping", {"destinations": ["b"]}, "t")
    web = {"name": "web", "probes": ["http", "tls"], "tags": ["web"]}
    catalogue.create(JOB, web, "t")
    assert wish_of(db, catalogue, "a").module == "http"
    catalogue.remove(JOB, "web", "t")
    assert wish_of(db, catalogue, "a").module == "icmp"


def test_it_is_given_up_after_a_while(db: Database) -> None:
    clock = come(db, ("edge", 1))
    asked = ask(db, clock, Wish("192.0.2.1"), "t")
    assert state_of(asked, NOON + PATIENCE - 0.1) == "waiting"
    assert state_of(asked, NOON + PATIENCE) == "expired"


def test_what_is_not_probed_may_be_tested(db: Database) -> None:
    catalogue = stage(db, "a")
    catalogue.patch(DESTINATION, "a", {"enabled": False}, "t")
    clock = come(db, ("edge", 1))
    assert ask(db, clock, wish_of(db, catalogue, "a", "icmp"), "t").destination == "a"
